"""Reads go to the reader, and nobody misses their own writes: on a real primary and its streaming hot standby."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep

import psycopg
import pytest

from infra_cdk.local.postgres import DATABASE, HOST
from spheroseg.adapters.postgres import database as database_module
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.connections import Server
from spheroseg.adapters.postgres.database import LAG_KNOWN_FOR_S, Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.positions import NO_READER_HAS
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.errors import DatabaseUnavailableError, InvalidInputError, ProjectNotFoundError
from tests.builders import (
    NOW,
    OWNER,
    STRANGER,
    a_project,
    a_result,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_id,
    an_image,
)
from tests.postgres import CREDENTIALS, Servers

REST_S = 1.5

WHERE = "SELECT CASE WHEN pg_is_in_recovery() THEN 'reader' ELSE 'writer' END AS server"


@pytest.fixture
def routed(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database with a reader that has caught up; servers that failed are left alone for a shorter time."""
    monkeypatch.setattr(database_module, "REST_S", REST_S)
    servers.empty()
    database = servers.database(with_reader=True)
    eventually(lambda: database.lag_s() == 0)
    yield database
    database.close()


def owned(project: Project) -> Accessible[Project]:
    return Accessible(project, Access(Role.OWNER))


def served_by(database: Database, after: str | None = None) -> str:
    return str(database.read(WHERE, {}, after=after)[0]["server"])


def eventually(is_so: Callable[[], bool], within_s: float = 15.0) -> None:
    deadline = monotonic() + within_s
    while not is_so():
        assert monotonic() < deadline, f"It did not become so within {within_s} s"
        sleep(0.05)


@contextmanager
def paused(servers: Servers) -> Iterator[None]:
    """The standby shows nothing new inside the block."""
    servers.pair.pause_replay()
    try:
        yield
    finally:
        servers.pair.resume_replay()


def written(database: Database) -> str:
    """The position of a new project."""
    PostgresProjects(database).add(a_project())
    position = database.position
    assert position is not None
    return position


def test_reads_go_to_the_reader(routed: Database) -> None:
    assert served_by(routed) == "reader"


def test_reads_go_to_the_writer_where_there_is_no_reader(database: Database) -> None:
    assert served_by(database) == "writer"
    assert not database.has_reader
    assert database.lag_s() is None


def test_the_reader_serves_those_who_wrote_once_it_has_their_write(routed: Database) -> None:
    position = written(routed)
    eventually(lambda: served_by(routed, position) == "reader")


def test_the_position_grows_with_each_commit_and_only_then(routed: Database, servers: Servers) -> None:
    fresh = servers.database()
    assert fresh.position is None
    fresh.close()
    first = written(routed)
    assert routed.position == first
    assert written(routed) != first


def test_nobody_misses_their_own_writes(routed: Database, servers: Servers) -> None:
    """1,000 reads right after the write's commit, a third of them while the reader shows nothing new."""
    projects = PostgresProjects(routed)
    stale = 0
    for number in range(1000):
        if number == 300:
            servers.pair.pause_replay()
        if number == 600:
            servers.pair.resume_replay()
        project = a_project()
        projects.add(project)
        newest = projects.page(a_viewer(project.owner_id, routed.position), None, 1)
        stale += [found.item.id for found in newest] != [project.id]
    assert stale == 0


def test_a_reader_that_shows_nothing_new_would_be_stale_without_the_position(
    routed: Database, servers: Servers
) -> None:
    projects = PostgresProjects(routed)
    with paused(servers):
        project = a_project()
        projects.add(project)
        assert projects.page(a_viewer(), None, 1) == []
        assert projects.page(a_viewer(read_after=routed.position), None, 1) == [owned(project)]


def test_what_the_reader_does_not_have_is_looked_for_on_the_writer(routed: Database, servers: Servers) -> None:
    project = a_project()
    image = an_image(project)
    with paused(servers):
        PostgresProjects(routed).add(project)
        PostgresImages(routed).add_many([image])
        assert PostgresProjects(routed).one(a_viewer(), project.id) == owned(project)
        assert PostgresImages(routed).one(a_viewer(), image.id) == image
        with pytest.raises(ProjectNotFoundError):
            PostgresProjects(routed).one(a_viewer(), an_id())


def test_spheroids_of_a_run_that_just_succeeded_are_found(routed: Database, servers: Servers) -> None:
    project = a_project()
    image = an_image(project)
    running = a_segmentation(image, status=SegmentationStatus.RUNNING)
    with paused(servers):
        PostgresProjects(routed).add(project)
        PostgresImages(routed).add_many([image])
        PostgresSegmentations(routed).add(running)
        PostgresSegmentations(routed).finish(running, running.succeeded(a_result(), NOW), [a_spheroid()])
        assert PostgresSegmentations(routed).spheroids(a_viewer(), running.id, 0, 10) == [a_spheroid()]


def test_a_reader_too_far_behind_is_left_for_the_writer(routed: Database, servers: Servers) -> None:
    strict = servers.database(with_reader=True, lag_limit_s=0.5)
    try:
        with paused(servers):
            assert served_by(strict) == "reader"
            written(routed)
            eventually(lambda: served_by(strict) == "writer")
            lag_s = strict.lag_s()
            assert lag_s is not None
            assert lag_s > 0.5
        eventually(lambda: served_by(strict) == "reader")
    finally:
        strict.close()


