"""Which waiting runs are sent next, in PostgreSQL; the rule itself is ``domain/fairness.py``."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from spheroseg.adapters.postgres import reuse
from spheroseg.adapters.postgres.database import Cursor
from spheroseg.domain.fairness import FLOOR, WINDOW, Held, released

TURNS = 7_311_905_520_116_002
"""Key of the advisory lock under which turns are given; any number that nothing else locks."""

LOCK = "SELECT pg_advisory_xact_lock(%(key)s)"

IN_FLIGHT = """
SELECT share, count(*) AS runs
FROM (
    SELECT coalesce(requested_by, owner_id) AS share FROM segmentations WHERE status = 'running'
    UNION ALL
    SELECT coalesce(requested_by, owner_id) FROM segmentations WHERE status = 'queued' AND sent_at IS NOT NULL
) AS in_flight
GROUP BY share
"""

# From person to person along the index, then the first few of each: never the whole of a long backlog.
HELD = """
WITH RECURSIVE shares AS (
    (SELECT coalesce(requested_by, owner_id) AS share FROM segmentations
     WHERE status = 'queued' AND sent_at IS NULL ORDER BY coalesce(requested_by, owner_id) LIMIT 1)
    UNION ALL
    SELECT (SELECT coalesce(requested_by, owner_id) FROM segmentations
            WHERE status = 'queued' AND sent_at IS NULL AND coalesce(requested_by, owner_id) > shares.share
            ORDER BY coalesce(requested_by, owner_id) LIMIT 1)
    FROM shares WHERE shares.share IS NOT NULL
)
SELECT first.id, shares.share, first.urgency, first.queued_at
FROM shares CROSS JOIN LATERAL (
    SELECT id, urgency, queued_at FROM segmentations
    WHERE status = 'queued' AND sent_at IS NULL AND coalesce(requested_by, owner_id) = shares.share
    ORDER BY coalesce(requested_by, owner_id), urgency DESC, queued_at, id LIMIT %(limit)s
) AS first
"""

HELD_BY_SHARE = """
SELECT coalesce(requested_by, owner_id) AS share, count(*) AS runs FROM segmentations
WHERE status = 'queued' AND sent_at IS NULL GROUP BY coalesce(requested_by, owner_id)
"""

# For each person with held runs among the meant ones: how many these are, and the place of the last of them.
PLACES = """
WITH meant AS (
    SELECT coalesce(requested_by, owner_id) AS share, urgency, queued_at, id, count(*) OVER (
        PARTITION BY coalesce(requested_by, owner_id)) AS held
    FROM segmentations
    WHERE status = 'queued' AND sent_at IS NULL AND project_id = %(project_id)s
        AND (%(batch_id)s::uuid IS NULL OR batch_id = %(batch_id)s)
), last AS (
    SELECT DISTINCT ON (share) share, urgency, queued_at, id, held FROM meant
    ORDER BY share, urgency, queued_at DESC, id DESC
)
SELECT last.share, last.held, (
    SELECT count(*) FROM segmentations AS own
    WHERE own.status = 'queued' AND own.sent_at IS NULL AND coalesce(own.requested_by, own.owner_id) = last.share
        AND (-own.urgency, own.queued_at, own.id) <= (-last.urgency, last.queued_at, last.id)
) AS place
FROM last
"""

PLACE_OF_ONE = """
SELECT count(*) AS place FROM segmentations
WHERE status = 'queued' AND sent_at IS NULL AND coalesce(requested_by, owner_id) = %(share)s
    AND (-urgency, queued_at, id) <= (-%(urgency)s::smallint, %(queued_at)s::timestamptz, %(id)s::uuid)
"""

SEND = "UPDATE segmentations SET sent_at = %(at)s WHERE id = ANY(%(ids)s) AND status = 'queued' AND sent_at IS NULL"

HOLD = "UPDATE segmentations SET sent_at = NULL WHERE id = ANY(%(ids)s) AND status = 'queued'"


def lock(cursor: Cursor) -> None:
    """Wait until nobody else gives turns, and let nobody else until the transaction ends."""
    cursor.execute(LOCK, {"key": TURNS})


def release(cursor: Cursor, at: datetime) -> Sequence[UUID]:
    """Mark the runs whose turn has come as sent and give them in that order; one caller at a time."""
    lock(cursor)
    in_flight = {row["share"]: row["runs"] for row in cursor.execute(IN_FLIGHT)}
    limit = max(FLOOR, WINDOW - sum(in_flight.values()))
    held = [
        Held(row["id"], row["share"], row["urgency"], row["queued_at"])
        for row in cursor.execute(HELD, {"limit": limit})
    ]
    ids = released(held, in_flight)
    waiting = reuse.waiting_for_twins(cursor, ids) if ids else frozenset()
    ids = [id_ for id_ in ids if id_ not in waiting]
    if ids:
        cursor.execute(SEND, {"at": at, "ids": ids})
    return ids
