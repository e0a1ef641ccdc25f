"""How many pages an image's file has and what they run over; null until it is decoded, as in images of before."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE images
    ADD COLUMN page_count integer CHECK (page_count > 0),
    ADD COLUMN page_axes text,
    ADD COLUMN page_sizes integer[];
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
