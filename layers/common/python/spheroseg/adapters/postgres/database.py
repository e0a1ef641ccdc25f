"""The database: the only file that chooses between writer and reader, and catches psycopg's errors.

A read goes to the reader when the reader is up, not too far behind, and has replayed the position that the viewer must
see; in every other case it goes to the writer. What may be tried again is tried again: a read whose connection died,
and a transaction that surely left no trace. A commit whose answer was lost is reported, never repeated here.
"""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic, perf_counter, sleep
from typing import Any, Literal, Self, TypeAlias, TypeVar

import psycopg
from psycopg import errors as pg
from psycopg.rows import DictRow
from psycopg_pool import PoolTimeout

from spheroseg.adapters.postgres.connections import (
    CredentialsSource,
    PooledConnection,
    Server,
)
from spheroseg.adapters.postgres.pools import Pool, lent, pool_of, rows_of, touched_by
from spheroseg.adapters.postgres.positions import (
    AURORA_LAG,
    AURORA_STATUS_AGE_S,
    HAS_REPLAYED,
    IS_AURORA,
    NO_READER_HAS,
    STANDBY_LAG,
    WRITER_POSITION,
    PositionLog,
    checked_position,
    position_order,
)
from spheroseg.adapters.secrets import DatabaseCredentials
from spheroseg.errors import ConflictError, DatabaseUnavailableError, StaleStateError
from spheroseg.settings import DatabaseSettings, ReaderSettings

Row: TypeAlias = dict[str, Any]
Values: TypeAlias = Mapping[str, Any]
Cursor: TypeAlias = psycopg.Cursor[DictRow]
Outcome = TypeVar("Outcome")

WRITER_WAIT_S = 5.0
"""How long a statement waits for a connection to the writer: longer than a lost packet, shorter than a caller waits."""

READER_WAIT_S = 2.0
"""The same for the reader, which can be done without."""

PROBE_WAIT_S = 1.0
"""The same for the question how far the writer is, which a reader is asked with."""

REST_S = 5.0
"""How long a reader that failed is left alone, and a writer that did not answer is not asked for its position."""

LAG_KNOWN_FOR_S = 1.0
"""How long a measured lag is believed."""

SECOND_LOOK_S = 0.02
"""A reader that seems behind is asked again after this long: replay takes 4 ms, 8 ms at the 99th percentile."""

ATTEMPTS = 3
"""How often a transaction is tried that another one made impossible, or whose connection died before its commit."""

PAUSE_S = 0.05
"""Transactions last milliseconds: who waits up to this long, and twice that, hardly meets the same one again."""

CHANCE = random.SystemRandom()
"""The system's: functions that start from one snapshot would draw the same numbers from Python's own."""

CONNECTION_LOST = (psycopg.OperationalError, psycopg.InterfaceError, pg.ReadOnlySqlTransaction)
"""The server is gone, or is no writer any more. (Timeouts are among them and sorted out before.)"""

UNKNOWN_FUNCTION = (pg.FeatureNotSupported, pg.UndefinedFunction, pg.InsufficientPrivilege)
"""Not every service that speaks PostgreSQL tells its positions."""

TOO_SLOW = (pg.QueryCanceled, pg.LockNotAvailable, PoolTimeout)
"""Trying again at once would only add to the load."""


class _NothingWrittenError(DatabaseUnavailableError):
    """The transaction failed and surely left no trace."""


