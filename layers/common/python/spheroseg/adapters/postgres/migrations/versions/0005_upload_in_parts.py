"""Uploads in parts, and what is known of a file's bytes."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; null for what was there before."""
    op.execute("ALTER TABLE images ADD COLUMN digest text, ADD COLUMN upload_id text")


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
