"""A change of who has a role in a project counts the project's stamp too, not the person's alone.

What is read for somebody whose role is taken away meanwhile must not be kept for those who still have theirs.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

MEMBERS = """
CREATE OR REPLACE FUNCTION stamp_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM count_stamps(array_remove(ARRAY[
        'p' || OLD.project_id, 'p' || NEW.project_id, scope_of_person(OLD.user_id), scope_of_person(NEW.user_id)
    ], NULL));
    RETURN NULL;
END
$$;
"""


def upgrade() -> None:
    """Replace the function; the trigger stays."""
    op.execute(MEMBERS)


def downgrade() -> None:
    """Refuse: a schema goes forward only."""
    raise NotImplementedError("A schema goes forward only; restore a snapshot instead")
