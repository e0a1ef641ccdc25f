"""Opening connections, pools of them, and what is asked over one of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeAlias

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from spheroseg.adapters.postgres.connections import (
    Credentials,
    CredentialsSource,
    PooledConnection,
    Server,
    check,
    configure,
    pool_parameters,
)
from spheroseg.errors import InvalidInputError

Pool: TypeAlias = ConnectionPool[PooledConnection]


def connect(server: Server, credentials: Credentials) -> psycopg.Connection[TupleRow]:
    """One connection outside any pool, for migrations."""
    return psycopg.connect(**server.parameters(credentials), prepare_threshold=None)


def pool_of(role: str, server: Server, credentials: CredentialsSource, size: int, wait_s: float) -> Pool:
    """A pool that opens its first connection when one is asked for, and waits so long for it."""
    return ConnectionPool(
        connection_class=PooledConnection,
        kwargs=pool_parameters(server, credentials),
        min_size=0,
        max_size=size,
        open=False,
        configure=configure,
        check=check,
        name=f"spheroseg-{role}",
        timeout=wait_s,
        # No longer than a caller waits: after it the pool starts anew at the next call, instead of doubling its pauses.
        reconnect_timeout=wait_s,
        num_workers=1,
    )


@contextmanager
def lent(pool: Pool, wait_s: float | None = None) -> Iterator[PooledConnection]:
    """A connection for as long as the block lasts; ``wait_s`` instead of the pool's own time to wait."""
    pool.open()  # does nothing when it is open
    with pool.connection(wait_s) as connection:
        try:
            yield connection
        except psycopg.DataError as error:
            if type(error) is not psycopg.DataError:  # the server's word on a value: a defect of ours
                raise
            raise InvalidInputError("A text holds a null character, which nothing here can have in it") from error
        connection.used_at = monotonic()


def rows_of(
    pool: Pool, query: str, values: Mapping[str, Any] | None, wait_s: float | None = None
) -> list[dict[str, Any]]:
    """What a query of its own gives."""
    with lent(pool, wait_s) as connection:
        return connection.execute(query, values).fetchall()


def touched_by(pool: Pool, statement: str, values: Mapping[str, Any]) -> int:
    """How many rows a statement of its own touched."""
    with lent(pool) as connection:
        return connection.execute(statement, values).rowcount
