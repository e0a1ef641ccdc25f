"""Runs in batches, repeats of runs, and turns: who asked, how urgent it is, and since when it is in a queue."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Waiting runs of before have no sent_at: they are sent once more, which changes nothing.
COLUMNS = """
CREATE TABLE run_batches (
    id uuid PRIMARY KEY,
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    requested_by text NOT NULL,
    fingerprint text NOT NULL,
    created_at timestamptz NOT NULL,
    counts jsonb NOT NULL,
    told json NOT NULL
);
CREATE INDEX run_batches_of_project ON run_batches (project_id, created_at, id);
COMMENT ON COLUMN run_batches.fingerprint IS 'of what was asked for: the same idempotency key must ask for the same';

ALTER TABLE segmentations
    ADD COLUMN repeat integer NOT NULL DEFAULT 0 CHECK (repeat >= 0),
    ADD COLUMN repeat_of uuid,
    ADD COLUMN urgency smallint NOT NULL DEFAULT 5 CHECK (urgency BETWEEN 0 AND 10),
    ADD COLUMN requested_by text,
    ADD COLUMN batch_id uuid,
    ADD COLUMN sent_at timestamptz;
COMMENT ON COLUMN segmentations.repeat_of IS 'first run of the same image, model and parameters; null: this is it';
COMMENT ON COLUMN segmentations.sent_at IS 'null: waits for its turn';

CREATE UNIQUE INDEX segmentations_by_repeat ON segmentations (coalesce(repeat_of, id), repeat);
CREATE INDEX segmentations_held ON segmentations (coalesce(requested_by, owner_id), urgency DESC, queued_at, id)
    WHERE status = 'queued' AND sent_at IS NULL;
CREATE INDEX segmentations_sent ON segmentations (sent_at, id) INCLUDE (requested_by, owner_id)
    WHERE status = 'queued' AND sent_at IS NOT NULL;
CREATE INDEX segmentations_of_project ON segmentations (project_id, status);
CREATE INDEX segmentations_of_batch ON segmentations (batch_id, status) WHERE batch_id IS NOT NULL;
"""


def upgrade() -> None:
    """Add the table, the columns, and an index for each question that is asked of them."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
