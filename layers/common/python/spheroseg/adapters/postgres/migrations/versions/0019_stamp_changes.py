"""Stamps that tell whether anything below a project has changed, or anything that somebody sees of their projects.

Each statement that writes counts its projects' stamps up in its own transaction, whoever runs it. A stamp is spread
over 32 rows, so that transactions rarely wait for one another.
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE change_stamps (
    scope text,
    shard smallint,
    stamp bigint NOT NULL,
    PRIMARY KEY (scope, shard)
) WITH (fillfactor = 50);
COMMENT ON COLUMN change_stamps.scope IS
    'p and a project''s id: all below it; u and a digest of a person''s id: their projects';
COMMENT ON COLUMN change_stamps.shard IS 'by the connection that wrote';
"""

COUNT = """
CREATE FUNCTION scope_of_person(user_id text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT 'u' || substr(encode(sha256(convert_to(user_id, 'UTF8')), 'hex'), 1, 32)
$$;

CREATE FUNCTION count_stamps(scopes text[]) RETURNS void LANGUAGE sql AS $$
    INSERT INTO change_stamps (scope, shard, stamp)
    SELECT scope, (pg_backend_pid() % 32)::smallint, 1
    FROM (SELECT DISTINCT unnest(scopes) AS scope ORDER BY 1) AS changed
    ON CONFLICT (scope, shard) DO UPDATE SET stamp = change_stamps.stamp + 1
$$;
"""

BELOW = """
CREATE FUNCTION stamp_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_stamps(array_agg(DISTINCT 'p' || project_id)) FROM {changed};
    RETURN NULL;
END
$$;
CREATE TRIGGER stamp_{event} AFTER {event} ON {table} {tables} FOR EACH STATEMENT
EXECUTE FUNCTION stamp_{table}_{event}();
"""
CHANGED = {
    "insert": ("new_rows AS changed", "REFERENCING NEW TABLE AS new_rows"),
    "delete": ("old_rows AS changed", "REFERENCING OLD TABLE AS old_rows"),
    "update": (
        "(SELECT project_id FROM old_rows UNION SELECT project_id FROM new_rows) AS changed",
        "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    ),
}

# Few and rare rows: a project changes for itself, its owner of before and after, and its members.
PROJECTS = """
CREATE FUNCTION stamp_project() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    id uuid := coalesce(NEW.id, OLD.id);
BEGIN
    PERFORM count_stamps(
        array_remove(ARRAY['p' || id, scope_of_person(OLD.owner_id), scope_of_person(NEW.owner_id)], NULL)
        || coalesce((SELECT array_agg(scope_of_person(user_id)) FROM project_members WHERE project_id = id), '{}'));
    RETURN NULL;
END
$$;
CREATE TRIGGER stamp AFTER INSERT OR UPDATE OR DELETE ON projects FOR EACH ROW EXECUTE FUNCTION stamp_project();

CREATE FUNCTION stamp_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_stamps(array_remove(ARRAY[scope_of_person(OLD.user_id), scope_of_person(NEW.user_id)], NULL));
    RETURN NULL;
END
$$;
CREATE TRIGGER stamp AFTER INSERT OR UPDATE OR DELETE ON project_members FOR EACH ROW EXECUTE FUNCTION stamp_member();
"""


def upgrade() -> None:
    """Make the table, and let every change be counted."""
    op.execute(TABLE)
    op.execute(COUNT)
    for table in ("images", "segmentations"):
        for event, (changed, tables) in CHANGED.items():
            op.execute(BELOW.format(table=table, event=event, changed=changed, tables=tables))
    op.execute(PROJECTS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
