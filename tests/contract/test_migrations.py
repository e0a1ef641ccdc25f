"""The schema is brought up to date from nothing, again, and by two at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from infra_cdk.local.postgres import ADMIN_ROLE, APPLICATION_ROLE, HOST
from spheroseg.adapters.postgres.migrations import FOLDER, migrate
from spheroseg.errors import DatabaseUnavailableError
from spheroseg.settings import DatabaseSettings
from tests.postgres import CREDENTIALS, Servers, free_port


@pytest.fixture
def fresh(servers: Servers) -> Iterator[DatabaseSettings]:
    """An empty database beside the one that other tests use."""
    admin = psycopg.connect(
        host=HOST,
        port=servers.pair.primary_port,
        user=ADMIN_ROLE,
        password=servers.pair.passwords.admin,
        dbname="postgres",
        autocommit=True,
    )
    with admin:
        admin.execute(f"CREATE DATABASE fresh OWNER {APPLICATION_ROLE}")
        yield servers.settings().model_copy(update={"database_name": "fresh"})
        admin.execute("DROP DATABASE fresh WITH (FORCE)")


def newest_revision() -> str:
    return max(path.name for path in (FOLDER / "versions").glob("*.py")).partition("_")[0]


def tables_of(settings: DatabaseSettings) -> set[str]:
    with psycopg.connect(
        host=settings.database_writer_host,
        port=settings.database_writer_port,
        dbname=settings.database_name,
        user=CREDENTIALS.username,
        password=CREDENTIALS.password,
    ) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {name for (name,) in rows}


def test_an_empty_database_gets_every_table_and_a_second_run_changes_nothing(fresh: DatabaseSettings) -> None:
    assert migrate(fresh, lambda: CREDENTIALS) == newest_revision()
    assert {"projects", "images", "segmentations", "spheroids", "watchers", "tickets", "accounts"} < tables_of(fresh)
    assert migrate(fresh, lambda: CREDENTIALS) == newest_revision()


def test_many_at_once_are_harmless(fresh: DatabaseSettings) -> None:
    with ThreadPoolExecutor(4) as threads:
        reached = list(threads.map(lambda _: migrate(fresh, lambda: CREDENTIALS), range(4)))
    assert reached == [newest_revision()] * 4


def test_a_database_that_does_not_answer_is_unavailable(fresh: DatabaseSettings) -> None:
    with pytest.raises(DatabaseUnavailableError):
        migrate(fresh.model_copy(update={"database_writer_port": free_port()}), lambda: CREDENTIALS)


def test_a_database_that_is_locked_is_left_as_it_was(fresh: DatabaseSettings) -> None:
    with psycopg.connect(
        host=HOST,
        port=fresh.database_writer_port,
        dbname="fresh",
        user=CREDENTIALS.username,
        password=CREDENTIALS.password,
    ) as connection:
        connection.execute("CREATE TABLE images (id integer)")
    with pytest.raises(Exception, match="images"):
        migrate(fresh, lambda: CREDENTIALS)
    assert tables_of(fresh) == {"images"}
