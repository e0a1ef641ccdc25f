"""Review in PostgreSQL: a worklist that triggers keep, decisions, and figures over both."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres.access import access_to, visible_project
from spheroseg.adapters.postgres.account_closings import NOBODY
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.orders import utc
from spheroseg.adapters.postgres.spheroids import reasons_of
from spheroseg.domain.decision import (
    MAX_PAIRS,
    TAKEN,
    AcceptedOutlines,
    Decision,
    ModelAgreement,
    ReviewerAgreement,
    ReviewFigures,
    ReviewItem,
    ReviewKey,
    ReviewQuery,
    ReviewState,
    Verdict,
)
from spheroseg.domain.review import ReviewReason
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ResultSupersededError, StaleRevisionError

MANY = 2**31 - 1

_DECIDED = """number, revision, reviewer_id, verdict, note, decided_at, state, unchanged, changed_ious, added, deleted,
    foreground_iou"""

# Each state's results in the order of an index: none gives more than ``limit`` rows, however many there are.
PAGE = """
SELECT items.*, images.name AS image_name, decided.number, decided.revision AS decided_revision, decided.reviewer_id,
    decided.verdict, decided.note, decided.decided_at, decided.state AS decided_state, decided.unchanged,
    decided.changed_ious, decided.added, decided.deleted, decided.foreground_iou
FROM (
    SELECT listed.* FROM unnest(%(states)s::text[]) AS wanted (state)
    CROSS JOIN LATERAL (
        SELECT segmentation_id, image_id, page, revision, state, reasons, rank, sureness, decision FROM review_items
        WHERE project_id = {project} AND review_items.state = wanted.state {flag} {past}
        ORDER BY rank, sureness, segmentation_id LIMIT %(limit)s
    ) AS listed
    ORDER BY rank, sureness, segmentation_id LIMIT %(limit)s
) AS items
JOIN images ON images.id = items.image_id
LEFT JOIN review_decisions AS decided
    ON decided.segmentation_id = items.segmentation_id AND decided.number = items.decision
ORDER BY rank, sureness, items.segmentation_id
"""
_PAST = "AND (rank, sureness, segmentation_id) > (%(rank)s::smallint, %(sureness)s::float8, %(after_id)s::uuid)"

HISTORY = f"""
SELECT made.* FROM (SELECT id, project_id FROM segmentations WHERE id = %(segmentation_id)s) AS runs
{access_to("runs.project_id")}
JOIN LATERAL (
    SELECT segmentation_id, {_DECIDED} FROM review_decisions
    WHERE segmentation_id = runs.id AND number < %(below)s ORDER BY number DESC LIMIT %(limit)s
) AS made ON true
"""

# A revision that is being saved holds the row: whoever decides waits for it, and then sees it.
LOCK = "SELECT project_id, revision FROM review_items WHERE segmentation_id = %(segmentation_id)s FOR UPDATE"

NEWEST = """
SELECT item.segmentation_id FROM segmentations AS run
JOIN review_items AS item
    ON item.image_id = run.image_id AND item.page = coalesce((run.parameters ->> 'page')::integer, 1)
WHERE run.id = %(segmentation_id)s
"""

LAST_WORD = f"""
SELECT segmentation_id, {_DECIDED} FROM review_decisions
WHERE segmentation_id = %(segmentation_id)s AND revision = %(revision)s AND reviewer_id = %(reviewer_id)s
ORDER BY number DESC LIMIT 1
"""

ADD = f"""
INSERT INTO review_decisions (segmentation_id, project_id, {_DECIDED}) VALUES (
    %(segmentation_id)s, %(project_id)s,
    1 + coalesce((SELECT max(number) FROM review_decisions WHERE segmentation_id = %(segmentation_id)s), 0),
    %(revision)s, %(reviewer_id)s, %(verdict)s, %(note)s, %(decided_at)s, %(state)s, %(unchanged)s, %(changed_ious)s,
    %(added)s, %(deleted)s, %(foreground_iou)s)
