"""Segmentations and their spheroids: what the repository does, in memory and in PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.backlog import RATE_WINDOW
from spheroseg.domain.fairness import FLOOR, WINDOW
from spheroseg.domain.image import Image
from spheroseg.domain.paging import PageKey
from spheroseg.domain.review import ReviewReason
from spheroseg.domain.segmentation import Parameters, Priority, Segmentation, SegmentationStatus, Standing
from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import SegmentationNotFoundError, StaleStateError
from spheroseg.ports import SegmentationRepository
from tests.builders import (
    NOW,
    STRANGER,
    a_failure,
    a_project,
    a_result,
    a_review,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_id,
    an_image,
    an_order,
    some_measures,
)
from tests.fakes import InMemorySegmentations

WAITS, RUNS = SegmentationStatus.QUEUED, SegmentationStatus.RUNNING


@pytest.fixture(params=["in_memory", "postgres"])
def repository(request: pytest.FixtureRequest) -> SegmentationRepository:
    if request.param == "in_memory":
        return InMemorySegmentations()
    return PostgresSegmentations(request.getfixturevalue("database"))


@pytest.fixture
def image(request: pytest.FixtureRequest, repository: SegmentationRepository) -> Image:
    """An image that runs can belong to; rows in PostgreSQL refer to it."""
    return stored_image(request, repository)


@pytest.fixture
def another_image(request: pytest.FixtureRequest, repository: SegmentationRepository) -> Image:
    return stored_image(request, repository)


def stored_image(request: pytest.FixtureRequest, repository: SegmentationRepository) -> Image:
    project = a_project()
    image = an_image(project)
    if isinstance(repository, PostgresSegmentations):
        database: Database = request.getfixturevalue("database")
        PostgresProjects(database).add(project)
        PostgresImages(database).add_many([image])
    return image


def stored(repository: SegmentationRepository, run: Segmentation) -> Segmentation:
    assert repository.add(run)
    return run


def moved(repository: SegmentationRepository, before: Segmentation, after: Segmentation) -> Segmentation:
    repository.replace(before, after)
    return after


def with_model(image: Image, model: str, **changes: object) -> Segmentation:
    """A run of the image that differs from its others by the model."""
    return a_segmentation(image, order=an_order(model=model, **changes))


@pytest.mark.parametrize("status", list(SegmentationStatus))
def test_a_run_is_read_as_it_was_added(
    repository: SegmentationRepository, image: Image, status: SegmentationStatus
) -> None:
    run = stored(repository, a_segmentation(image, status=status))
    assert repository.get(run.id) == run
    assert repository.one(a_viewer(), run.id) == run


def test_a_run_is_added_once(repository: SegmentationRepository, image: Image) -> None:
    run = stored(repository, a_segmentation(image))
    moved(repository, run, run.started(NOW))
    assert not repository.add(run)
    assert repository.get(run.id).status is RUNS


def test_a_foreign_run_is_not_found(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    repository.finish(running, running.succeeded(a_result(), NOW), [a_spheroid()])
    stranger = a_viewer(STRANGER)
    with pytest.raises(SegmentationNotFoundError):
        repository.one(stranger, running.id)
    assert repository.of_image(stranger, image.id) == []
    assert repository.latest_of_images(stranger, [image.id]) == {}
    assert repository.spheroids(stranger, running.id, 0, 10) == []
    with pytest.raises(SegmentationNotFoundError):
        repository.get(an_id())


def test_runs_of_an_image_are_listed_from_the_latest(
    repository: SegmentationRepository, image: Image, another_image: Image
) -> None:
    runs = [stored(repository, with_model(image, model)) for model in ("a", "b", "c")]
    other = stored(repository, with_model(another_image, "a"))
    assert repository.of_image(a_viewer(), image.id) == runs[::-1]
    latest = repository.latest_of_images(a_viewer(), [image.id, another_image.id, an_id()])
    assert latest == {image.id: runs[-1], another_image.id: other}
    assert repository.latest_of_images(a_viewer(), []) == {}


def test_runs_of_an_image_are_read_page_by_page_and_by_the_page_of_the_file(
    repository: SegmentationRepository, image: Image
) -> None:
    runs = [
        a_segmentation(image, order=an_order(model=model, parameters=Parameters(page=page)), queued_at=NOW)
        for model in ("a", "b")
        for page in (1, 2, 3)
    ]
    moved(repository, stored(repository, runs[0]), runs[0].started(NOW))
    repository.add_many(runs)
    repository.add_many(runs)
    assert repository.get(runs[0].id).status is RUNS
    assert set(repository.get_many([run.id for run in runs] + [an_id()])) == {run.id for run in runs}
    expected = sorted((run.id for run in runs), reverse=True)
    read: list[UUID] = []
    key = None
    while page := repository.page_of_image(a_viewer(), image.id, None, key, 4):
        read += [run.id for run in page]
        key = PageKey(page[-1].queued_at, page[-1].id)
    assert read == expected
    second = repository.page_of_image(a_viewer(), image.id, 2, None, 10)
    assert {run.id for run in second} == {runs[1].id, runs[4].id}
    assert repository.page_of_image(a_viewer(STRANGER), image.id, None, None, 10) == []


def test_a_repeat_is_the_latest(repository: SegmentationRepository, image: Image) -> None:
    first = stored(repository, with_model(image, "a"))
    stored(repository, with_model(image, "b"))
    cancelled = moved(repository, first, first.cancelled(NOW))
    again = replace(with_model(image, "a").after(cancelled), queued_at=NOW + timedelta(hours=1))
    stored(repository, again)
    assert repository.latest_of_images(a_viewer(), [image.id])[image.id] == again


def test_a_replaced_worker_cannot_write(repository: SegmentationRepository, image: Image) -> None:
    waiting = stored(repository, a_segmentation(image))
    first = moved(repository, waiting, waiting.started(NOW))
    second = moved(repository, first, first.started(NOW))
    with pytest.raises(StaleStateError):
        repository.replace(first, first.failed(a_failure(), NOW))
    with pytest.raises(StaleStateError):
        repository.keep_alive(first, NOW)
    with pytest.raises(StaleStateError):
        repository.finish(first, first.succeeded(a_result(), NOW), [a_spheroid()])
    assert repository.get(waiting.id) == second
    assert repository.spheroids(a_viewer(), waiting.id, 0, 10) == []


def test_where_a_run_stands_is_its_status_and_attempt(repository: SegmentationRepository, image: Image) -> None:
    waiting = stored(repository, a_segmentation(image))
    assert repository.standing(waiting.id) == Standing(WAITS, 0)
    running = moved(repository, waiting, waiting.started(NOW))
    assert repository.standing(waiting.id) == Standing(RUNS, 1)
    moved(repository, running, running.cancelled(NOW))
    assert repository.standing(waiting.id) == Standing(SegmentationStatus.CANCELLED, 1)
    with pytest.raises(SegmentationNotFoundError):
        repository.standing(an_id())


def test_a_cancelled_run_cannot_be_finished(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    moved(repository, running, running.cancelled(NOW))
    with pytest.raises(StaleStateError):
        repository.finish(running, running.succeeded(a_result(), NOW), [])


def test_nobody_writes_to_a_run_that_is_gone(repository: SegmentationRepository) -> None:
    running = a_segmentation(status=RUNS)
    with pytest.raises(StaleStateError):
        repository.replace(running, running.cancelled(NOW))
    with pytest.raises(StaleStateError):
        repository.keep_alive(running, NOW)


def test_a_worker_that_says_so_is_alive(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    at = NOW + timedelta(hours=2)
    repository.keep_alive(running, at)
    assert repository.get(running.id) == replace(running, alive_at=at)


def test_a_finished_run_gives_its_spheroids_page_by_page(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    square = Polygon(exterior=((0.0, 0.0), (2.5, 0.0), (2.5, 2.0), (0.0, 2.0)))
    spheroids = [
        a_spheroid(1),
        a_spheroid(2, polygons=(square, square), confidence=None, rim_confidence=None, review_reasons=None),
        a_spheroid(3, measures=some_measures(area_px2=1 / 3, circularity=1.0000000000000002, hole_count=0)),
        a_spheroid(4, polygons=(), touches_edge=True, review_reasons=tuple(ReviewReason)[::-1]),
    ]
    succeeded = running.succeeded(a_result(len(spheroids)), NOW)

    repository.finish(running, succeeded, (spheroid for spheroid in reversed(spheroids)))

    assert repository.get(running.id) == succeeded
    assert repository.spheroids(a_viewer(), running.id, 0, 2) == spheroids[:2]
    assert repository.spheroids(a_viewer(), running.id, 2, 10) == spheroids[2:]
    assert repository.spheroids(a_viewer(), running.id, 4, 10) == []


def test_a_run_may_find_nothing(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    # As runs of earlier releases.
    result = a_result(0, pixel_size_um=None, pixel_size_source=None, ran=None, review=None)
    repository.finish(running, running.succeeded(result, NOW), [])
    assert repository.get(running.id).result == result


def test_edges_of_a_pixel_that_differ_are_kept(repository: SegmentationRepository, image: Image) -> None:
    running = stored(repository, a_segmentation(image, status=RUNS))
    result = a_result(1, review=replace(a_review(), unequal_edges_um=(0.65, 0.7)))
    repository.finish(running, running.succeeded(result, NOW), [a_spheroid()])
    assert repository.get(running.id).result == result


def test_stalled_runs_are_listed_from_the_oldest(
    repository: SegmentationRepository, image: Image, another_image: Image
) -> None:
    limit = NOW + timedelta(hours=1)
    long_ago = limit - timedelta(minutes=5)
    waits_long = stored(repository, a_segmentation(image, queued_at=long_ago, sent_at=long_ago))
    stored(repository, replace(with_model(image, "waits for its turn"), queued_at=long_ago))
    stored(repository, replace(with_model(image, "its turn came late"), queued_at=long_ago, sent_at=limit))
    stored(repository, replace(with_model(image, "given back"), queued_at=limit, sent_at=long_ago))
    silent = a_segmentation(another_image, status=RUNS, alive_at=limit - timedelta(minutes=7))
    stored(repository, silent)
    stored(repository, replace(with_model(image, "fresh"), queued_at=limit))
    lively = with_model(another_image, "lively").started(NOW)
    stored(repository, replace(lively, alive_at=limit))
    done = with_model(image, "done").started(NOW).failed(a_failure(), NOW)
    stored(repository, done)

    assert repository.stalled(limit, limit, 10) == [silent, waits_long]
    assert repository.stalled(limit, limit, 1) == [silent]
    assert repository.stalled(NOW - timedelta(days=1), limit, 10) == [silent]
    assert repository.stalled(limit, NOW - timedelta(days=1), 10) == [waits_long]


def test_the_backlog_counts_what_waits_and_runs(repository: SegmentationRepository, image: Image) -> None:
    stored(repository, with_model(image, "a"))
    stored(repository, with_model(image, "b"))
    stored(repository, with_model(image, "c").started(NOW))
    backlog = repository.backlog(NOW)
    assert (backlog.queued, backlog.running, backlog.ahead) == (2, 1, None)
    assert (backlog.finished_recently, backlog.busy_s, backlog.seconds_per_run) == (0, 0.0, None)


def test_the_backlog_knows_who_is_ahead(repository: SegmentationRepository, image: Image) -> None:
    runs = {
        name: stored(repository, with_model(image, name, priority=priority))
        for name, priority in [
            ("low-1", Priority.LOW),
            ("normal-1", Priority.NORMAL),
            ("high-1", Priority.HIGH),
            ("normal-2", Priority.NORMAL),
            ("high-2", Priority.HIGH),
            ("low-2", Priority.LOW),
        ]
    }
    ahead = {name: repository.backlog(NOW, run).ahead for name, run in runs.items()}
    assert ahead == {"high-1": 0, "high-2": 1, "normal-1": 2, "normal-2": 3, "low-1": 4, "low-2": 5}
    assert repository.backlog(NOW, runs["low-1"].started(NOW)).ahead is None


def test_the_latest_repeat_is_found_by_the_first_run(
    repository: SegmentationRepository, image: Image, another_image: Image
) -> None:
    first = stored(repository, a_segmentation(image, status=SegmentationStatus.FAILED))
    second = stored(repository, replace(a_segmentation(image).after(first), status=SegmentationStatus.CANCELLED))
    third = stored(repository, a_segmentation(image, requested_by=STRANGER, urgency=9).after(second))
    other = stored(repository, a_segmentation(another_image))
    assert repository.latest_repeats([first.id, other.id, an_id()]) == {first.id: third, other.id: other}


def test_turns_are_given_by_the_rule_and_once(repository: SegmentationRepository, image: Image) -> None:
    def asked(person: str, count: int) -> list[Segmentation]:
        runs = [with_model(image, f"{person}-{number}") for number in range(count)]
        return [stored(repository, replace(run, requested_by=person)) for run in runs]

    ada, bob = asked("ada", WINDOW + 20), asked("bob", FLOOR + 5)
    urgent = stored(repository, replace(with_model(image, "urgent"), requested_by="ada", urgency=10))
    released = repository.release(NOW)
    alone = [urgent, *(run for pair in zip(bob, ada, strict=False) for run in pair)]
    rest = [run for run in ada if run not in alone]
    assert {run.id for run in released} == {run.id for run in [*alone, *rest][:WINDOW]}
    assert [repository.get(run.id) for run in released] == list(released)
    assert repository.release(NOW) == []
    assert repository.backlog(NOW).held == WINDOW + 20 + FLOOR + 5 + 1 - WINDOW

    first = asked("carl", FLOOR + 1)[:FLOOR]
    assert {run.id for run in repository.release(NOW)} == {run.id for run in first}
    repository.hold([run.id for run in first])
    assert {run.id for run in repository.release(NOW)} == {run.id for run in first}

    for run in released[:3]:
        moved(repository, run, run.cancelled(NOW))
    assert repository.release(NOW) == []  # the window is still overfull by Carl's runs
    for run in released[3 : FLOOR + 1]:
        moved(repository, run, run.cancelled(NOW))
    (next_one,) = repository.release(NOW)
    assert next_one.share == "carl"  # who has least in flight is next


def test_the_rate_is_measured_on_what_ended_lately(repository: SegmentationRepository, image: Image) -> None:
    def ended(model: str, seconds: float, ago: timedelta) -> Segmentation:
        end = NOW - ago
        return with_model(image, model).started(end - timedelta(seconds=seconds)).failed(a_failure(), end)

    stored(repository, ended("a", 2.0, timedelta(seconds=1)))
    stored(repository, ended("b", 4.5, timedelta(minutes=9)))
    stored(repository, ended("too long ago", 100.0, RATE_WINDOW))
    stored(repository, with_model(image, "never ran").cancelled(NOW))
    backlog = repository.backlog(NOW)
    assert (backlog.finished_recently, backlog.busy_s) == (2, 6.5)
    assert backlog.seconds_per_run == 3.25
