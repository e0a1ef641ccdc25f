"""The order of lists: newest first."""

from datetime import datetime
from uuid import UUID

from spheroseg.domain.export import Export
from spheroseg.domain.image import Image
from spheroseg.domain.outline_import import Import
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project


def age(row: Project | Image | Export | Import) -> tuple[datetime, UUID]:
    return row.created_at, row.id


def is_past(row: Project | Image | Export | Import, after: PageKey | None) -> bool:
    return after is None or age(row) < (after.created_at, after.id)
