"""What is said of a project, who has which role in it, what is offered to whom, and what is done to it at length."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The owner stands in projects.owner_id alone, so that a project has exactly one at any time. A member's row repeats
# when the project was made, which never changes: lists of projects are then read in order from one index.
TABLES = """
ALTER TABLE projects
    ADD COLUMN description text NOT NULL DEFAULT '',
    ADD COLUMN tags text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz,
    ADD COLUMN archived_at timestamptz,
    ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN projects.version IS 'counts the changes of this row; clients hold it as an entity tag';

CREATE TABLE project_members (
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id text NOT NULL,
    role text NOT NULL CHECK (role IN ('editor', 'viewer')),
    email text,
    joined_at timestamptz NOT NULL,
    project_created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
CREATE INDEX project_members_by_user ON project_members (user_id, project_created_at, project_id);

CREATE INDEX images_of_project ON images (project_id, created_at, id);

CREATE TABLE project_offers (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('editor', 'viewer')),
    email text,
    token_hash text UNIQUE,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    accepted_by text,
    CHECK (num_nonnulls(email, token_hash) = 1),
    UNIQUE (project_id, email)
);
CREATE INDEX project_offers_by_email ON project_offers (email) WHERE accepted_by IS NULL;

CREATE TABLE project_removals (
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id text NOT NULL,
    removed_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, user_id)
);
-- project_id does not refer to projects: a job outlives the project that it removes.
CREATE TABLE project_jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('delete')),
    project_id uuid NOT NULL,
    requested_by text NOT NULL,
    status text NOT NULL CHECK (status IN ('queued', 'running', 'succeeded')),
    done integer NOT NULL CHECK (done >= 0),
    total integer NOT NULL CHECK (total >= done),
    correlation_id text NOT NULL,
    created_at timestamptz NOT NULL,
    alive_at timestamptz NOT NULL,
    finished_at timestamptz
);
CREATE INDEX project_jobs_unfinished ON project_jobs (alive_at, id) WHERE status IN ('queued', 'running');

COMMENT ON TABLE project_removals IS 'a link that was made before somebody was removed does not let them in again';
"""


def upgrade() -> None:
    """Add tables, columns and the index that lists of images follow."""
    op.execute(TABLES)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
