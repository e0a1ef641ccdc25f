"""Brightness of spheroids: stored with them, and never out of date in a corrected revision."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spheroseg.adapters.postgres.brightness import PostgresBrightness
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.domain.image import original_key
from spheroseg.domain.measurement import INTENSITIES, measure_named
from spheroseg.domain.operations import Delete, Relabel, Replace
from spheroseg.domain.pages import Pages
from spheroseg.domain.spheroid import Brightness, Spheroid
from spheroseg.errors import InvalidEditError
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.rasterising import labels_of
from spheroseg.ports import BrightnessRepository, DecodedImage
from spheroseg.ports.brightness import MAX_ASKED
from spheroseg.use_cases.ask_for_brightness import SILENT_AFTER, AskForBrightness
from spheroseg.use_cases.measure_brightness import MeasureBrightness
from spheroseg.use_cases.run_export import StoppedError
from tests.builders import NOW, a_viewer, an_id
from tests.contract.test_revisions import World, square, world_of
from tests.fakes import InMemoryClock, InMemoryDecoder, InMemoryImages, InMemoryImageStore, InMemoryRevisions
from tests.fakes.brightness import InMemoryBrightness
from tests.fakes.exports import InMemoryExportQueue

SIZE = (220, 120)
PIXELS = np.random.default_rng(7).integers(200, 60_000, SIZE[::-1], dtype=np.uint16)
"""Beyond 8 bits, so that a value cut off would show."""


def labels() -> Any:
    """Two neighbours, and two that see nobody."""
    drawn = np.zeros(SIZE[::-1], np.int32)
    for number, place in enumerate(((25, 40), (56, 40), (120, 80), (190, 80)), 1):
        cv2.circle(drawn, place, 10, number, -1)
    return drawn


def measured(drawn: Any) -> list[Spheroid]:
    return brightness_of(drawn, PIXELS, spheroids_of(drawn))


@pytest.fixture(params=["in_memory", "postgres"])
def world(request: pytest.FixtureRequest) -> World:
    database = None if request.param == "in_memory" else request.getfixturevalue("database")
    return world_of(database, measured(labels()), SIZE)


def told(world: World, revision: int | None = None) -> dict[int, dict[str, float | None] | None]:
    return {one.number: one.intensities for one in world.state(revision)}


def test_what_was_measured_is_told(world: World) -> None:
    assert told(world) == {one.number: one.intensities for one in measured(labels())}
    first = told(world)[1]
    assert first is not None
    assert set(first) == set(INTENSITIES)
    assert first["intensity_max"] == PIXELS[labels() == 1].max() > 255


def due_since(world: World, revision: int | None = None) -> dict[int, int]:
    state = world.state(revision)
    return {one.number: one.brightness_due_since for one in state if one.brightness_due_since is not None}


def anew(world: World, revision: int) -> dict[int, dict[str, float | None] | None]:
    """What the worker would say of an image with these outlines."""
    drawn = labels_of({one.number: one.polygons for one in world.state(revision)}, PIXELS.shape)
    return {one.number: one.intensities for one in measured(drawn)}


def brightness(world: World) -> BrightnessRepository:
    if isinstance(world.revisions, InMemoryRevisions):
        return InMemoryBrightness(world.revisions)
    assert isinstance(world.revisions, PostgresRevisions)
    return PostgresBrightness(world.revisions._database)


def measuring(world: World, folder: Path) -> MeasureBrightness:
    store = InMemoryImageStore()
    store.put(original_key(world.run.image_id), b"some file", "image/tiff")
    decoder = InMemoryDecoder(DecodedImage(PIXELS, "uint16", Pages(1), None))
    images = InMemoryImages()
    clock = InMemoryClock(NOW)
    return MeasureBrightness(
        world.segmentations, images, world.revisions, brightness(world), store, decoder, clock, folder
    )


def test_a_correction_leaves_no_number_that_is_out_of_date_and_is_measured_again(world: World, tmp_path: Path) -> None:
    before = told(world)
    assert due_since(world) == {}
    world.save(0, Delete((2,)))
    world.save(1, Replace(3, square(112, 72, 15)), Relabel(4, 9))
    neighbour, was = told(world, 1)[1], before[1]
    assert neighbour is not None
    assert was is not None
    lost = {name for name in INTENSITIES if "local_background" in name}
    assert {name: value for name, value in neighbour.items() if value != was[name]} == dict.fromkeys(lost)
    assert told(world)[3] is None, "its pixels are others"
    assert (told(world)[9] or {})["intensity_mean"] == (before[4] or {})["intensity_mean"]
    assert (due_since(world, 0), due_since(world, 1), due_since(world)) == ({}, {1: 1}, {1: 1, 3: 2, 9: 2})

    measure = measuring(world, tmp_path)
    work = measure.take(world.run.id)
    assert work is not None
    assert measure.make(work) is work
    assert (work.done, work.spheroids) == (2, 3)
    assert [told(world, revision) for revision in (0, 1, 2)] == [anew(world, revision) for revision in (0, 1, 2)]
    assert told(world, 0) == before, "what was found stays as it was"
    assert (due_since(world, 1), due_since(world)) == ({}, {})
    assert measure.take(world.run.id) is None, "a second message finds nothing to do"

    world.edit.restore(a_viewer(), world.run.id, 2, 0)
    assert told(world)[4] != before[4], "its background is measured again, its own pixels are not"
    assert (told(world)[4] or {})["intensity_sd"] == (before[4] or {})["intensity_sd"]
    work = measure.take(world.run.id)
    assert work is not None
    measure.make(work)
    assert told(world) == before
    with pytest.raises(InvalidEditError, match="nothing to restore"):
        world.edit.restore(a_viewer(), world.run.id, 3, 0)


def test_a_revision_that_is_measured_late_says_nothing_of_later_ones(world: World) -> None:
    """Two workers at once, in the wrong order, and one of them twice."""
    world.save(0, Delete((2,)))
    world.save(1, Replace(1, square(20, 35, 12)))
    repository = brightness(world)
    assert repository.due(world.run.id, 99) == {2: [1], 1: [1]}
    assert repository.due(world.run.id, 1) == {2: [1]}
    late, early = ({1: Brightness(mean, 1, 2, 3, 4, 5, 6)} for mean in (200.0, 100.0))
    repository.store(world.run.id, 2, late, NOW)
    repository.store(world.run.id, 1, early, NOW)
    repository.store(world.run.id, 2, early, NOW)
    assert (told(world, 2)[1] or {})["intensity_mean"] == 200
    assert (told(world, 1)[1] or {})["intensity_local_background"] == 6
    assert (told(world, 1)[1] or {})["intensity_mean"] == PIXELS[labels() == 1].mean(), "its own pixels did not change"
    assert repository.due(world.run.id, 9) == {}


def test_who_was_not_asked_is_asked_for_again(world: World) -> None:
    repository, queue, clock = brightness(world), InMemoryExportQueue(), InMemoryClock(NOW)
    ask = AskForBrightness(repository, queue, clock)
    world.save(0, Delete((2,)))
    assert ask() == 0, "whoever saved it has asked just now"
    clock.moment += SILENT_AFTER * 1.5
    assert (ask(), ask()) == (1, 0)
    assert [one.segmentation_id for one in queue.brightness] == [world.run.id]
    repository.store(world.run.id, 1, {1: Brightness(1, 1, 2, 3, 4, 5, None)}, NOW)
    clock.moment += SILENT_AFTER * 1.5
    assert ask() == 0


def test_what_nobody_can_measure_is_not_asked_for_for_ever(world: World) -> None:
    queue, clock = InMemoryExportQueue(), InMemoryClock(NOW)
    ask = AskForBrightness(brightness(world), queue, clock)
    world.save(0, Delete((2,)))
    for _ in range(MAX_ASKED + 3):
        clock.moment += SILENT_AFTER * 1.5
        ask()
    assert len(queue.brightness) == MAX_ASKED - 1


def test_a_stop_keeps_what_was_measured_and_leaves_the_rest_due(world: World, tmp_path: Path) -> None:
    world.save(0, Delete((2,)))
    measure = measuring(world, tmp_path)
    work = measure.take(world.run.id)
    assert work is not None
    work.stop.set()
    with pytest.raises(StoppedError):
        measure.make(work)
    assert measure.take(world.run.id) is not None
    assert not list(tmp_path.iterdir())


def test_an_image_that_is_deleted_meanwhile_is_nobodys_failure(world: World, tmp_path: Path) -> None:
    world.save(0, Delete((2,)))
    measure = measuring(world, tmp_path)
    work = measure.take(world.run.id)
    assert work is not None
    assert isinstance(measure.store, InMemoryImageStore)
    measure.store.objects.clear()
    assert measure.make(work) is None
    assert measure.take(an_id()) is None, "nobody knows that run"


def test_it_can_be_asked_for_as_a_measure_of_a_project(database: Database) -> None:
    world = world_of(database, measured(labels()), SIZE)
    world.save(0, Delete((2,)))
    for name in INTENSITIES:
        found = PostgresMeasurements(database).page(a_viewer(), world.run.project_id, measure_named(name), None, 100)
        expected = {number: values and values[name] for number, values in told(world).items()}
        assert {one.number: one.value for one in found} == expected
        waits = {one.number: one.due_since for one in found if one.due_since is not None}
        assert waits == {number: since for number, since in due_since(world).items() if expected[number] is None}
    assert due_since(world)
    shape = PostgresMeasurements(database).page(a_viewer(), world.run.project_id, measure_named("area_px2"), None, 100)
    assert {one.due_since for one in shape} == {None}


def test_rows_of_before_have_none(database: Database) -> None:
    world = world_of(database, spheroids_of(labels()), SIZE)
    assert set(told(world).values()) == {None}
    world.save(0, Delete((2,)))
    found = PostgresMeasurements(database).page(
        a_viewer(), world.run.project_id, measure_named("intensity_mean"), None, 100
    )
    assert [one.value for one in found] == [None] * 3
