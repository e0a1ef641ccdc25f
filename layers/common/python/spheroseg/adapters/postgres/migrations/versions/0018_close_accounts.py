"""Accounts that were closed; what stays of them names nobody."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE account_closings (
    id uuid PRIMARY KEY,
    user_hash text NOT NULL UNIQUE,
    user_id text,
    projects integer NOT NULL DEFAULT 0,
    correlation_id text NOT NULL,
    requested_at timestamptz NOT NULL,
    alive_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX account_closings_unfinished ON account_closings (alive_at, id) WHERE finished_at IS NULL;
COMMENT ON COLUMN account_closings.user_hash IS 'SHA-256 of the id: tokens that were given out stay worthless';
COMMENT ON COLUMN account_closings.user_id IS 'null: all is done';
CREATE INDEX project_jobs_by_person ON project_jobs (requested_by);
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
