"""Spheroids over HTTP: pages, µm, GeoJSON, redirects."""

from itertools import pairwise
from math import cos, pi, sin
from typing import Any
from uuid import UUID

import pytest
import shapely
from shapely.geometry import shape

from http_api.rest import spheroids as route
from http_api.rest.spheroids import SpheroidPageOut
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Brightness, Polygon, Spheroid
from tests.builders import a_result, a_spheroid
from tests.functions.http_api.world import Client, World


def a_round_spheroid(number: int, corners: int) -> Spheroid:
    ring = tuple((100 + 50 * cos(2 * pi * i / corners), 100 + 50 * sin(2 * pi * i / corners)) for i in range(corners))
    return a_spheroid(number, polygons=(Polygon(exterior=ring),))


def test_a_page_gives_outlines_and_measures_in_px_and_um(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(a_spheroid(1), result=a_result(pixel_size_um=0.5))
    answer = owner.get(f"/v1/segmentations/{run.id}/spheroids")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    SpheroidPageOut.model_validate(body, strict=False)
    assert (body["segmentation_id"], body["pixel_size_um"], body["next_cursor"]) == (str(run.id), 0.5, None)
    item = body["items"][0]
    assert item["polygons"] == [
        {
            "exterior": [[20.0, 30.0], [30.0, 30.0], [30.0, 40.0], [20.0, 40.0]],
            "holes": [[[23.0, 33.0], [23.0, 37.0], [27.0, 37.0], [27.0, 33.0]]],
        }
    ]
    assert item["measures"]["area_px2"] == 84.0
    assert item["measures_um"]["area_um2"] == 21.0
    assert item["measures_um"]["perimeter_um"] == 20.0
    assert item["measures_um"]["sphere_volume_um3"] == pytest.approx(579.132 / 8)
    assert item["measures"]["circularity"] == 0.659734
    assert "circularity" not in item["measures_um"]
    assert (item["number"], item["confidence"], item["touches_edge"]) == (1, 0.9375, False)
    assert (item["rim_confidence"], item["review_reasons"]) == (0.75, [])


def test_without_a_pixel_size_there_are_no_um(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(result=a_result(pixel_size_um=None, pixel_size_source=None))
    body = owner.get(f"/v1/segmentations/{run.id}/spheroids").json()
    assert body["pixel_size_um"] is None
    assert [item["measures_um"] for item in body["items"]] == [None, None]


def all_numbers(owner: Client, run_id: UUID, limit: int) -> tuple[list[int], int]:
    numbers: list[int] = []
    params: dict[str, str | int] = {"limit": limit}
    pages = 0
    while True:
        body: dict[str, Any] = owner.get(f"/v1/segmentations/{run_id}/spheroids", params=params).json()
        numbers += [item["number"] for item in body["items"]]
        pages += 1
        if body["next_cursor"] is None:
            return numbers, pages
        params["cursor"] = body["next_cursor"]


def test_pages_run_by_number(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(*(a_spheroid(number) for number in (1, 2, 5, 7, 8)))
    assert all_numbers(owner, run.id, 2) == ([1, 2, 5, 7, 8], 3)


def test_a_page_of_long_outlines_is_cut_to_fit_an_answer(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MAX_ANSWER_BYTES", 40_000)
    run = world.a_succeeded_run(*(a_round_spheroid(number, corners=300) for number in range(1, 11)))
    body = owner.get(f"/v1/segmentations/{run.id}/spheroids").content
    assert len(body) <= 41_000
    numbers, pages = all_numbers(owner, run.id, 200)
    assert numbers == list(range(1, 11))
    assert pages > 2


def test_an_outline_longer_than_an_answer_is_still_given(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "MAX_ANSWER_BYTES", 1_000)
    run = world.a_succeeded_run(a_round_spheroid(1, corners=300), a_round_spheroid(2, corners=300))
    assert all_numbers(owner, run.id, 200) == ([1, 2], 2)


@pytest.mark.parametrize("status", [status for status in SegmentationStatus if status != "succeeded"])
@pytest.mark.parametrize("path", ["spheroids", "spheroids.geojson"])
def test_a_run_without_a_result_has_no_spheroids(
    world: World, owner: Client, status: SegmentationStatus, path: str
) -> None:
    run = world.a_run(status=status)
    answer = owner.get(f"/v1/segmentations/{run.id}/{path}")
    assert (answer.status_code, answer.json()["code"]) == (409, "not-finished")


def is_clockwise(ring: list[list[float]]) -> bool:
    return sum((x1 - x0) * (y1 + y0) for (x0, y0), (x1, y1) in pairwise(ring)) > 0


@pytest.mark.parametrize(
    ("path", "headers"), [("spheroids.geojson", {}), ("spheroids", {"Accept": "application/geo+json, */*;q=0.1"})]
)
def test_geojson_is_valid_and_keeps_holes(world: World, owner: Client, path: str, headers: dict[str, str]) -> None:
    run = world.a_succeeded_run(a_spheroid(1), a_round_spheroid(2, corners=40))
    answer = owner.get(f"/v1/segmentations/{run.id}/{path}", headers=headers)
    assert answer.headers["content-type"] == "application/geo+json"
    assert "Accept" in answer.headers["vary"]
    body = answer.json()
    assert body["type"] == "FeatureCollection"
    shapes = [shape(feature["geometry"]) for feature in body["features"]]
    assert all(shapely.is_valid(each) for each in shapes)
    assert shapes[0].area == 84.0
    assert len(shapes[0].interiors) == 1
    for feature in body["features"]:
        exterior, *holes = feature["geometry"]["coordinates"]
        for ring in (exterior, *holes):
            assert ring[0] == ring[-1]
        assert all(is_clockwise(hole) is not is_clockwise(exterior) for hole in holes)


def test_geojson_of_nothing_is_an_empty_collection(world: World, owner: Client) -> None:
    run = world.a_run(status=SegmentationStatus.SUCCEEDED)
    body = owner.get(f"/v1/segmentations/{run.id}/spheroids.geojson").json()
    assert body["features"] == []


@pytest.mark.parametrize("limit", ["MAX_INLINE", "MAX_ANSWER_BYTES"])
def test_geojson_too_large_for_an_answer_is_fetched_from_the_store(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(route, limit, 1)
    run = world.a_succeeded_run()
    answer = owner.get(f"/v1/segmentations/{run.id}/spheroids.geojson")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith(f"https://links.invalid/results/{run.id}/1/outlines.geojson")
    assert answer.headers["cache-control"] == "private, no-store"


def test_brightness_is_told_with_what_follows_from_it_by_both_faces(world: World, owner: Client) -> None:
    bright = Brightness(800.5, 96.25, 540.0, 65_000.0, 801.0, 67_242.0, 230.0)
    run = world.a_succeeded_run(a_spheroid(1, brightness=bright), a_spheroid(2))
    first, second = owner.get(f"/v1/segmentations/{run.id}/spheroids").json()["items"]
    assert second["intensities"] is None
    told = first["intensities"]
    assert (told["intensity_max"], told["intensity_above_local_background"]) == (65_000.0, 570.5)
    assert told["intensity_integrated_above_local_background"] == 67_242.0 - 84 * 230.0
    selection = "intensityMax intensityAboveLocalBackground"
    query = (
        f"query ($id: ID!) {{ segmentation(id: $id) {{ spheroids {{ nodes {{ intensities {{ {selection} }} }} }} }} }}"
    )
    answer = owner.post("/graphql", json={"query": query, "variables": {"id": str(run.id)}}).json()
    nodes = answer["data"]["segmentation"]["spheroids"]["nodes"]
    assert nodes == [
        {"intensities": {"intensityMax": 65_000.0, "intensityAboveLocalBackground": 570.5}},
        {"intensities": None},
    ]
    measured = owner.get(f"/v1/projects/{run.project_id}/measurements", params={"measure": "intensity_mean"}).json()
    assert measured["value"] == [800.5, None]
