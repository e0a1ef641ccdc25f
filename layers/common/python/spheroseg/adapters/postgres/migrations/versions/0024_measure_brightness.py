"""How bright spheroids are; null in rows of before, and where an outline was corrected."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

COLUMNS = """
ALTER TABLE {table}
    ADD COLUMN intensity_mean double precision,
    ADD COLUMN intensity_sd double precision,
    ADD COLUMN intensity_min double precision,
    ADD COLUMN intensity_max double precision,
    ADD COLUMN intensity_median double precision,
    ADD COLUMN intensity_integrated double precision,
    ADD COLUMN intensity_local_background double precision,
    ADD COLUMN background_voided_in integer;
COMMENT ON COLUMN {table}.intensity_mean IS 'in grey values, as the columns behind it; null: not measured';
COMMENT ON COLUMN {table}.background_voided_in IS
    'from that revision on outlines near it are others than those that its local background was measured among';
"""


def upgrade() -> None:
    """Add the columns."""
    for table in ("spheroids", "revised_spheroids"):
        op.execute(COLUMNS.format(table=table))


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
