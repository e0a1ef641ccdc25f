"""Exports of projects, made in the background."""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    requested_by text NOT NULL,
    format text NOT NULL,
    name text NOT NULL,
    image_ids uuid[],
    pixel_size_um double precision CHECK (pixel_size_um > 0),
    status text NOT NULL
        CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'expired')),
    correlation_id text NOT NULL,
    created_at timestamptz NOT NULL,
    attempt integer NOT NULL,
    done integer NOT NULL,
    total integer NOT NULL,
    spheroids bigint NOT NULL,
    sent_at timestamptz,
    started_at timestamptz,
    alive_at timestamptz,
    finished_at timestamptz,
    expires_at timestamptz,
    file_name text,
    size_bytes bigint,
    sha256 text,
    media_type text,
    failure_code text,
    failure_detail text
);
CREATE INDEX exports_of_project ON exports (project_id, requested_by, created_at DESC, id DESC);
CREATE INDEX exports_unfinished ON exports (requested_by, created_at, id) WHERE status IN ('queued', 'running');
CREATE INDEX exports_by_person ON exports (requested_by);
CREATE INDEX exports_with_file ON exports (expires_at, id) WHERE status = 'succeeded';
CREATE INDEX exports_ended ON exports (finished_at) WHERE status IN ('failed', 'cancelled', 'expired');
COMMENT ON COLUMN exports.image_ids IS 'null: all of the project; no reference: an image may be deleted meanwhile';
COMMENT ON COLUMN exports.sent_at IS 'when it was put on the queue last; null: its turn has not come';
COMMENT ON COLUMN exports.done IS 'images that are written, of the total that is gone through';
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
