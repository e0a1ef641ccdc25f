"""Pages that begin after the last row of the page before: as quick at the millionth row as at the first."""

from typing import Any
from uuid import UUID

from spheroseg.domain.paging import PageKey

NEWEST_ID = UUID(int=2**128 - 1)


def key_values(after: PageKey | None) -> dict[str, Any]:
    """The values of ``after_created_at`` and ``after_id``; without a key the page begins at the newest row."""
    if after is None:
        return {"after_created_at": "infinity", "after_id": NEWEST_ID}
    return {"after_created_at": after.created_at, "after_id": after.id}