def test_an_idle_writer_is_no_lag(servers: Servers, routed: Database) -> None:
    strict = servers.database(with_reader=True, lag_limit_s=0.1)
    try:
        sleep(1)  # without a commit; the last one is now older than the limit
        eventually(lambda: strict.lag_s() == 0)
        assert served_by(strict) == "reader"
    finally:
        strict.close()


def test_a_reader_that_is_down_costs_one_wait_and_is_used_again_later(servers: Servers, routed: Database) -> None:
    position = written(routed)
    servers.pair.stop_standby()
    try:
        assert served_by(routed) == "writer"
        assert served_by(routed, position) == "writer"
        begun = monotonic()
        assert [served_by(routed) for _ in range(20)] == ["writer"] * 20
        assert monotonic() - begun < REST_S
        with pytest.raises(DatabaseUnavailableError):
            routed.ping("reader")
        assert routed.ping("writer") < 1
    finally:
        servers.pair.start_standby()
    eventually(lambda: served_by(routed) == "reader")


def test_old_rows_are_served_while_the_writer_is_down(servers: Servers, routed: Database) -> None:
    project = a_project()
    PostgresProjects(routed).add(project)
    closings = PostgresAccountClosings(routed)
    closings.begin(STRANGER, an_id(), "correlation", NOW)
    position = routed.position
    eventually(lambda: served_by(routed, position) == "reader")
    servers.pair.stop_primary()
    try:
        sleep(LAG_KNOWN_FOR_S)
        assert PostgresProjects(routed).page(a_viewer(), None, 10) == [owned(project)]
        assert PostgresProjects(routed).page(a_viewer(read_after=position), None, 10) == [owned(project)]
        assert (closings.is_closed(OWNER), closings.is_closed(STRANGER)) == (False, True)
        with pytest.raises(DatabaseUnavailableError):
            routed.read(WHERE, {}, after=NO_READER_HAS)
    finally:
        servers.pair.start_primary()
    eventually(lambda: routed.lag_s() == 0)


def test_a_server_that_is_no_standby_is_not_read_from(servers: Servers) -> None:
    """Such as a reader that was promoted, or the only instance of a cluster behind its reader endpoint."""
    writer = Server(HOST, servers.pair.primary_port, DATABASE, "disable")
    database = Database(writer, lambda: CREDENTIALS, reader=writer)
    try:
        assert database.lag_s() is None
        assert served_by(database, NO_READER_HAS) == "writer"
    finally:
        database.close()


@pytest.fixture
def as_on_aurora(servers: Servers) -> Iterator[Callable[[float | None], None]]:
    """Sets the lag that Aurora's own function tells; Aurora has no replay position."""
    with psycopg.connect(servers.pair.address(servers.pair.primary_port), autocommit=True) as connection:
        connection.execute("CREATE TABLE aurora_stand_in (session_id text, replica_lag_in_msec real)")
        connection.execute(
            "CREATE FUNCTION aurora_replica_status() RETURNS SETOF aurora_stand_in"
            " LANGUAGE sql AS 'SELECT * FROM aurora_stand_in'"
        )

        def tell(lag_ms: float | None) -> None:
            connection.execute("DELETE FROM aurora_stand_in")
            connection.execute("INSERT INTO aurora_stand_in VALUES ('MASTER_SESSION_ID', NULL)")
            if lag_ms is not None:
                connection.execute("INSERT INTO aurora_stand_in VALUES ('reader', %s)", [lag_ms])

        yield tell
        connection.execute("DROP FUNCTION aurora_replica_status()")
        connection.execute("DROP TABLE aurora_stand_in")


def test_on_aurora_the_lag_is_auroras_own(
    servers: Servers, routed: Database, as_on_aurora: Callable[[float | None], None]
) -> None:
    as_on_aurora(12.0)
    position = written(routed)
    eventually(lambda: served_by(routed, position) == "reader")
    aurora = servers.database(with_reader=True, lag_limit_s=0.5)
    try:
        assert aurora.lag_s() == pytest.approx(0.012)
        assert served_by(aurora) == "reader"
        assert served_by(aurora, position) == "writer"  # nothing tells yet what the reader has
        eventually(lambda: served_by(aurora, position) == "reader")  # it had a writer's later position by its lag
        assert served_by(aurora, written(routed)) == "writer"
        as_on_aurora(700.0)
        eventually(lambda: served_by(aurora) == "writer")
        as_on_aurora(None)
        eventually(lambda: aurora.lag_s() is None)
        assert served_by(aurora) == "writer"
    finally:
        aurora.close()


@pytest.mark.parametrize("token", ["", "0", "0/", "x/1", "0/1'; DROP TABLE images --", "123456789/0", "0/1 ", "0/1\n"])
def test_a_made_up_position_is_refused(routed: Database, token: str) -> None:
    with pytest.raises(InvalidInputError):
        served_by(routed, token)


def test_a_position_from_the_future_is_served_by_the_writer(routed: Database) -> None:
    assert served_by(routed, NO_READER_HAS) == "writer"
