"""Revisions of outlines in PostgreSQL: each stores what it changed, and says of older rows when they were replaced.

A spheroid's row stands from its revision on until ``replaced_in``; those that the segmenter found, in ``spheroids``,
from revision 0. So any revision is read by two ranges of two indexes, however long the history is.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import segmentation_rows, spheroids
from spheroseg.adapters.postgres.access import access_of, access_to
from spheroseg.adapters.postgres.database import Database, Row
from spheroseg.adapters.postgres.orders import utc
from spheroseg.adapters.postgres.revision_storage import COLUMNS, sides_of, store_revision
from spheroseg.domain.access import Accessible
from spheroseg.domain.packed_outlines import packed
from spheroseg.domain.revision import (
    Box,
    Changes,
    Head,
    OutlinePage,
    RevisedPage,
    Revision,
)
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    NotFinishedError,
    RevisionNotFoundError,
    SegmentationNotFoundError,
)

MANY = 2**31 - 1

# At most one row: finished, readable, with a revision that exists.
RUN = f"""
FROM (
    SELECT id, project_id, spheroid_count AS found_count, coalesce(%(revision)s::integer, revision) AS revision
    FROM segmentations
    WHERE id = %(segmentation_id)s AND status = 'succeeded' AND coalesce(%(revision)s::integer, 0) <= revision
) AS runs
{access_to("runs.project_id")}
"""

PAGE = f"""
SELECT runs.revision AS page_revision, coalesce(kept.spheroid_count, runs.found_count) AS page_count, listed.*
{RUN}
LEFT JOIN revisions AS kept ON kept.segmentation_id = runs.id AND kept.number = runs.revision
LEFT JOIN LATERAL (
    {spheroids.at_revision(spheroids.FOUND, spheroids.REVISED, "runs.id", "runs.revision", "number > %(after_number)s")}
) AS listed ON true
"""

_OUTLINE = "number, CASE WHEN outline IS NULL THEN polygons END AS polygons, outline"
_DRAWN = "number, NULL::json AS polygons, outline"


def _outlines_where(condition: str) -> str:
    return f"""
SELECT runs.revision AS page_revision, listed.*
{RUN}
LEFT JOIN LATERAL (
    {spheroids.at_revision(_OUTLINE, _DRAWN, "runs.id", "runs.revision", condition)}
) AS listed ON true
"""


OUTLINES = _outlines_where("number > %(after_number)s")
OUTLINES_IN = _outlines_where("""number > %(after_number)s
    AND bbox_y_px < %(bottom)s AND bbox_y_px + bbox_height_px > %(top)s
    AND bbox_x_px < %(right)s AND bbox_x_px + bbox_width_px > %(left)s""")

SOME = spheroids.at_revision(
    spheroids.FOUND, spheroids.REVISED, "%(segmentation_id)s", "%(revision)s", "number = ANY(%(numbers)s)"
)

NEAR = spheroids.at_revision(
    _OUTLINE,
    _DRAWN,
    "%(segmentation_id)s",
    "%(revision)s",
    """EXISTS (
        SELECT 1 FROM unnest(%(lefts)s::float8[], %(tops)s::float8[], %(rights)s::float8[], %(bottoms)s::float8[])
            AS wanted (x0, y0, x1, y1)
        WHERE bbox_y_px < y1 AND bbox_y_px + bbox_height_px > y0 AND bbox_x_px < x1 AND bbox_x_px + bbox_width_px > x0
    ) AND bbox_y_px < %(lowest)s""",
)

OTHERS = f"""
SELECT count(*) AS count, coalesce(sum(area_px2), 0)::bigint AS area FROM (
    {
    spheroids.at_revision(
        "number, area_px2", "number, area_px2", "%(segmentation_id)s", "%(revision)s", "number <> ALL(%(numbers)s)"
    )
}
) AS listed
"""

HEAD = f"""
SELECT runs.*, access.*, coalesce(kept.spheroid_count, runs.spheroid_count) AS head_count,
    coalesce(kept.highest_number, (SELECT max(number) FROM spheroids WHERE segmentation_id = runs.id), 0)
        AS head_highest
