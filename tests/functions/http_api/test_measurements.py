from dataclasses import replace
from typing import Any

import pytest

from spheroseg.domain.sample import Sample
from spheroseg.domain.spheroid import Brightness
from tests.builders import a_spheroid
from tests.functions.http_api.world import Client, World


def test_measurements_come_by_columns_with_what_the_images_show(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    image = world.images.rows[run.image_id]
    world.images.rows[image.id] = replace(image, sample=Sample("P1", "B03", "10 µM", 24.0, 2))
    world.segmentations.found[run.id] = [a_spheroid(2), a_spheroid(5)]
    path = f"/v1/projects/{run.project_id}/measurements"
    said = owner.get(path).json()
    assert said["measure"] == "equivalent_diameter_px"
    assert said["images"] == [
        {
            "id": str(image.id),
            "name": image.name,
            "plate": "P1",
            "well": "B03",
            "condition": "10 µM",
            "time_point_h": 24.0,
            "replicate": 2,
            "segmentation_id": str(run.id),
            "revision": 0,
            "pixel_size_um": run.result.pixel_size_um if run.result else None,
        }
    ]
    assert (said["image"], said["number"], said["next_cursor"]) == ([0, 0], [2, 5], None)
    assert said["value"] == [a_spheroid().measures.equivalent_diameter_px] * 2
    assert said["touches_edge"] == [a_spheroid().touches_edge] * 2
    assert said["brightness_due_since"] is None


def test_brightness_that_waits_is_told_from_what_cannot_be_measured(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    bright = Brightness(1.0, 0.5, 0.0, 2.0, 1.0, 84.0, None)
    due = replace(a_spheroid(1), brightness_due_since=3)
    world.segmentations.found[run.id] = [due, replace(a_spheroid(2), brightness=bright), a_spheroid(3)]
    said = owner.get(f"/v1/projects/{run.project_id}/measurements?measure=intensity_mean").json()
    assert [value is None for value in said["value"]] == [True, False, True]
    assert said["brightness_due_since"] == [3, None, None]


def test_pages_go_on_within_an_image_and_only_for_the_same_measure(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    world.segmentations.found[run.id] = [a_spheroid(number) for number in (1, 2, 3)]
    path = f"/v1/projects/{run.project_id}/measurements?limit=2"
    first = owner.get(path).json()
    second = owner.get(f"{path}&cursor={first['next_cursor']}").json()
    assert (first["number"], second["number"], second["next_cursor"]) == ([1, 2], [3], None)
    other = owner.get(f"{path}&measure=circularity&cursor={first['next_cursor']}")
    assert (other.status_code, other.json()["code"]) == (422, "invalid-cursor")


@pytest.mark.parametrize(("measure", "power"), [("area_um2", 2), ("perimeter_um", 1), ("sphere_volume_um3", 3)])
def test_micrometres_follow_from_the_runs_pixel_size(world: World, owner: Client, measure: str, power: int) -> None:
    run = world.a_succeeded_run(a_spheroid())
    assert run.result is not None
    path = f"/v1/projects/{run.project_id}/measurements?measure={measure}"
    for size in (0.5, None):
        world.segmentations.rows[run.id] = replace(run, result=replace(run.result, pixel_size_um=size))
        (value,) = owner.get(path).json()["value"]
        stored = getattr(a_spheroid().measures, measure.replace("_um", "_px"))
        assert value == (None if size is None else pytest.approx(stored * size**power))


@pytest.mark.parametrize(
    "measure", ["weight", "circularity_um", "area_um", "area_px2; DROP TABLE images", "__class__", ""]
)
def test_what_is_no_measure_is_refused(world: World, owner: Client, measure: str) -> None:
    run = world.a_succeeded_run()
    answer = owner.get(f"/v1/projects/{run.project_id}/measurements", params={"measure": measure})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-question")


GRAPH = """query ($id: ID!, $measure: String!, $first: Int!, $after: String) { project(id: $id) {
    measurements(measure: $measure, first: $first, after: $after) {
        measure image number touchesEdge value brightnessDueSince nextCursor
        images { id name plate well condition timePointH replicate segmentationId revision pixelSizeUm } } } }"""


def asked(client: Client, **variables: object) -> dict[str, Any]:
    answer: dict[str, Any] = client.post("/graphql", json={"query": GRAPH, "variables": variables}).json()
    return answer


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def test_the_graph_gives_the_same_columns_page_by_page(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    world.segmentations.found[run.id] = [a_spheroid(number) for number in (1, 2, 3)]
    path = f"/v1/projects/{run.project_id}/measurements?measure=area_um2&limit=2"
    rest = owner.get(path).json()
    answer = asked(owner, id=str(run.project_id), measure="area_um2", first=2)
    found = answer["data"]["project"]["measurements"]
    assert found == {
        **{camel(name): value for name, value in rest.items()},
        "images": [{camel(name): value for name, value in image.items()} for image in rest["images"]],
    }
    last = asked(owner, id=str(run.project_id), measure="area_um2", first=2, after=found["nextCursor"])
    assert last["data"]["project"]["measurements"]["number"] == [3]
    assert owner.get(f"{path}&cursor={found['nextCursor']}").json()["number"] == [3], "cursors are those of REST"
    assert (
        answer["extensions"]["cost"]["requested"]
        < asked(owner, id=str(run.project_id), measure="area_um2", first=99)["extensions"]["cost"]["requested"]
    )


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"measure": "beauty", "first": 5}, "invalid-question"),
        ({"measure": "area_px2", "first": 0}, "invalid-input"),
        ({"measure": "area_px2", "first": 5, "after": "made-up"}, "invalid-cursor"),
        ({"measure": "area_px2", "first": 9_999}, "query-too-costly"),
    ],
)
def test_the_graph_refuses_what_rest_refuses(
    world: World, owner: Client, variables: dict[str, object], code: str
) -> None:
    run = world.a_succeeded_run()
    answer = asked(owner, id=str(run.project_id), **variables)
    assert [error["extensions"]["code"] for error in answer["errors"]] == [code]
