"""Imports may be cancelled."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

# What may stand there only grows, and what earlier code asks for still implies the index's condition.
STATUS = """
ALTER TABLE imports
    DROP CONSTRAINT imports_status_check,
    ADD CONSTRAINT imports_status_check CHECK (
        status IN ('awaiting_upload', 'queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')
    );
DROP INDEX imports_ended;
CREATE INDEX imports_ended ON imports (created_at)
    WHERE status IN ('succeeded', 'failed', 'cancelled', 'expired');
"""


def upgrade() -> None:
    """Let the status be another one."""
    op.execute(STATUS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
