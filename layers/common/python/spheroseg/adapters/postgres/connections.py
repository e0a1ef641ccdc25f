"""How connections to PostgreSQL are made and what each is like; ``pools.py`` opens them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import orjson
import psycopg
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import set_json_dumps, set_json_loads

from spheroseg.settings import DatabaseSettings, ReaderSettings

CONNECT_TIMEOUT_S = 3
"""RDS Proxy and Aurora answer within milliseconds in a region; libpq knows no value below 2."""

TRUSTED_FOR_S = 1.0
"""A connection that was used so lately is lent without a question to the server; its death is met by the retry."""


@dataclass(frozen=True)
class Credentials:
    """Who we are at the database."""

    username: str
    password: str = field(repr=False)


CredentialsSource = Callable[[], Credentials]
"""Asked at each new connection, so that a rotated password is used without a restart."""


@dataclass(frozen=True)
class Server:
    """Where one database server is."""

    host: str
    port: int
    database: str
    tls: str

    @classmethod
    def writer_of(cls, settings: DatabaseSettings) -> "Server":
        """The server that takes writes."""
        return cls(
            settings.database_writer_host, settings.database_writer_port, settings.database_name, settings.database_tls
        )

    @classmethod
    def reader_of(cls, settings: ReaderSettings) -> "Server":
        """The server that follows the writer."""
        return cls(
            settings.database_reader_host, settings.database_reader_port, settings.database_name, settings.database_tls
        )

    def parameters(self, credentials: Credentials) -> dict[str, Any]:
        """What libpq is told. Never ``options``: RDS Proxy refuses it, so timeouts are set on the role."""
        return {
            "host": self.host,
            "port": self.port,
            "dbname": self.database,
            "user": credentials.username,
            "password": credentials.password,
            "sslmode": self.tls,
            "gssencmode": "disable",
            "connect_timeout": CONNECT_TIMEOUT_S,
            "application_name": "spheroseg",
            # A peer that vanished without a word is noticed within about 10 s instead of 2 h.
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "tcp_user_timeout": 10_000,
        }


class PooledConnection(psycopg.Connection[DictRow]):
    """A connection that knows when it was last used."""

    used_at: float = 0.0


def pool_parameters(server: Server, credentials: CredentialsSource) -> Callable[[], dict[str, Any]]:
    """The parameters of each new connection of a pool.

    Statements commit one by one unless a transaction is opened. They are never prepared: poolers between us and the
    server would pin a connection for them, or not know them.
    """
    return lambda: {
        **server.parameters(credentials()),
        "autocommit": True,
        "prepare_threshold": None,
        "row_factory": dict_row,
    }


def configure(connection: PooledConnection) -> None:
    """Let a new connection read and write JSON with orjson."""
    set_json_loads(orjson.loads, connection)
    set_json_dumps(orjson.dumps, connection)
    connection.used_at = monotonic()


def check(connection: PooledConnection) -> None:
    """Ask the server for a sign of life unless there was one just now; raises when there is none."""
    if monotonic() - connection.used_at > TRUSTED_FOR_S:
        connection.execute("")
