"""Statistics as exports: what is asked of the measures."""

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

COLUMN = """
ALTER TABLE exports ADD COLUMN statistics jsonb;
COMMENT ON COLUMN exports.statistics IS 'the question, for the format statistics; null: the usual one';
"""


def upgrade() -> None:
    """Add the column."""
    op.execute(COLUMN)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
