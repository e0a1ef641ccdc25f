"""Projects that begin with the pixel size of their maker's profile, and results that say so."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE projects ADD COLUMN pixel_size_of_profile boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN projects.pixel_size_of_profile IS 'nobody said the pixel size of this project';

ALTER TABLE segmentations DROP CONSTRAINT segmentations_pixel_size_source_check;
ALTER TABLE segmentations ADD CONSTRAINT segmentations_pixel_size_source_check
    CHECK (pixel_size_source IN ('user', 'file', 'project', 'profile')) NOT VALID;
"""


def upgrade() -> None:
    """Add the column, and let one more source of a pixel size in."""
    op.execute(COLUMNS)
    op.execute("ALTER TABLE segmentations VALIDATE CONSTRAINT segmentations_pixel_size_source_check")


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