RETURNING segmentation_id, {_DECIDED}
"""

SETTLE = """
UPDATE review_items SET state = %(state)s, decision = %(number)s WHERE segmentation_id = %(segmentation_id)s
"""

ACCEPTED = """
SELECT segmentation_id, revision FROM review_items
WHERE segmentation_id = ANY(%(ids)s) AND state = ANY(%(taken)s)
"""

COUNTS = f"""
SELECT state, count(*) AS results FROM review_items
WHERE project_id = {visible_project("%(project_id)s")} GROUP BY state
"""

# Outlines that nobody changed have an IoU of 1: they stand behind all changed ones, and need no rows of their own.
OUTLINES = f"""
WITH taken AS (
    SELECT made.* FROM review_items AS item
    JOIN review_decisions AS made ON made.segmentation_id = item.segmentation_id AND made.number = item.decision
    WHERE item.project_id = {visible_project("%(project_id)s")} AND item.state = ANY(%(taken)s)
), ious AS (
    SELECT iou, row_number() OVER (ORDER BY iou) AS place FROM taken, unnest(changed_ious) AS iou
), totals AS (
    SELECT count(unchanged) AS compared, count(*) - count(unchanged) AS not_compared,
        avg(foreground_iou) AS foreground_iou_mean,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY foreground_iou) AS foreground_iou_median,
        coalesce(sum(unchanged), 0)::bigint AS unchanged,
        coalesce(sum(unchanged + cardinality(changed_ious)), 0)::bigint AS matched,
        coalesce(sum(added), 0)::bigint AS added, coalesce(sum(deleted), 0)::bigint AS deleted
    FROM taken
)
SELECT compared, not_compared, foreground_iou_mean, foreground_iou_median, matched, added, deleted,
    CASE WHEN matched > 0 THEN (unchanged + coalesce((SELECT sum(iou) FROM ious), 0)) / matched END AS iou_mean,
    CASE WHEN matched > 0 THEN (coalesce((SELECT iou FROM ious WHERE place = (matched + 1) / 2), 1)
        + coalesce((SELECT iou FROM ious WHERE place = matched / 2 + 1), 1)) / 2 END AS iou_median
FROM totals
"""

# Of each person the last word on each revision, then pairs of people who have one on the same.
PAIRS = f"""
WITH words AS (
    SELECT DISTINCT ON (segmentation_id, revision, reviewer_id) segmentation_id, revision, reviewer_id,
        verdict = 'accept' AS accepts
    FROM review_decisions
    WHERE project_id = {visible_project("%(project_id)s")} AND reviewer_id <> %(nobody)s
    ORDER BY segmentation_id, revision, reviewer_id, number DESC
)
SELECT first.reviewer_id AS first_id, second.reviewer_id AS second_id,
    count(*) FILTER (WHERE first.accepts AND second.accepts) AS both_accepted,
    count(*) FILTER (WHERE NOT first.accepts AND NOT second.accepts) AS both_rejected,
    count(*) FILTER (WHERE first.accepts AND NOT second.accepts) AS first_accepted,
    count(*) FILTER (WHERE second.accepts AND NOT first.accepts) AS second_accepted
