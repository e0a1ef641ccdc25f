"""How sure a model was along each rim, and whether somebody should look; null in rows of before, which say nothing."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE segmentations ADD COLUMN review jsonb;
COMMENT ON COLUMN segmentations.review IS 'reasons, and the signs that they follow from; null: nobody judged';

ALTER TABLE spheroids ADD COLUMN rim_confidence double precision, ADD COLUMN review_reasons text[];
COMMENT ON COLUMN spheroids.review_reasons IS 'null: nobody judged, and confidence is not calibrated';
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
