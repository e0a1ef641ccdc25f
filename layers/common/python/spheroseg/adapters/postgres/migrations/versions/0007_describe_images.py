"""What owners say of their images: tags, sample, and pixel sizes that can be mended."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE images
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}' CHECK (cardinality(tags) <= 10),
    ADD COLUMN plate text,
    ADD COLUMN well text,
    ADD COLUMN condition text,
    ADD COLUMN time_point_h double precision,
    ADD COLUMN replicate integer CHECK (replicate > 0),
    ADD COLUMN version bigint NOT NULL DEFAULT 1;
ALTER TABLE segmentations
    ADD COLUMN file_pixel_size_um double precision,
    ADD COLUMN written_pixel_size_um double precision;
COMMENT ON COLUMN segmentations.file_pixel_size_um IS 'as the image file says it';
COMMENT ON COLUMN segmentations.written_pixel_size_um IS 'what the stored files of the result were written with';
UPDATE segmentations SET written_pixel_size_um = pixel_size_um,
    file_pixel_size_um = CASE WHEN pixel_size_source = 'file' THEN pixel_size_um END
WHERE spheroid_count IS NOT NULL;
"""

# Whatever changes a row changes its version: entity tags of answers are made of it.
VERSION = """
CREATE FUNCTION next_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version = OLD.version + 1;
    RETURN NEW;
END
$$;
CREATE TRIGGER next_version BEFORE UPDATE ON images FOR EACH ROW EXECUTE FUNCTION next_version();
"""


def upgrade() -> None:
    """Add the columns and the trigger."""
    op.execute(COLUMNS)
    op.execute(VERSION)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
