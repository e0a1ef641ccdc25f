"""Brightness of spheroids: stored with them, and never out of date in a corrected revision."""

from typing import Any

import cv2
import numpy as np
import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.domain.measurement import INTENSITIES, measure_named
from spheroseg.domain.operations import Delete, Relabel, Replace
from spheroseg.domain.spheroid import Spheroid
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from tests.builders import a_viewer
from tests.contract.test_revisions import World, square, world_of

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


def test_a_correction_leaves_no_number_that_is_out_of_date(world: World) -> None:
    before = told(world)
    world.save(0, Delete((2,)))
    world.save(1, Replace(3, square(112, 72, 15)), Relabel(4, 9))
    first = told(world, 1)
    assert (first[3], first[4]) == (before[3], before[4])
    neighbour, was = first[1], before[1]
    assert neighbour is not None
    assert was is not None
    lost = {name for name in INTENSITIES if "local_background" in name}
    assert {name: value for name, value in neighbour.items() if value != was[name]} == dict.fromkeys(lost)
    second = told(world)
    assert second[3] is None, "its pixels are others"
    assert second[1] == neighbour
    renamed = second[9]
    assert renamed is not None
    assert renamed["intensity_mean"] == (before[4] or {})["intensity_mean"]
    assert told(world, 0) == before, "what was found stays as it was"
    drawn = labels()
    drawn[drawn == 2] = 0
    anew = {one.number: one.intensities for one in measured(drawn)}
    for number, values in first.items():
        for name, value in (values or {}).items():
            assert value in {None, (anew[number] or {})[name]}, (number, name)
    world.edit.restore(a_viewer(), world.run.id, 2, 0)
    restored = told(world)
    assert {number: restored[number] for number in (2, 3, 4)} == {number: before[number] for number in (2, 3, 4)}


def test_it_can_be_asked_for_as_a_measure_of_a_project(database: Database) -> None:
    world = world_of(database, measured(labels()), SIZE)
    world.save(0, Delete((2,)))
    for name in INTENSITIES:
        found = PostgresMeasurements(database).page(a_viewer(), world.run.project_id, measure_named(name), None, 100)
        expected = {number: values and values[name] for number, values in told(world).items()}
        assert {one.number: one.value for one in found} == expected


def test_rows_of_before_have_none(database: Database) -> None:
    world = world_of(database, spheroids_of(labels()), SIZE)
    assert set(told(world).values()) == {None}
    world.save(0, Delete((2,)))
    found = PostgresMeasurements(database).page(
        a_viewer(), world.run.project_id, measure_named("intensity_mean"), None, 100
    )
    assert [one.value for one in found] == [None] * 3