class Database:
    """Connections to the writer and, where there is one, the reader; nothing is opened before it is needed."""

    def __init__(
        self,
        writer: Server,
        credentials: CredentialsSource,
        *,
        reader: Server | None = None,
        lag_limit_s: float = 5.0,
        pool_size: int = 4,
        wait_s: float = WRITER_WAIT_S,
    ) -> None:
        self._writer = pool_of("writer", writer, credentials, pool_size, wait_s)
        self._reader = pool_of("reader", reader, credentials, pool_size, min(wait_s, READER_WAIT_S)) if reader else None
        self._lag_limit_s = lag_limit_s
        self._lock = threading.Lock()
        self._probing = threading.Lock()
        self._reader_rests_until = 0.0
        self._lag_s: float | None = None
        self._lag_known_until = 0.0
        self._is_writer_silent = False
        self._is_aurora: bool | None = None
        self._positions = PositionLog()
        self._commits = 0
        self._commits_at_position = 0
        self._position: str | None = None

    @classmethod
    def of(cls, settings: DatabaseSettings, *, pool_size: int = 1) -> Self:
        """The database that the settings name, with a reader where they name one; nothing is asked yet.

        Args:
            pool_size: Connections to each server: one for a function, which serves one event at a time.
        """
        writer, credentials = Server.writer_of(settings), DatabaseCredentials.of(settings)
        if isinstance(settings, ReaderSettings):
            reader = Server.reader_of(settings)
            limit = settings.reader_lag_limit_s
            return cls(writer, credentials, reader=reader, lag_limit_s=limit, pool_size=pool_size)
        return cls(writer, credentials, pool_size=pool_size)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools():
            pool.close()

    # Writing

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """A cursor on the writer; all of the block is committed, or nothing.

        Raises:
            StaleStateError: a row that the block refers to is gone.
            ConflictError: a row of that key exists.
            DatabaseUnavailableError: no answer; where the commit was under way, nobody knows whether it was written.
        """
        is_committing = False
        try:
            with lent(self._writer) as connection, connection.transaction(), connection.cursor() as cursor:
                yield cursor
                is_committing = True
        except pg.ForeignKeyViolation as error:
            raise StaleStateError("What this belongs to was removed meanwhile") from error
        except pg.UniqueViolation as error:
            raise ConflictError("It exists already") from error
        except (pg.SerializationFailure, pg.DeadlockDetected) as error:
            raise _NothingWrittenError("Other transactions were in the way") from error
        except TOO_SLOW as error:
            raise DatabaseUnavailableError("The database did not answer in time") from error
        except CONNECTION_LOST as error:
            self._writer.drain()
            if is_committing:
                raise DatabaseUnavailableError("The answer to a commit was lost: it may be written or not") from error
            raise _NothingWrittenError("The connection to the database was lost") from error
        with self._lock:
            self._commits += 1

    def write(self, work: Callable[[Cursor], Outcome]) -> Outcome:
        """What ``work`` gives, run in one transaction; run again when a transaction surely left no trace.

        Args:
            work: Does all that it does through its cursor, so that it may run more than once.
        """
        for attempt in range(1, ATTEMPTS):
            try:
                with self.transaction() as cursor:
                    return work(cursor)
            except _NothingWrittenError:
                sleep(CHANCE.uniform(0, attempt * PAUSE_S))  # so that two do not meet again
        with self.transaction() as cursor:
            return work(cursor)

    def run(self, statement: str, values: Values) -> int:
        """Run one statement that writes; how many rows it touched."""
        return self.write(lambda cursor: cursor.execute(statement, values).rowcount)

    def run_alone(self, statement: str, values: Values) -> int:
        """Run one statement that may be repeated, without a transaction around it; how many rows it touched.

        One way to the server instead of three. After a lost connection nobody knows whether it was written, so it is
        run once more.
        """
        try:
            touched = touched_by(self._writer, statement, values)
        except TOO_SLOW as error:
            raise DatabaseUnavailableError("The database did not answer in time") from error
        except CONNECTION_LOST:
            self._writer.drain()
            return self.run(statement, values)
        except (pg.SerializationFailure, pg.DeadlockDetected):
            return self.run(statement, values)
        with self._lock:
            self._commits += 1
        return touched

    @property
    def position(self) -> str | None:
        """Where the write-ahead log was after this process's latest commit; None before the first.

        Handed to a client, and back by it as ``Viewer.read_after``, it lets the client read its own writes. The
        writer is asked once after a commit, only when somebody wants to know.
        """
        with self._lock:
            commits = self._commits
            if commits == self._commits_at_position:
                return self._position
        try:
            position = self.latest(WRITER_POSITION)[0]["position"]
        except (DatabaseUnavailableError, *UNKNOWN_FUNCTION):
            return NO_READER_HAS  # it was written, and must be seen
        with self._lock:
            if self._position is None or position_order(position) > position_order(self._position):
                self._position = position
            self._commits_at_position = max(self._commits_at_position, commits)
            return self._position

    # Reading

    def read(self, query: str, values: Values, *, after: str | None) -> list[Row]:
        """Rows from the reader if it has replayed ``after`` and is not too far behind, else from the writer.

        Raises:
            InvalidInputError: ``after`` is not a position.
            DatabaseUnavailableError: neither of them answers.
        """
        rows = self._from_reader(query, values, checked_position(after))
        return self.latest(query, values) if rows is None else rows

    def find(self, query: str, values: Values, *, after: str | None) -> Row | None:
        """The one row asked for; what the reader does not have is looked for on the writer before it is None."""
        rows = self.find_all(query, values, after=after)
        return rows[0] if rows else None

    def find_all(self, query: str, values: Values, *, after: str | None) -> list[Row]:
        """Rows that are written once and together: where the reader has none of them, the writer is asked."""
        return self._from_reader(query, values, checked_position(after)) or self.latest(query, values)

    def latest(self, query: str, values: Values | None = None) -> list[Row]:
        """Rows from the writer, as last committed."""
        try:
            return rows_of(self._writer, query, values)
        except TOO_SLOW as error:
            raise DatabaseUnavailableError("The database did not answer in time") from error
        except CONNECTION_LOST:
            self._writer.drain()
        try:
            return rows_of(self._writer, query, values)
        except CONNECTION_LOST as error:
            raise DatabaseUnavailableError("The database does not answer") from error

    # Health

    def ping(self, role: Literal["writer", "reader"]) -> float:
        """How long a server took to answer, in seconds, or raise ``DatabaseUnavailableError``."""
        pool = self._writer if role == "writer" else self._reader
        if pool is None:
            raise DatabaseUnavailableError("No reader is configured")
        begun = perf_counter()
        try:
            rows_of(pool, "SELECT 1 AS one", None)
        except CONNECTION_LOST as error:
            raise DatabaseUnavailableError(f"The {role} does not answer") from error
        return perf_counter() - begun

    @property
    def has_reader(self) -> bool:
        """Whether there is a reader beside the writer."""
        return self._reader is not None

    def lag_s(self) -> float | None:
        """How far the reader is behind, in seconds, measured within the last second; None when that is not known."""
        if self._reader is None:
            return None
        with self._probing:
            if monotonic() >= self._lag_known_until:
                self._lag_s = self._measured_lag_s(self._reader)
                self._lag_known_until = monotonic() + (REST_S if self._is_writer_silent else LAG_KNOWN_FOR_S)
            return self._lag_s

    # Routing

    def _from_reader(self, query: str, values: Values, after: str | None) -> list[Row] | None:
        """The reader's rows; None when the writer is to be asked."""
        reader = self._reader
        if reader is None or not self._is_reader_fit():
            return None
        if after is not None and self._is_aurora:
            if not self._positions.has_reached(after):
                return None
            after = None
        try:
            with lent(reader) as connection:
                # A statement of its own before the query: inside it the function would be evaluated after the query's
                # snapshot was taken, and could say yes about rows that the snapshot does not have.
                if after is not None and not _has_replayed(connection, after):
                    return None
                return connection.execute(query, values).fetchall()
        except pg.QueryCanceled as error:
            raise DatabaseUnavailableError("The database did not answer in time") from error
        except (pg.SerializationFailure, pg.DeadlockDetected):
            return None  # the row was being replayed over while it was read
        except CONNECTION_LOST:
            self._rest_reader()
            return None

    def _is_reader_fit(self) -> bool:
        if monotonic() < self._reader_rests_until:
            return False
        lag_s = self.lag_s()
        if self._is_writer_silent:
            return monotonic() >= self._reader_rests_until  # old rows are better than none
        return lag_s is not None and lag_s <= self._lag_limit_s

    def _rest_reader(self) -> None:
        self._reader_rests_until = monotonic() + REST_S
        if self._reader is not None:
            self._reader.drain()

    def _measured_lag_s(self, reader: Pool) -> float | None:
        self._is_writer_silent = False
        try:
            if self._is_aurora is None:
                self._is_aurora = bool(rows_of(reader, IS_AURORA, None)[0]["is_aurora"])
            if self._is_aurora:
                return self._aurora_lag_s(reader)
        except CONNECTION_LOST:
            self._rest_reader()
            return None
        try:
            position = rows_of(self._writer, WRITER_POSITION, None, PROBE_WAIT_S)[0]["position"]
        except CONNECTION_LOST:
            self._is_writer_silent = True
            return None
        try:
            lag_s = _lag_of(rows_of(reader, STANDBY_LAG, {"position": position}))
            if lag_s is not None and lag_s > self._lag_limit_s:  # the first row after a long silence looks like this
                sleep(SECOND_LOOK_S)
                lag_s = _lag_of(rows_of(reader, STANDBY_LAG, {"position": position}))
        except CONNECTION_LOST:
            self._rest_reader()
            return None
        return lag_s

    def _aurora_lag_s(self, reader: Pool) -> float | None:
        asked_at = monotonic()
        lag_s = _lag_of(rows_of(reader, AURORA_LAG, None))
        if lag_s is not None:
            self._positions.note_reader(asked_at - AURORA_STATUS_AGE_S, lag_s)
        try:
            position = rows_of(self._writer, WRITER_POSITION, None, PROBE_WAIT_S)[0]["position"]
            self._positions.note_writer(monotonic(), position)
        except CONNECTION_LOST:
            self._is_writer_silent = True
        except UNKNOWN_FUNCTION:
            return lag_s  # then positions are handed out that no reader has
        return lag_s

    def _pools(self) -> list[Pool]:
        return [pool for pool in (self._writer, self._reader) if pool is not None]


def _lag_of(rows: list[Row]) -> float | None:
    lag_s: float | None = rows[0]["lag_s"]
    return lag_s


def _has_replayed(connection: PooledConnection, position: str) -> bool:
    row = connection.execute(HAS_REPLAYED, {"position": position}).fetchone()
    return bool(row and row["has_replayed"])
