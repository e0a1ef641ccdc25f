"""A real PostgreSQL pair for tests: a primary and its hot standby on free ports, with the schema of the present release."""

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from infra_cdk.local.postgres import APPLICATION_ROLE, DATABASE, HOST, PostgresPair, PostgresPasswords
from infra_cdk.local.postgres_programs import find_programs
from spheroseg.adapters.postgres.connections import Credentials, Server
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.migrations import migrate
from spheroseg.settings import ReaderSettings

WAIT_S = 1.0
"""Tests wait for servers that they stopped themselves, so they need not wait long."""

CREDENTIALS = Credentials(username=APPLICATION_ROLE, password="application")


@dataclass(frozen=True)
class Servers:
    """A running pair with its schema."""

    pair: PostgresPair
    revision: str

    def settings(self, lag_limit_s: float = 5.0) -> ReaderSettings:
        """What a process of ours would find in its environment."""
        return settings_of(self.pair, lag_limit_s)

    def database(self, *, with_reader: bool = False, lag_limit_s: float = 5.0) -> Database:
        """A database as functions have it; close it."""
        writer = Server(HOST, self.pair.primary_port, DATABASE, "disable")
        reader = Server(HOST, self.pair.standby_port, DATABASE, "disable") if with_reader else None
        return Database(writer, lambda: CREDENTIALS, reader=reader, lag_limit_s=lag_limit_s, wait_s=WAIT_S)

    def empty(self, *, are_many: bool = False) -> None:
        """Remove every row; with ``are_many`` in a way that costs the same for any number of them."""
        with psycopg.connect(self.pair.address(self.pair.primary_port)) as connection:
            if are_many:
                connection.execute("TRUNCATE images, projects CASCADE")
            for table in (
                "images",
                "projects",
                "watchers",
                "tickets",
                "accounts",
                "project_jobs",
                "kept_answers",
                *ALONE,
            ):
                connection.execute(f"DELETE FROM {table}")


ALONE = ("account_closings", "admin_actions", "change_stamps")
"""Tables that nothing else refers to."""


@contextmanager
def running_servers() -> Iterator[Servers]:
    """A pair that lives as long as the block, in a folder that the servers' account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="spheroseg-test-"))
    folder.chmod(0o755)
    passwords = PostgresPasswords(admin="admin", application=CREDENTIALS.password)
    pair = PostgresPair(folder / "postgres", find_programs(), passwords, free_port(), free_port())
    try:
        pair.start()
        yield Servers(pair, migrate(settings_of(pair), lambda: CREDENTIALS))
    finally:
        pair.stop()
        shutil.rmtree(folder)


def settings_of(pair: PostgresPair, lag_limit_s: float = 5.0) -> ReaderSettings:
    return ReaderSettings(
        database_writer_host=HOST,
        database_writer_port=pair.primary_port,
        database_reader_host=HOST,
        database_reader_port=pair.standby_port,
        database_name=DATABASE,
        database_secret_arn="not used: the credentials are handed in",
        database_tls="disable",
        reader_lag_limit_s=lag_limit_s,
    )


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