FROM words AS first JOIN words AS second USING (segmentation_id, revision)
WHERE first.reviewer_id < second.reviewer_id COLLATE "C"
GROUP BY first.reviewer_id, second.reviewer_id
ORDER BY count(*) DESC, first.reviewer_id COLLATE "C", second.reviewer_id COLLATE "C" LIMIT %(limit)s
"""


class PostgresReviews:
    """Decisions in ``review_decisions``, the worklist in ``review_items``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, viewer: Viewer, project_id: UUID, query: ReviewQuery, after: ReviewKey | None, limit: int
    ) -> Sequence[ReviewItem]:
        """Up to ``limit`` results, behind ``after``: most reasons first, then the least confident."""
        sql, values = statement(viewer.user_id, project_id, query, after, limit)
        return [_item_of(row) for row in self._database.read(sql, values, after=viewer.read_after)]

    def history(self, viewer: Viewer, segmentation_id: UUID, below: int | None, limit: int) -> Sequence[Decision]:
        """Up to ``limit`` decisions on a run, the newest first, with numbers below ``below``."""
        values = {
            "segmentation_id": segmentation_id,
            "viewer_id": viewer.user_id,
            "below": MANY if below is None else below,
            "limit": limit,
        }
        return [_decision_of(row) for row in self._database.read(HISTORY, values, after=viewer.read_after)]

    def decide(self, decision: Decision) -> Decision:
        """Store a decision, and what it makes of the result, where its revision is still the newest."""
        agreement = decision.agreement
        values: dict[str, Any] = {
            "segmentation_id": decision.segmentation_id,
            "revision": decision.revision,
            "reviewer_id": decision.reviewer_id,
            "verdict": decision.verdict.value,
            "note": decision.note,
            "decided_at": decision.decided_at,
            "state": decision.state.value,
            "unchanged": agreement and agreement.unchanged,
            "changed_ious": None if agreement is None else list(agreement.changed_ious),
            "added": agreement and agreement.added,
            "deleted": agreement and agreement.deleted,
            "foreground_iou": agreement and agreement.foreground_iou,
        }

        def work(cursor: Cursor) -> Decision:
            item = cursor.execute(LOCK, values).fetchone()
            if item is None:
                newest = cursor.execute(NEWEST, values).fetchone()
                raise superseded(decision.segmentation_id, newest["segmentation_id"] if newest else None)
            if item["revision"] != decision.revision:
                raise StaleRevisionError(f"Revision {decision.revision} is not the newest any more")
            last = cursor.execute(LAST_WORD, values).fetchone()
            if last is not None and (last["verdict"], last["note"]) == (values["verdict"], values["note"]):
                return _decision_of(last)
            row = cursor.execute(ADD, {**values, "project_id": item["project_id"]}).fetchone()
            if row is None:
                raise AssertionError("a row that was just added is there")
            cursor.execute(SETTLE, {**values, "number": row["number"]})
            return _decision_of(row)

        return self._database.write(work)

    def accepted(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """The newest revision of those of the runs where it is accepted or corrected, as last written."""
        values = {"ids": list(segmentation_ids), "taken": _TAKEN}
        return {row["segmentation_id"]: row["revision"] for row in self._database.latest(ACCEPTED, values)}

    def figures(self, viewer: Viewer, project_id: UUID) -> ReviewFigures:
        """How a project's review stands."""
        values = {
            "project_id": project_id,
            "viewer_id": viewer.user_id,
            "taken": _TAKEN,
            "nobody": NOBODY,
            "limit": MAX_PAIRS,
        }
        counts, [outlines], pairs = (
            self._database.read(query, values, after=viewer.read_after) for query in (COUNTS, OUTLINES, PAIRS)
        )
        by_state = {row["state"]: row["results"] for row in counts}
        return ReviewFigures(
            counts={state: by_state.get(state.value, 0) for state in ReviewState},
            outlines=AcceptedOutlines(**outlines),
            reviewers=[ReviewerAgreement(**row) for row in pairs],
        )


_TAKEN = [state.value for state in TAKEN]


def statement(
    viewer_id: str, project_id: UUID, query: ReviewQuery, after: ReviewKey | None, limit: int
) -> tuple[str, dict[str, Any]]:
    """The worklist's page as SQL with its values."""
    states = ReviewState if query.states is None else query.states
    values = {
        "viewer_id": viewer_id,
        "project_id": project_id,
        "states": sorted(state.value for state in states),
        "limit": limit,
        "rank": after and after.rank,
        "sureness": after and after.sureness,
        "after_id": after and after.segmentation_id,
    }
    sql = PAGE.format(
        project=visible_project("%(project_id)s"),
        # Written out, not a value: each reason has an index of its own.
        flag="" if query.flag is None else f"AND reasons @> ARRAY['{ReviewReason(query.flag).value}']",
        past="" if after is None else _PAST,
    )
    return sql, values


def superseded(segmentation_id: UUID, newest: UUID | None) -> ResultSupersededError:
    """The error for a run whose place another one has taken."""
    by = "its image is gone" if newest is None else f"run {newest} has taken its place"
    return ResultSupersededError(f"The result of segmentation {segmentation_id} does not count any more: {by}", newest)


def _item_of(row: Row) -> ReviewItem:
    decision = None
    if row["number"] is not None:
        decision = _decision_of({**row, "revision": row["decided_revision"], "state": row["decided_state"]})
    return ReviewItem(
        segmentation_id=row["segmentation_id"],
        image_id=row["image_id"],
        image_name=row["image_name"],
        page=row["page"],
        revision=row["revision"],
        state=ReviewState(row["state"]),
        reasons=reasons_of(row["reasons"]),
        confidence=None if row["sureness"] < 0 else row["sureness"],
        decision=decision,
    )


def _decision_of(row: Row) -> Decision:
    decided_at = utc(row["decided_at"])
    if decided_at is None:
        raise AssertionError("a decision has a time")
    agreement = None
    if row["unchanged"] is not None:
        agreement = ModelAgreement(
            row["unchanged"], tuple(row["changed_ious"]), row["added"], row["deleted"], row["foreground_iou"]
        )
    return Decision(
        segmentation_id=row["segmentation_id"],
        number=row["number"],
        revision=row["revision"],
        reviewer_id=row["reviewer_id"],
        verdict=Verdict(row["verdict"]),
        note=row["note"],
        decided_at=decided_at,
        state=ReviewState(row["state"]),
        agreement=agreement,
    )
