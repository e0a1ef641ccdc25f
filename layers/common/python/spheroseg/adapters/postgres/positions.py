"""Positions in the write-ahead log: what the writer has, what a reader has replayed, and how that is asked."""

import re
from collections import deque
from dataclasses import dataclass, field

from spheroseg.errors import InvalidInputError

NO_READER_HAS = "FFFFFFFF/FFFFFFFF"
"""A position that no reader reaches: whoever must see it is sent to the writer."""

WRITER_POSITION = "SELECT pg_current_wal_flush_lsn()::text AS position"

HAS_REPLAYED = "SELECT pg_last_wal_replay_lsn() >= %(position)s::pg_lsn AS has_replayed"

# The time of the last replayed commit alone says nothing: on an idle writer it grows without any lag, and a reader that
# lost its writer keeps it too. So the reader lags only when the writer has something that the reader has not.
STANDBY_LAG = """
SELECT CASE
    WHEN NOT pg_is_in_recovery() THEN NULL
    WHEN pg_last_wal_replay_lsn() >= %(position)s::pg_lsn THEN 0
    ELSE greatest(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 0)
END::float8 AS lag_s
"""

# Aurora's readers share the writer's storage: they know a lag, but no replay position.
IS_AURORA = "SELECT to_regproc('aurora_replica_status') IS NOT NULL AS is_aurora"

AURORA_LAG = """
SELECT (max(replica_lag_in_msec) / 1000.0)::float8 AS lag_s
FROM aurora_replica_status() WHERE session_id <> 'MASTER_SESSION_ID'
"""

AURORA_STATUS_AGE_S = 2.0
"""Aurora's readers report their lag about once a second; what they reported is taken to be up to this old."""

_POSITION = re.compile(r"[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}")


def checked_position(text: str | None) -> str | None:
    """A position as a client handed it back, checked before it goes near the database.

    Raises:
        InvalidInputError: it is not LSN text.
    """
    if text is not None and not _POSITION.fullmatch(text):
        raise InvalidInputError(f"{text[:40]!r} is not a position that an answer gave out; leave it away")
    return text


def position_order(position: str) -> int:
    """A number that grows as positions do."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) | int(low, 16)


@dataclass
class PositionLog:
    """Where the writer was lately, to tell from a reader's lag what the reader surely has.

    For readers that know no position of their own: a reader that is ``lag_s`` behind at one moment has everything
    that the writer had ``lag_s`` before that moment.
    """

    _samples: deque[tuple[float, str]] = field(default_factory=lambda: deque(maxlen=30))
    _reached: int = -1

    def note_writer(self, at: float, position: str) -> None:
        """The writer was there at that time, in seconds of the monotonic clock."""
        self._samples.append((at, position))

    def note_reader(self, at: float, lag_s: float) -> None:
        """The readers were at most so far behind at that time."""
        reached = [position_order(position) for taken_at, position in self._samples if taken_at <= at - lag_s]
        self._reached = max([self._reached, *reached])

    def has_reached(self, position: str) -> bool:
        """True when every reader surely has what the writer had at that position."""
        return position_order(position) <= self._reached
