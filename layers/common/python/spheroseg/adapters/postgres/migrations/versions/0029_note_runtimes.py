"""What computed the model file of a run."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE segmentations ADD COLUMN ran_runtime text, ADD COLUMN ran_provider text;
COMMENT ON COLUMN segmentations.ran_runtime IS 'program with its version; null in runs of before it was noted';
COMMENT ON COLUMN segmentations.ran_provider IS 'execution provider of that program; null where ran_runtime is';
"""


def upgrade() -> None:
    """Add the columns; of runs of before nothing is known."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
