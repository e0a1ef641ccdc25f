"""Accounts: profile, quota, and usage that the database itself counts."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE accounts (
    user_id text PRIMARY KEY,
    name text,
    organisation text,
    language text,
    pixel_size_um double precision CHECK (pixel_size_um > 0),
    quota_bytes bigint CHECK (quota_bytes >= 0),
    quota_images bigint CHECK (quota_images >= 0),
    stored_bytes bigint NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0),
    stored_images bigint NOT NULL DEFAULT 0 CHECK (stored_images >= 0),
    announced_bytes bigint NOT NULL DEFAULT 0 CHECK (announced_bytes >= 0),
    announced_images bigint NOT NULL DEFAULT 0 CHECK (announced_images >= 0)
) WITH (fillfactor = 50);
COMMENT ON COLUMN accounts.quota_bytes IS 'null: the default of the release';
COMMENT ON COLUMN accounts.quota_images IS 'null: the default of the release';
"""

# One row of the transition table as what it takes; the same rule as ``Usage.of`` in the domain. 100,000,000 bytes are
# kept free for a file whose size nobody told (``UNTOLD_BYTES``).
TAKEN = """
SELECT owner_id, {sign} * CASE WHEN status = 'awaiting_upload' THEN 0 ELSE coalesce(size_bytes, 0) END AS stored_bytes,
    {sign} * (status = 'stored' OR status = 'refused' AND coalesce(size_bytes, 0) > 0)::integer AS stored_images,
    {sign} * CASE WHEN status = 'awaiting_upload' THEN coalesce(size_bytes, 100000000) ELSE 0 END AS announced_bytes,
    {sign} * (status = 'awaiting_upload')::integer AS announced_images
FROM {rows}
"""

COUNT = """
CREATE FUNCTION count_images_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts (user_id) SELECT DISTINCT owner_id FROM {rows} ON CONFLICT DO NOTHING;
    UPDATE accounts SET stored_bytes = accounts.stored_bytes + change.stored_bytes,
        stored_images = accounts.stored_images + change.stored_images,
        announced_bytes = accounts.announced_bytes + change.announced_bytes,
        announced_images = accounts.announced_images + change.announced_images
    FROM (
        SELECT owner_id, sum(stored_bytes) AS stored_bytes, sum(stored_images) AS stored_images,
            sum(announced_bytes) AS announced_bytes, sum(announced_images) AS announced_images
        FROM ({taken}) AS taken GROUP BY owner_id
    ) AS change
    WHERE accounts.user_id = change.owner_id AND (change.stored_bytes <> 0 OR change.stored_images <> 0
        OR change.announced_bytes <> 0 OR change.announced_images <> 0);
    RETURN NULL;
END
$$;
CREATE TRIGGER count_{event} AFTER {event} ON images {tables} FOR EACH STATEMENT
    EXECUTE FUNCTION count_images_{event}();
"""

NEW, OLD = TAKEN.format(sign="1", rows="new_rows"), TAKEN.format(sign="-1", rows="old_rows")
TRIGGERS = [
    COUNT.format(event="insert", rows="new_rows", taken=NEW, tables="REFERENCING NEW TABLE AS new_rows"),
    COUNT.format(event="delete", rows="old_rows", taken=OLD, tables="REFERENCING OLD TABLE AS old_rows"),
    COUNT.format(
        event="update",
        rows="new_rows",
        taken=f"{NEW} UNION ALL {OLD}",
        tables="REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    ),
]

PRESENT = f"""
INSERT INTO accounts (user_id, stored_bytes, stored_images, announced_bytes, announced_images)
SELECT owner_id, sum(stored_bytes), sum(stored_images), sum(announced_bytes), sum(announced_images)
FROM ({TAKEN.format(sign="1", rows="images")}) AS taken GROUP BY owner_id
"""


def upgrade() -> None:
    """Create the table, count what is there, and go on counting."""
    op.execute("LOCK TABLE images IN SHARE ROW EXCLUSIVE MODE")  # nothing is added between the two
    op.execute(TABLE)
    op.execute(PRESENT)
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
