"""Quotas in versions, and what administrators did."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE accounts ADD COLUMN quota_version integer NOT NULL DEFAULT 0 CHECK (quota_version >= 0);
COMMENT ON COLUMN accounts.quota_version IS 'counts the changes of the quota by administrators';

CREATE TABLE admin_actions (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    admin_id text,
    action text NOT NULL,
    subject text,
    details jsonb NOT NULL
);
CREATE INDEX admin_actions_by_age ON admin_actions (at, id);
COMMENT ON COLUMN admin_actions.admin_id IS 'null: has deleted their account';
"""


def upgrade() -> None:
    """Add the column and the table."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
