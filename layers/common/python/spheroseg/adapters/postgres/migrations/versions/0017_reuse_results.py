"""Results that are used again for equal files, whose files several runs share; and images that repeat another."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Files lie under the id of the run that made them. They are removed with the last run that shows them.
COLUMNS = """
ALTER TABLE images ADD COLUMN duplicate_of uuid REFERENCES images ON DELETE SET NULL;
COMMENT ON COLUMN images.duplicate_of IS 'an image of the same project with the same bytes, that was stored before';
CREATE INDEX images_by_original ON images (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX images_by_digest ON images (owner_id, digest) WHERE digest IS NOT NULL;

ALTER TABLE segmentations
    ADD COLUMN is_reused boolean NOT NULL DEFAULT false,
    ADD COLUMN reused_from uuid,
    ADD COLUMN files_of uuid,
    ADD COLUMN files_attempt integer,
    ADD COLUMN has_twin boolean NOT NULL DEFAULT false,
    ADD COLUMN is_leaving boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN segmentations.reused_from IS 'the run of the same project that found it; null: it ran, or the other '
    'is in another project of the owner, which readers of this one may not see';
COMMENT ON COLUMN segmentations.files_of IS 'the run under whose id its files lie; null: its own';
COMMENT ON COLUMN segmentations.has_twin IS 'when it was added, another image had the same bytes';
COMMENT ON COLUMN segmentations.is_leaving IS 'its image is being removed: nothing may use its files any more';
CREATE INDEX segmentations_by_files ON segmentations (files_of) WHERE files_of IS NOT NULL;
CREATE INDEX segmentations_with_twins ON segmentations (queued_at, id)
    WHERE status = 'queued' AND sent_at IS NULL AND has_twin;
"""


def upgrade() -> None:
    """Add the columns, and an index for each question that is asked of them."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