FROM (SELECT {segmentation_rows.SELECTED} FROM segmentations WHERE id = %(segmentation_id)s) AS runs
{access_to("runs.project_id")}
LEFT JOIN revisions AS kept ON kept.segmentation_id = runs.id AND kept.number = runs.revision
"""

HISTORY = f"""
SELECT kept.* FROM (SELECT id, project_id FROM segmentations WHERE id = %(segmentation_id)s) AS runs
{access_to("runs.project_id")}
JOIN LATERAL (
    SELECT segmentation_id, {COLUMNS}, NULL::json AS operations FROM revisions
    WHERE segmentation_id = runs.id AND number < %(below)s ORDER BY number DESC LIMIT %(limit)s
) AS kept ON true
"""

ONE = f"""
SELECT kept.* FROM (SELECT id, project_id FROM segmentations WHERE id = %(segmentation_id)s) AS runs
{access_to("runs.project_id")}
JOIN LATERAL (
    SELECT segmentation_id, {COLUMNS}, operations FROM revisions
    WHERE segmentation_id = runs.id AND number = %(number)s
) AS kept ON true
"""

LATER = f"""
SELECT segmentation_id, {COLUMNS}, NULL::json AS operations FROM revisions
WHERE segmentation_id = %(segmentation_id)s AND number > %(revision)s ORDER BY number DESC LIMIT %(limit)s
"""

DIFFERING = """
SELECT number FROM spheroids
WHERE segmentation_id = %(segmentation_id)s AND replaced_in > %(low)s AND replaced_in <= %(high)s
UNION
SELECT number FROM revised_spheroids
WHERE segmentation_id = %(segmentation_id)s
    AND (revision > %(low)s AND revision <= %(high)s OR replaced_in > %(low)s AND replaced_in <= %(high)s)
