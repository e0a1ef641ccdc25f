"""Projects, images, segmentations, spheroids, watchers and tickets."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE projects (
    id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    name text NOT NULL,
    pixel_size_um double precision CHECK (pixel_size_um > 0),
    created_at timestamptz NOT NULL
);
CREATE INDEX projects_by_owner ON projects (owner_id, created_at, id);

CREATE TABLE images (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects,
    owner_id text NOT NULL,
    name text NOT NULL,
    status text NOT NULL CHECK (status IN ('awaiting_upload', 'stored', 'refused')),
    pixel_size_um double precision CHECK (pixel_size_um > 0),
    size_bytes bigint CHECK (size_bytes >= 0),
    etag text,
    model text NOT NULL,
    model_version text NOT NULL,
    parameters jsonb NOT NULL,
    priority text NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
    correlation_id text NOT NULL,
    created_at timestamptz NOT NULL,
    stored_at timestamptz,
    failure_code text,
    failure_detail text
);
CREATE INDEX images_by_project ON images (owner_id, project_id, created_at, id);
CREATE INDEX images_awaiting_upload ON images (created_at, id) WHERE status = 'awaiting_upload';

CREATE TABLE segmentations (
    id uuid PRIMARY KEY,
    image_id uuid NOT NULL REFERENCES images ON DELETE CASCADE,
    project_id uuid NOT NULL,
    owner_id text NOT NULL,
    model text NOT NULL,
    model_version text NOT NULL,
    parameters jsonb NOT NULL,
    priority text NOT NULL CHECK (priority IN ('high', 'normal', 'low')),
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    attempt integer NOT NULL CHECK (attempt >= 0),
    correlation_id text NOT NULL,
    queued_at timestamptz NOT NULL,
    started_at timestamptz,
    alive_at timestamptz,
    finished_at timestamptz,
    width_px integer,
    height_px integer,
    pixel_type text,
    pixel_size_um double precision,
    pixel_size_source text CHECK (pixel_size_source IN ('user', 'file', 'project')),
    spheroid_count integer CHECK (spheroid_count >= 0),
    stages_s jsonb,
    failure_code text,
    failure_detail text
);
CREATE INDEX segmentations_by_image ON segmentations (image_id, queued_at, id);
CREATE INDEX segmentations_queued ON segmentations (queued_at, id) INCLUDE (priority) WHERE status = 'queued';
CREATE INDEX segmentations_running ON segmentations (alive_at, id) WHERE status = 'running';
CREATE INDEX segmentations_finished ON segmentations (finished_at) INCLUDE (started_at)
    WHERE status IN ('succeeded', 'failed');

CREATE TABLE spheroids (
    segmentation_id uuid NOT NULL REFERENCES segmentations ON DELETE CASCADE,
    number integer NOT NULL CHECK (number > 0),
    confidence double precision,
    touches_edge boolean NOT NULL,
    polygons json NOT NULL,
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
    PRIMARY KEY (segmentation_id, number)
);

CREATE TABLE watchers (
    connection_id text PRIMARY KEY,
    owner_id text NOT NULL,
    connected_at timestamptz NOT NULL
);
CREATE INDEX watchers_by_owner ON watchers (owner_id);
CREATE INDEX watchers_by_age ON watchers (connected_at);

CREATE TABLE tickets (
    ticket_hash text PRIMARY KEY,
    owner_id text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX tickets_by_age ON tickets (expires_at);
"""

# On the role instead of in the connection's options, which RDS Proxy refuses. Limits are longer than the longest
# statement (the spheroids of one image) and shorter than a Lambda function's life.
TIMEOUTS = """
DO $$
BEGIN
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET statement_timeout = ''20s''', current_database());
    EXECUTE format('ALTER ROLE CURRENT_USER IN DATABASE %I SET lock_timeout = ''5s''', current_database());
    EXECUTE format(
        'ALTER ROLE CURRENT_USER IN DATABASE %I SET idle_in_transaction_session_timeout = ''30s''', current_database());
END
$$
"""


def upgrade() -> None:
    """Create everything, and set the role's timeouts."""
    op.execute(TABLES)
    op.execute(TIMEOUTS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
