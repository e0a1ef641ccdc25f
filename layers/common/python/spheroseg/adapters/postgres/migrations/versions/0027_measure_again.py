"""Brightness after corrections: what is to be measured again, and the local backgrounds that were."""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE surroundings (
    segmentation_id uuid NOT NULL REFERENCES segmentations ON DELETE CASCADE,
    number integer NOT NULL,
    revision integer NOT NULL,
    measured_at timestamptz,
    intensity_local_background double precision,
    asked_at timestamptz NOT NULL,
    asked integer NOT NULL DEFAULT 1,
    PRIMARY KEY (segmentation_id, number, revision)
);
CREATE INDEX surroundings_to_measure ON surroundings (segmentation_id, revision, number) WHERE measured_at IS NULL;
CREATE INDEX surroundings_asked ON surroundings (asked_at) WHERE measured_at IS NULL;
COMMENT ON TABLE surroundings IS
    'from that revision on a spheroid, or outlines near it, are others than before; up to its next row';
COMMENT ON COLUMN surroundings.measured_at IS 'null: it waits for that';
COMMENT ON COLUMN surroundings.intensity_local_background IS 'null: it waits, or has no ring';
COMMENT ON COLUMN surroundings.asked_at IS 'when a worker was asked last to measure it, and how often';
COMMENT ON COLUMN revised_spheroids.background_voided_in IS
    'from that revision on its local background is in surroundings; always its own, but in rows of before those';
"""

# Of what was corrected before: the newest revisions are measured now, earlier ones stay as they were.
EARLIER = """
UPDATE revised_spheroids SET background_voided_in = revision
WHERE replaced_in IS NULL AND background_voided_in IS NULL AND intensity_mean IS NULL;
INSERT INTO surroundings (segmentation_id, number, revision, asked_at)
SELECT runs.id, number, runs.revision, now() FROM revised_spheroids
JOIN segmentations AS runs ON runs.id = segmentation_id
WHERE replaced_in IS NULL AND background_voided_in IS NOT NULL
UNION ALL
SELECT runs.id, number, runs.revision, now() FROM spheroids
JOIN segmentations AS runs ON runs.id = segmentation_id
WHERE replaced_in IS NULL AND background_voided_in IS NOT NULL;
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)
    op.execute(EARLIER)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
