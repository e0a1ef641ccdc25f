"""Outlines of other programs, read in the background."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    requested_by text NOT NULL,
    format text NOT NULL,
    file_name text NOT NULL,
    size_bytes bigint NOT NULL CHECK (size_bytes > 0),
    bases jsonb NOT NULL,
    image_id uuid,
    page integer NOT NULL CHECK (page > 0),
    note text,
    status text NOT NULL
        CHECK (status IN ('awaiting_upload', 'queued', 'running', 'succeeded', 'failed', 'expired')),
    correlation_id text NOT NULL,
    created_at timestamptz NOT NULL,
    upload_until timestamptz NOT NULL,
    attempt integer NOT NULL,
    done integer NOT NULL,
    total integer NOT NULL,
    spheroids bigint NOT NULL,
    sent_at timestamptz,
    started_at timestamptz,
    alive_at timestamptz,
    finished_at timestamptz,
    images jsonb NOT NULL,
    unmatched text[] NOT NULL,
    failure_code text,
    failure_detail text
);
CREATE INDEX imports_of_project ON imports (project_id, requested_by, created_at DESC, id DESC);
CREATE INDEX imports_unfinished ON imports (requested_by, alive_at, id)
    WHERE status IN ('awaiting_upload', 'queued', 'running');
CREATE INDEX imports_by_person ON imports (requested_by);
CREATE INDEX imports_awaited ON imports (upload_until, id) WHERE status = 'awaiting_upload';
CREATE INDEX imports_ended ON imports (created_at) WHERE status IN ('succeeded', 'failed', 'expired');
COMMENT ON COLUMN imports.bases IS 'pairs of a segmentation and the revision that is corrected; none: new results';
COMMENT ON COLUMN imports.image_id IS 'no reference: the image may be deleted meanwhile';
COMMENT ON COLUMN imports.images IS 'what became of each image; empty before it succeeded';
COMMENT ON COLUMN imports.unmatched IS 'names in the file that mean no image';
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
