from dataclasses import replace

import pytest

from spheroseg.domain.sample import Sample
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
