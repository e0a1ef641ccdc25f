"""Revisions of outlines: who changed which spheroids when, and the rows that stand since or stood until then."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE segmentations ADD COLUMN revision integer NOT NULL DEFAULT 0 CHECK (revision >= 0);
COMMENT ON COLUMN segmentations.revision IS 'the newest in revisions; 0: outlines are the segmenter''s own';
ALTER TABLE spheroids ADD COLUMN outline bytea, ADD COLUMN replaced_in integer CHECK (replaced_in > 0);
COMMENT ON COLUMN spheroids.outline IS 'the same as polygons, packed; null in rows of before';
COMMENT ON COLUMN spheroids.replaced_in IS 'the revision that changed or removed it; null: it stands';
"""

TABLES = """
CREATE TABLE revisions (
    segmentation_id uuid NOT NULL REFERENCES segmentations ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    author_id text NOT NULL,
    created_at timestamptz NOT NULL,
    note text,
    restored_from integer CHECK (restored_from >= 0 AND restored_from < number),
    operations json NOT NULL,
    added integer[] NOT NULL,
    changed integer[] NOT NULL,
    removed integer[] NOT NULL,
    spheroid_count integer NOT NULL CHECK (spheroid_count >= 0),
    highest_number integer NOT NULL CHECK (highest_number >= 0),
    PRIMARY KEY (segmentation_id, number)
);

-- The columns of spheroids, with packed outlines alone.
CREATE TABLE revised_spheroids (
    segmentation_id uuid NOT NULL,
    revision integer NOT NULL,
    number integer NOT NULL CHECK (number > 0),
    replaced_in integer CHECK (replaced_in > revision),
    confidence double precision,
    touches_edge boolean NOT NULL,
    rim_confidence double precision,
    review_reasons text[],
    outline bytea NOT NULL,
    area_px2 double precision NOT NULL,
    perimeter_px double precision NOT NULL,
    perimeter_with_holes_px double precision NOT NULL,
    equivalent_diameter_px double precision NOT NULL,
    circularity double precision NOT NULL,
    roundness double precision NOT NULL,
    solidity double precision NOT NULL,
    convexity double precision NOT NULL,
    compactness double precision NOT NULL,
    extent double precision NOT NULL,
    aspect_ratio double precision NOT NULL,
    sphericity double precision NOT NULL,
    feret_max_px double precision NOT NULL,
    feret_min_px double precision NOT NULL,
    major_axis_px double precision NOT NULL,
    minor_axis_px double precision NOT NULL,
    sphere_volume_px3 double precision NOT NULL,
    ellipsoid_volume_px3 double precision NOT NULL,
    centroid_x_px double precision NOT NULL,
    centroid_y_px double precision NOT NULL,
    bbox_x_px double precision NOT NULL,
    bbox_y_px double precision NOT NULL,
    bbox_width_px double precision NOT NULL,
    bbox_height_px double precision NOT NULL,
    hole_count integer NOT NULL,
    hole_area_px2 double precision NOT NULL,
    PRIMARY KEY (segmentation_id, number, revision),
    FOREIGN KEY (segmentation_id, revision) REFERENCES revisions ON DELETE CASCADE
);
"""

# What lies in a part of an image: from its top down to the part's lower side, the rest is in the index as well.
INDEXES = """
CREATE INDEX spheroids_by_place ON spheroids (segmentation_id, bbox_y_px)
    INCLUDE (bbox_x_px, bbox_width_px, bbox_height_px, number);
CREATE INDEX revised_spheroids_by_place ON revised_spheroids (segmentation_id, bbox_y_px)
    INCLUDE (bbox_x_px, bbox_width_px, bbox_height_px, number);
"""

# An image's version tells of its runs, and with them of their newest revisions.
TRIGGER = """
CREATE TRIGGER note_revision AFTER UPDATE OF revision ON segmentations
    FOR EACH ROW EXECUTE FUNCTION note_run_status();
"""


def upgrade() -> None:
    """Add columns, tables, indexes and the trigger."""
    for part in (COLUMNS, TABLES, INDEXES, TRIGGER):
        op.execute(part)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
