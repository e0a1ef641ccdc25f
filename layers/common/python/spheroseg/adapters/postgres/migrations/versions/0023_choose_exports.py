"""What goes into an export: only accepted results, and the images themselves where a format has a place for them."""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE exports
    ADD COLUMN accepted_only boolean NOT NULL DEFAULT false,
    ADD COLUMN with_images boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN exports.accepted_only IS 'only results that a person accepted in their newest revision';
"""


def upgrade() -> None:
    """Add the columns."""
    op.execute(COLUMNS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
