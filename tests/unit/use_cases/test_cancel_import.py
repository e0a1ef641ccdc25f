"""Imports that are cancelled, wherever they are: nothing of them is left; and what is told of imports at work."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spheroseg.domain.outline_import import (
    MAX_ACTIVE,
    UPLOAD_WITHIN,
    Base,
    Import,
    ImportFormat,
    ImportOptions,
    ImportStatus,
)
from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import (
    IllegalMoveError,
    ImportNotFoundError,
    StaleStateError,
    StorageUnavailableError,
    TooManyImportsError,
)
from spheroseg.messages import ImportChanged
from spheroseg.use_cases.run_export import StoppedError
from tests.builders import STRANGER, a_viewer
from tests.unit.use_cases.importing import World, coco, feature, geojson, square


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
def drawing(world: World) -> Import:
    """One that draws results on two images."""
    world.image("a.tif")
    world.image("b.tif")
    return world.asked(coco(a=[square(1, 1)], b=[square(1, 1)]), ImportFormat.COCO, "all.json")


def told_of(world: World, import_: Import) -> list[tuple[str, int, int, int]]:
    found = [one for one in world.updates.announced if isinstance(one, ImportChanged) and one.import_id == import_.id]
    return [(one.status.value, one.attempt, one.done, one.total) for one in found]


def require_untouched(world: World, import_: Import) -> None:
    """It is cancelled, and nothing of it is there."""
    assert world.imports.get(import_.id).status is ImportStatus.CANCELLED
    assert not [key for key in world.store.objects if key.startswith(("imports/", "results/"))]
    assert world.runs.rows == {}
    assert not list(world.scratch.iterdir())


def test_one_that_waits_for_its_file_or_its_turn_is_cancelled_once(world: World, drawing: Import) -> None:
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", 10)
    unsent, _ = world.request(a_viewer(), world.project.id, options, "correlation")
    for one in (drawing, unsent):
        cancelled = world.cancel(a_viewer(), one.id)
        assert (cancelled.status, cancelled.finished_at) == (ImportStatus.CANCELLED, world.clock.now())
        world.clock.advance(timedelta(seconds=1))
        assert world.cancel(a_viewer(), one.id) == cancelled
        assert told_of(world, one) == [("cancelled", 0, 0, 0)]
        assert world.run_import.take(one.id) is None  # its message comes all the same
        require_untouched(world, one)
    assert world.request.start(a_viewer(), unsent.id).status is ImportStatus.CANCELLED
    assert len(world.queue.imports) == 1


def test_a_worker_that_is_at_it_stops_and_removes_what_it_put(world: World, drawing: Import) -> None:
    work = world.taken(drawing)
    put = world.store.put

    def cancelling(*values: Any) -> None:
        put(*values)
        if world.imports.get(drawing.id).status is ImportStatus.RUNNING:
            world.cancel(a_viewer(), drawing.id)
            assert not world.run_import.keep_alive(work)
            work.stop.set()  # as the heartbeat does

    world.store.put = cancelling  # type: ignore[method-assign, assignment]
    with pytest.raises(StoppedError):
        world.run_import.make(work)
    require_untouched(world, drawing)
    assert told_of(world, drawing)[-1][0] == "cancelled"


def test_cancelled_in_the_last_moment_it_stores_nothing(world: World) -> None:
    run = world.result(world.image("a.tif"), Polygon(square(1, 1)))
    bases = (Base(run.id, 0),)
    revising = world.asked(geojson(feature(square(2, 2))), ImportFormat.GEOJSON, "a.geojson", bases=bases)
    work = world.taken(revising)
    finish = world.imports.finish

    def late(*values: Any) -> None:
        world.cancel(a_viewer(), revising.id)
        finish(*values)

    world.imports.finish = late  # type: ignore[method-assign, assignment]
    assert world.run_import.make(work) is None
    assert world.runs.rows[run.id].revision == 0
    assert world.imports.get(revising.id).status is ImportStatus.CANCELLED


def test_a_worker_whose_file_is_gone_by_that_does_not_fail_it(world: World, drawing: Import) -> None:
    work = world.taken(drawing)
    world.cancel(a_viewer(), drawing.id)
    assert world.run_import.make(work) is None
    require_untouched(world, drawing)


def test_what_a_worker_left_that_died_goes_with_the_message_that_comes_again(world: World, drawing: Import) -> None:
    image = next(one for one in world.images.rows.values() if one.name == "b.tif")
    world.taken(drawing)
    left = f"results/{drawing.new_result_id(image.id)}/1/outlines.geojson"
    world.store.put(left, b"{}", "")
    world.cancel(a_viewer(), drawing.id)
    assert left in world.store.objects
    assert world.run_import.take(drawing.id) is None
    require_untouched(world, drawing)


def test_a_worker_that_was_replaced_removes_nothing_of_the_one_that_is_at_it(world: World, drawing: Import) -> None:
    first = world.taken(drawing)
    world.clock.advance(timedelta(seconds=26))
    done = world.run_import.make(world.taken(drawing))
    assert done is not None
    stored = {key for key in world.store.objects if key.startswith("results/")}
    world.store.put(drawing.key, coco(a=[square(1, 1)], b=[square(1, 1)]), "")
    assert world.run_import.make(first) is None
    assert {key for key in world.store.objects if key.startswith("results/")} == stored


def test_what_has_ended_cannot_be_cancelled(world: World, drawing: Import) -> None:
    done = world.made(drawing)
    with pytest.raises(IllegalMoveError, match="succeeded"):
        world.cancel(a_viewer(), drawing.id)
    assert world.imports.get(drawing.id) == done
    assert len(world.runs.rows) == 2
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", 10)
    late, _ = world.request(a_viewer(), world.project.id, options, "correlation")
    world.clock.advance(UPLOAD_WITHIN)
    with pytest.raises(IllegalMoveError, match="expired"):
        world.cancel(a_viewer(), late.id)


def test_to_others_it_does_not_exist_and_a_cancelled_one_makes_room(world: World) -> None:
    options = ImportOptions(ImportFormat.GEOJSON, "a.geojson", 10)
    asked = [world.request(a_viewer(), world.project.id, options, "correlation")[0] for _ in range(MAX_ACTIVE)]
    with pytest.raises(ImportNotFoundError):
        world.cancel(a_viewer(STRANGER), asked[0].id)
    with pytest.raises(TooManyImportsError, match="cancel one"):
        world.request(a_viewer(), world.project.id, options, "correlation")
    world.cancel(a_viewer(), asked[0].id)
    world.request(a_viewer(), world.project.id, options, "correlation")


def test_its_worker_may_move_on_meanwhile(world: World, drawing: Import) -> None:
    replace, moves = world.imports.replace, 1

    def racing(before: Import, after: Import) -> None:
        nonlocal moves
        if moves:
            moves -= 1
            world.imports.rows[drawing.id] = drawing.started(world.clock.now())
            raise StaleStateError("The worker was first")
        replace(before, after)

    world.imports.replace = racing  # type: ignore[method-assign]
    assert world.cancel(a_viewer(), drawing.id).status is ImportStatus.CANCELLED
    other = world.asked(geojson(feature(square(1, 1))), ImportFormat.GEOJSON, "a.tif.geojson")
    moves = 100
    with pytest.raises(StaleStateError, match="all the time"):
        world.cancel(a_viewer(), other.id)


def test_a_file_that_could_not_be_removed_goes_with_the_next_try(world: World, drawing: Import) -> None:
    remove = world.store.delete_under

    def failing(_: str) -> None:
        world.store.delete_under = remove  # type: ignore[method-assign]
        raise StorageUnavailableError("gone for a moment")

    world.store.delete_under = failing  # type: ignore[method-assign, assignment]
    with pytest.raises(StorageUnavailableError):
        world.cancel(a_viewer(), drawing.id)
    assert drawing.key in world.store.objects
    world.cancel(a_viewer(), drawing.id)
    require_untouched(world, drawing)


def test_whoever_asked_is_told_how_far_it_is_and_how_it_ended(world: World, drawing: Import) -> None:
    work = world.taken(drawing)
    assert world.run_import.keep_alive(work)
    assert told_of(world, drawing) == [("running", 1, 0, 0)]  # nothing new since then
    work.done, work.total = 1, 2
    assert world.run_import.keep_alive(work)
    world.run_import.give_back(work)
    world.made(drawing)
    assert told_of(world, drawing)[1:] == [
        ("running", 1, 1, 2),
        ("queued", 1, 0, 0),
        ("running", 2, 0, 0),
        ("succeeded", 2, 2, 2),
    ]


def test_no_import_fails_because_nobody_can_be_told(world: World, drawing: Import) -> None:
    world.updates.is_available = False
    assert world.made(drawing).status is ImportStatus.SUCCEEDED
