"""The model file that a run was made with; null in runs of before."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE segmentations
    ADD COLUMN ran_model text,
    ADD COLUMN ran_model_version text,
    ADD COLUMN ran_precision text CHECK (ran_precision IN ('float32', 'float16', 'int8')),
    ADD COLUMN ran_sha256 text;
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
