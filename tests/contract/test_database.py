"""What the database does when connections die, transactions collide and servers stop."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic

import psycopg
import pytest

from infra_cdk.local.postgres import DATABASE, HOST
from spheroseg.adapters.postgres.connections import Server
from spheroseg.adapters.postgres.database import Cursor, Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.errors import ConflictError, DatabaseUnavailableError, InvalidInputError, StaleStateError
from tests.builders import NOW, a_project, a_result, a_segmentation, a_spheroid, a_viewer, an_image
from tests.postgres import CREDENTIALS, WAIT_S, Servers, free_port

KILL_MYSELF = "SELECT pg_terminate_backend(pg_backend_pid())"


def kill_connections(servers: Servers) -> None:
    """End every connection of the application, as a failover does."""
    with psycopg.connect(servers.pair.address(servers.pair.primary_port)) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND pid <> pg_backend_pid()"
        )


def test_nothing_is_opened_before_it_is_needed() -> None:
    Database(Server(HOST, free_port(), DATABASE, "disable"), lambda: CREDENTIALS).close()


def test_a_read_survives_the_death_of_its_connection(servers: Servers, database: Database) -> None:
    project = a_project()
    PostgresProjects(database).add(project)
    for _ in range(3):
        kill_connections(servers)
        assert PostgresProjects(database).get(project.id) == project


def test_a_transaction_whose_connection_died_before_its_commit_is_run_again(database: Database) -> None:
    attempts = 0

    def work(cursor: Cursor) -> int:
        nonlocal attempts
        attempts += 1
        cursor.execute("INSERT INTO watchers VALUES ('a', 'owner', now())")
        if attempts == 1:
            cursor.execute(KILL_MYSELF)
        return attempts

    assert database.write(work) == 2
    assert len(database.latest("SELECT * FROM watchers")) == 1


def test_a_statement_alone_is_committed_and_survives_the_death_of_its_connection(
    servers: Servers, database: Database
) -> None:
    assert database.run_alone("INSERT INTO watchers VALUES ('a', 'owner', now())", {}) == 1
    before = database.position
    for _ in range(3):
        kill_connections(servers)
        assert database.run_alone("UPDATE watchers SET connected_at = now()", {}) == 1
    assert len(database.latest("SELECT * FROM watchers")) == 1
    assert database.position != before  # a client that is told of the write waits for it


@pytest.fixture
def lost_commits(servers: Servers) -> Iterator[None]:
    """Whoever commits a row of `watchers` is disconnected while it commits."""
    with psycopg.connect(servers.pair.address(servers.pair.primary_port), autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON watchers DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION die()"
        )
        yield
        connection.execute("DROP TRIGGER die ON watchers")
        connection.execute("DROP FUNCTION die()")


@pytest.mark.usefixtures("lost_commits")
def test_a_commit_of_unknown_outcome_is_reported_and_not_repeated(database: Database) -> None:
    attempts = 0

    def work(cursor: Cursor) -> None:
        nonlocal attempts
        attempts += 1
        cursor.execute("INSERT INTO watchers VALUES ('a', 'owner', now())")

    with pytest.raises(DatabaseUnavailableError, match="may be written or not"):
        database.write(work)
    assert attempts == 1


def test_transactions_that_block_one_another_both_succeed_in_the_end(database: Database) -> None:
    projects = [a_project(), a_project()]
    for project in projects:
        PostgresProjects(database).add(project)
    both_hold_one = threading.Barrier(2)
    attempts = []

    def rename(first: int, second: int) -> None:
        def work(cursor: Cursor) -> None:
            attempts.append(first)
            cursor.execute("UPDATE projects SET name = name || '!' WHERE id = %s", [projects[first].id])
            if len(attempts) <= 2:
                both_hold_one.wait()
            cursor.execute("UPDATE projects SET name = name || '!' WHERE id = %s", [projects[second].id])

        database.write(work)

    threads = [threading.Thread(target=rename, args=order) for order in ((0, 1), (1, 0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(attempts) >= 3
    assert [PostgresProjects(database).get(project.id).name for project in projects] == ["Day 7!!", "Day 7!!"]


def test_only_one_of_many_workers_takes_a_run(database: Database) -> None:
    project = a_project()
    image = an_image(project)
    waiting = a_segmentation(image)
    repository = PostgresSegmentations(database)
    PostgresProjects(database).add(project)
    PostgresImages(database).add_many([image])
    repository.add(waiting)
    taken: list[int] = []
    together = threading.Barrier(4)

    def take(worker: int) -> None:
        together.wait()
        try:
            repository.replace(waiting, waiting.started(NOW))
        except StaleStateError:
            return
        taken.append(worker)

    workers = [threading.Thread(target=take, args=[number]) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == 1


def test_row_and_spheroids_are_written_together_or_not_at_all(database: Database) -> None:
    project = a_project()
    image = an_image(project)
    running = a_segmentation(image, status=SegmentationStatus.RUNNING)
    repository = PostgresSegmentations(database)
    PostgresProjects(database).add(project)
    PostgresImages(database).add_many([image])
    repository.add(running)
    with pytest.raises(ConflictError):
        repository.finish(running, running.succeeded(a_result(2), NOW), [a_spheroid(1), a_spheroid(1)])
    assert repository.get(running.id) == running
    assert repository.spheroids(a_viewer(), running.id, 0, 10) == []


def test_what_belongs_to_a_row_that_is_gone_is_stale(database: Database) -> None:
    with pytest.raises(StaleStateError):
        PostgresSegmentations(database).add(a_segmentation())
    with pytest.raises(StaleStateError):
        PostgresImages(database).add_many([an_image()])


def test_a_statement_that_takes_too_long_is_given_up(database: Database) -> None:
    def work(cursor: Cursor) -> None:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        cursor.execute("SELECT pg_sleep(5)")

    begun = monotonic()
    with pytest.raises(DatabaseUnavailableError):
        database.write(work)
    assert monotonic() - begun < 2


def test_the_role_carries_the_timeouts(database: Database) -> None:
    timeouts = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    shown = {name: database.latest(f"SHOW {name}")[0][name] for name in timeouts}
    assert shown == {"statement_timeout": "20s", "lock_timeout": "5s", "idle_in_transaction_session_timeout": "30s"}


def test_a_server_that_stops_is_unavailable_and_used_again_when_it_is_back(
    servers: Servers, database: Database
) -> None:
    project = a_project()
    PostgresProjects(database).add(project)
    servers.pair.stop_primary()
    try:
        begun = monotonic()
        with pytest.raises(DatabaseUnavailableError):
            PostgresProjects(database).get(project.id)
        with pytest.raises(DatabaseUnavailableError):
            PostgresProjects(database).add(a_project())
        assert monotonic() - begun < 20
    finally:
        servers.pair.start_primary()
    begun = monotonic()
    assert PostgresProjects(database).get(project.id) == project
    PostgresProjects(database).add(replace(a_project(), name="after the outage"))
    assert monotonic() - begun < 10


def test_a_null_character_is_the_askers_mistake_and_leaves_the_connection_good(database: Database) -> None:
    for asked in (
        lambda: database.latest("SELECT %(text)s::text AS text", {"text": "a\0"}),
        lambda: database.read("SELECT %(text)s::text AS text", {"text": "a\0"}, after=None),
        lambda: database.run("DELETE FROM watchers WHERE connection_id = %(text)s", {"text": "a\0"}),
    ):
        with pytest.raises(InvalidInputError):
            asked()
    assert database.latest("SELECT 1 AS one") == [{"one": 1}]


def test_a_wrong_password_is_unavailable_and_a_rotated_one_works(servers: Servers) -> None:
    passwords = ["wrong"]
    server = Server(HOST, servers.pair.primary_port, DATABASE, "disable")
    database = Database(server, lambda: replace(CREDENTIALS, password=passwords[-1]), wait_s=WAIT_S)
    try:
        with pytest.raises(DatabaseUnavailableError):
            database.ping("writer")
        passwords.append(CREDENTIALS.password)
        assert database.ping("writer") < 10
    finally:
        database.close()