ORDER BY number
"""


class PostgresRevisions:
    """Revisions in ``revisions``, their outlines in ``revised_spheroids``, the newest one's number in the run's row."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def head(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Head]:
        """Where the outlines of a run stand as last written, with what the viewer may do to them."""
        values = {"segmentation_id": segmentation_id, "viewer_id": viewer.user_id}
        rows = self._database.latest(HEAD, values)
        if not rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        row = rows[0]
        run = segmentation_rows.segmentation_of(row)
        if run.status is not SegmentationStatus.SUCCEEDED:
            raise NotFinishedError(f"Segmentation {segmentation_id} is {run.status} and has no spheroids")
        head = Head(run, row["revision"], row["head_count"], row["head_highest"])
        return Accessible(head, access_of(row))

    def page(
        self, viewer: Viewer, segmentation_id: UUID, revision: int | None, after_number: int, limit: int
    ) -> RevisedPage:
        """Up to ``limit`` spheroids of a revision, above ``after_number``, in order of number."""
        rows = self._listed(PAGE, viewer, segmentation_id, revision, after_number, limit)
        found = [spheroids.spheroid_of(row) for row in rows if row["number"] is not None]
        next_after = found[limit - 1].number if len(found) > limit else None
        return RevisedPage(rows[0]["page_revision"], rows[0]["page_count"], found[:limit], next_after)

    def outlines(
        self,
        viewer: Viewer,
        segmentation_id: UUID,
        revision: int | None,
        after_number: int,
        limit: int,
        box: Box | None = None,
    ) -> OutlinePage:
        """The same as packed outlines alone."""
        sides = vars(box) if box else {}
        query = OUTLINES_IN if box else OUTLINES
        rows = self._listed(query, viewer, segmentation_id, revision, after_number, limit, sides)
        found = [(row["number"], _outline_of(row)) for row in rows if row["number"] is not None]
        return OutlinePage(rows[0]["page_revision"], found[:limit], found[limit - 1][0] if len(found) > limit else None)

    def some(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> Mapping[int, Spheroid]:
        """Those of the numbers that are in a revision, as last written, whoever may read them."""
        rows = self._database.latest(SOME, _at(segmentation_id, revision, numbers))
        return {row["number"]: spheroids.spheroid_of(row) for row in rows}

    def near(self, segmentation_id: UUID, revision: int, boxes: Sequence[Box]) -> Mapping[int, bytes]:
        """Packed outlines of a revision whose bounding boxes meet one of these, as last written."""
        if not boxes:
            return {}
        sides = {**sides_of(boxes), "lowest": max(box.bottom for box in boxes)}
        rows = self._database.latest(NEAR, {**_at(segmentation_id, revision, []), **sides})
        return {row["number"]: _outline_of(row) for row in rows}

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Revision]:
        """Up to ``limit`` revisions without their operations, the newest first, below ``below``."""
        values = {
            "segmentation_id": segmentation_id,
            "viewer_id": viewer.user_id,
            "below": MANY if below is None else below,
            "limit": limit,
        }
        return [_revision_of(row) for row in self._database.read(HISTORY, values, after=viewer.read_after)]

    def one(self, viewer: Viewer, segmentation_id: UUID, number: int) -> Revision:
        """A revision with its operations, or raise ``RevisionNotFoundError``."""
        values = {"segmentation_id": segmentation_id, "viewer_id": viewer.user_id, "number": number}
        row = self._database.find(ONE, values, after=viewer.read_after)
        if row is None:
            raise _absent(segmentation_id, number)
        return _revision_of(row)

    def later(self, segmentation_id: UUID, revision: int, limit: int) -> Sequence[Revision]:
        """Up to ``limit`` revisions above one, the newest first, without operations, as last written."""
        values = {"segmentation_id": segmentation_id, "revision": revision, "limit": limit}
        return [_revision_of(row) for row in self._database.latest(LATER, values)]

    def differing(self, segmentation_id: UUID, first: int, second: int) -> Sequence[int]:
        """Numbers of spheroids that are in one of two revisions and not, or not so, in the other; ascending."""
        values = {"segmentation_id": segmentation_id, "low": min(first, second), "high": max(first, second)}
        return [row["number"] for row in self._database.latest(DIFFERING, values)]

    def others(self, segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> tuple[int, int]:
        """How many spheroids of a revision have none of these numbers, and their pixels together."""
        row = self._database.latest(OTHERS, _at(segmentation_id, revision, numbers))[0]
        return row["count"], row["area"]

    def save(self, revision: Revision, changed: Sequence[Spheroid], removed: Sequence[int]) -> None:
        """Store a revision where the one before it is still the newest, all of it or nothing."""
        self._database.write(lambda cursor: store_revision(cursor, revision, changed, removed))

    def _listed(
        self,
        query: str,
        viewer: Viewer,
        segmentation_id: UUID,
        revision: int | None,
        after_number: int,
        limit: int,
        more: Mapping[str, Any] | None = None,
    ) -> list[Row]:
        values = {
            "segmentation_id": segmentation_id,
            "viewer_id": viewer.user_id,
            "revision": revision,
            "after_number": after_number,
            "limit": limit + 1,
            **(more or {}),
        }
        # A reader that has not heard of the run's success, or of the revision, has no row; then the writer is asked.
        rows = self._database.find_all(query, values, after=viewer.read_after)
        if not rows:
            raise _absent(segmentation_id, revision)
        return rows


def _at(segmentation_id: UUID, revision: int, numbers: Sequence[int]) -> dict[str, Any]:
    return {"segmentation_id": segmentation_id, "revision": revision, "numbers": list(numbers), "limit": MANY}


def _absent(segmentation_id: UUID, revision: int | None) -> RevisionNotFoundError:
    return RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {revision}")


def _outline_of(row: Row) -> bytes:
    if row["outline"] is None:  # of before outlines were stored packed
        return packed(spheroids.polygons_in(row["polygons"]))
    return bytes(row["outline"])


def _revision_of(row: Row) -> Revision:
    created_at = utc(row["created_at"])
    if created_at is None:
        raise AssertionError("a revision has a time")
    return Revision(
        segmentation_id=row["segmentation_id"],
        number=row["number"],
        author_id=row["author_id"],
        created_at=created_at,
        note=row["note"],
        restored_from=row["restored_from"],
        changes=Changes(tuple(row["added"]), tuple(row["changed"]), tuple(row["removed"])),
        spheroid_count=row["spheroid_count"],
        highest_number=row["highest_number"],
        operations=tuple(row["operations"] or ()),
    )
