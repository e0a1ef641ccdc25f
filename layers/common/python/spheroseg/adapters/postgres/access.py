"""The role of a viewer, found in the same statement as what is asked for."""

from spheroseg.adapters.postgres.database import Row
from spheroseg.domain.access import Access, Role

_VISIBLE = """
    FROM projects LEFT JOIN project_members
        ON project_members.project_id = projects.id AND project_members.user_id = %(viewer_id)s
    WHERE projects.id = {project_id} AND projects.deleted_at IS NULL
        AND (projects.owner_id = %(viewer_id)s OR project_members.user_id IS NOT NULL)
"""


def access_to(project_id: str) -> str:
    """What follows ``FROM …`` to keep rows of projects that ``%(viewer_id)s`` may read, with the columns of access.

    Args:
        project_id: SQL for the id of a row's project, such as ``images.project_id``; never text from outside.
    """
    return f"""
CROSS JOIN LATERAL (
    SELECT CASE WHEN projects.owner_id = %(viewer_id)s THEN 'owner' ELSE project_members.role END AS viewer_role,
        projects.archived_at IS NOT NULL AS project_is_archived
    {_VISIBLE.format(project_id=project_id)}
) AS access
"""


def visible_project(project_id: str) -> str:
    """SQL for that id if ``%(viewer_id)s`` may read the project, else for NULL; evaluated once a statement.

    For lists: ``WHERE project_id = {visible_project('%(project_id)s')}`` is answered by an index on ``project_id``.
    """
    return f"(SELECT projects.id {_VISIBLE.format(project_id=project_id)})"


def access_of(row: Row) -> Access:
    """The access in a row."""
    return Access(role=Role(row["viewer_role"]), is_archived=row["project_is_archived"])
