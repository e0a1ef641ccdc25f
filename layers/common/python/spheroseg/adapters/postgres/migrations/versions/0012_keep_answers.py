"""Answers to requests with idempotency keys, kept for repeats."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE kept_answers (
    key text PRIMARY KEY,
    request text NOT NULL,
    content text,
    under_way_until timestamptz NOT NULL,
    kept_until timestamptz NOT NULL
);
COMMENT ON COLUMN kept_answers.key IS 'digest of who asked for what by which key';
COMMENT ON COLUMN kept_answers.request IS 'digest of what was asked for';
COMMENT ON COLUMN kept_answers.content IS 'the answer, sealed with the key that only the client has; null: under way';
CREATE INDEX kept_answers_by_age ON kept_answers (kept_until);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
