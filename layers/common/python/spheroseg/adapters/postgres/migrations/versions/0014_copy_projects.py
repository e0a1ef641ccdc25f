"""Copies of projects: jobs that make another project, may be stopped and may fail, and what is left of them."""

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE project_jobs
    ADD COLUMN target_id uuid,
    ADD COLUMN failure_code text,
    ADD COLUMN failure_detail text,
    DROP CONSTRAINT project_jobs_kind_check,
    DROP CONSTRAINT project_jobs_status_check,
    ADD CONSTRAINT project_jobs_kind_check CHECK (kind IN ('delete', 'duplicate')),
    ADD CONSTRAINT project_jobs_status_check
        CHECK (status IN ('queued', 'running', 'undoing', 'succeeded', 'cancelled', 'failed'));
COMMENT ON COLUMN project_jobs.target_id IS 'the project that a duplication makes';

DROP INDEX project_jobs_unfinished;
CREATE INDEX project_jobs_unfinished ON project_jobs (alive_at, id) WHERE status IN ('queued', 'running', 'undoing');

-- image_id does not refer to images: an image may be deleted while its project is copied.
CREATE TABLE project_copies (
    job_id uuid NOT NULL REFERENCES project_jobs ON DELETE CASCADE,
    image_id uuid NOT NULL,
    size_bytes bigint NOT NULL,
    source_run_ids uuid[],
    segmentation_ids uuid[],
    is_done boolean NOT NULL DEFAULT false,
    PRIMARY KEY (job_id, image_id)
);
CREATE INDEX project_copies_left ON project_copies (job_id, image_id) WHERE NOT is_done;
COMMENT ON COLUMN project_copies.segmentation_ids IS 'copies of its runs; null: the image has no row yet, room is kept';
COMMENT ON COLUMN projects.deleted_at IS 'nobody finds it: it is being deleted, or is an unfinished copy of another';
"""


def upgrade() -> None:
    """Add the table and the columns, and let the new kinds and statuses in."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
