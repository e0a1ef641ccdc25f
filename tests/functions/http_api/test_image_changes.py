"""Images renamed, moved, tagged and described, one by one, by a table, by their names."""

from uuid import UUID, uuid4

import pytest

from spheroseg.domain.access import Role
from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import SegmentationStatus, result_prefix
from spheroseg.errors import StorageUnavailableError
from tests.builders import OWNER, STRANGER, a_result
from tests.functions.http_api.world import Client, World

CSV = {"Content-Type": "text/csv"}


def test_fields_are_changed_and_taken_back(world: World, owner: Client) -> None:
    image = world.an_image()
    path = f"/v1/images/{image.id}"
    said = {
        "name": "day 7.tif",
        "tags": [" control ", "control", "b"],
        "plate": "P7",
        "well": "b3",
        "condition": "10 µM",
        "time_point_h": 24,
        "replicate": 2,
        "pixel_size_um": 0.65,
    }
    answer = owner.request("PATCH", path, json=said)
    assert answer.status_code == 200
    expected = {**said, "tags": ["control", "b"], "well": "B03"}
    assert {name: answer.json()[name] for name in expected} == expected
    assert owner.get(path).json() == answer.json()
    cleared = owner.request("PATCH", path, json={"plate": None, "tags": [], "pixel_size_um": None}).json()
    assert (cleared["plate"], cleared["tags"], cleared["pixel_size_um"], cleared["well"]) == (None, [], None, "B03")


@pytest.mark.parametrize(
    "body",
    [
        {"well": "Z99"},
        {"tags": [str(number) for number in range(11)]},
        {"tags": [""]},
        {"replicate": 0},
        {"time_point_h": 1e9},
        {"name": ""},
        {"name": None},
        {"project_id": None},
        {"owner_id": STRANGER},
        {"status": "stored"},
        {"pixel_size_um": 0},
        {"condition": "two\nlines"},
    ],
)
def test_what_cannot_be_said_of_an_image_is_refused(world: World, owner: Client, body: dict[str, object]) -> None:
    image = world.an_image()
    answer = owner.request("PATCH", f"/v1/images/{image.id}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert world.images.get(image.id) == image


def test_an_image_moves_where_its_mover_may_write(world: World, owner: Client) -> None:
    image, target = world.an_image(), world.a_project(owner_id=STRANGER)
    path, body = f"/v1/images/{image.id}", {"project_id": str(target.id)}
    assert owner.request("PATCH", path, json=body).json()["code"] == "project-not-found"
    world.projects.members[target.id, OWNER] = Role.VIEWER
    assert owner.request("PATCH", path, json=body).json()["code"] == "role-too-low"
    world.projects.members[target.id, OWNER] = Role.EDITOR
    assert owner.request("PATCH", path, json=body).json()["project_id"] == str(target.id)
    assert world.images.get(image.id).owner_id == STRANGER, "whoever owns the project pays for what is in it"


def test_micrometres_follow_a_mended_pixel_size(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(result=a_result(spheroid_count=2, pixel_size_um=0.5, written_pixel_size_um=0.5))
    owner.request("PATCH", f"/v1/images/{run.image_id}", json={"pixel_size_um": 2})
    result = owner.get(f"/v1/segmentations/{run.id}").json()["result"]
    assert (result["pixel_size_um"], result["pixel_size_source"], result["files_pixel_size_um"]) == (2, "user", 0.5)
    spheroid = owner.get(f"/v1/segmentations/{run.id}/spheroids").json()["items"][0]
    assert spheroid["measures_um"]["area_um2"] == pytest.approx(4 * spheroid["measures"]["area_px2"])


def test_a_table_describes_many_images(world: World, owner: Client) -> None:
    project = world.a_project()
    first, second = world.an_image(project, name="a.tif"), world.an_image(project, name="b.tif")
    table = f"id,name,well,tags\n{first.id},,a1,x;y\n,b.tif,A2,\n"
    answer = owner.post(f"/v1/projects/{project.id}/images/samples", content=table.encode(), headers=CSV)
    assert (answer.status_code, answer.json()) == (200, {"changed": 2})
    assert (world.images.get(first.id).sample.well, world.images.get(first.id).tags) == ("A01", ("x", "y"))
    assert world.images.get(second.id).sample.well == "A02"


def test_a_wrong_table_changes_nothing_and_tells_where_it_is_wrong(world: World, owner: Client) -> None:
    project = world.a_project()
    world.an_image(project, name="a.tif")
    twins = [world.an_image(project, name="twin.tif") for _ in range(2)]
    foreign = world.an_image(world.a_project(owner_id=STRANGER), name="foreign.tif")
    elsewhere = world.an_image(world.a_project(), name="elsewhere.tif")
    lines = ["a.tif,", "twin.tif,", "absent.tif,", f",{foreign.id}", f",{elsewhere.id}", "a.tif,", f",{twins[0].id}"]
    table = "name,id,well\n" + "".join(f"{line},B1\n" for line in lines)
    before = world.state()
    answer = owner.post(f"/v1/projects/{project.id}/images/samples", content=table.encode(), headers=CSV)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid-table")
    assert [error["field"] for error in problem["errors"]] == [
        "row 3, column name",
        "row 4, column name",
        "row 5, column id",
        "row 6, column id",
        "row 7, column name",
    ]
    assert "2 images have the name" in problem["errors"][0]["detail"]
    assert problem["errors"][1]["detail"] == problem["errors"][2]["detail"] == problem["errors"][3]["detail"]
    assert world.state() == before


def test_bytes_that_are_no_text_are_no_table(world: World, owner: Client) -> None:
    project = world.a_project()
    answer = owner.post(f"/v1/projects/{project.id}/images/samples", content=b"name,well\n\xff,B1\n", headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed-body")


def test_names_are_read_by_a_pattern(world: World, owner: Client) -> None:
    project = world.a_project()
    named = world.an_image(project, name="P7_b03_24h.tif")
    other = world.an_image(project, name="notes.tif")
    path = f"/v1/projects/{project.id}/images/read-names"
    pattern = "(?P<plate>P[0-9]+)_(?P<well>[a-p][0-9]+)_(?P<time_point_h>[0-9]+)h"
    tried = owner.post(path, json={"pattern": pattern, "dry_run": True}).json()
    fields = {"plate": "P7", "well": "B03", "time_point_h": 24.0}
    assert tried == {
        "matched": 1,
        "unmatched": 1,
        "items": [
            {"image_id": str(other.id), "name": "notes.tif", "fields": None},
            {"image_id": str(named.id), "name": "P7_b03_24h.tif", "fields": fields},
        ],
    }
    assert world.images.get(named.id) == named
    assert owner.post(path, json={"pattern": pattern}).json() == tried
    assert world.images.get(named.id) == named.described(fields)
    assert world.images.get(other.id) == other


@pytest.mark.parametrize(
    ("pattern", "code"),
    [("(", "invalid-pattern"), ("(?P<who>a)", "invalid-pattern"), ("(?P<well>[A-Z][0-9]+)", "invalid-sample")],
)
def test_a_pattern_that_tells_nothing_sound_changes_nothing(
    world: World, owner: Client, pattern: str, code: str
) -> None:
    project = world.a_project()
    world.an_image(project, name="good B03.tif")
    world.an_image(project, name="bad Z99.tif")
    before = world.state()
    answer = owner.post(f"/v1/projects/{project.id}/images/read-names", json={"pattern": pattern})
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert world.state() == before


def test_viewers_change_nothing(world: World) -> None:
    image = world.a_run(status=SegmentationStatus.QUEUED)
    world.projects.members[image.project_id, STRANGER] = Role.VIEWER
    stranger = world.as_(STRANGER)
    for answer in (
        stranger.request("PATCH", f"/v1/images/{image.image_id}", json={"tags": ["x"]}),
        stranger.post(f"/v1/projects/{image.project_id}/images/samples", content=b"name\n", headers=CSV),
        stranger.post(f"/v1/projects/{image.project_id}/images/read-names", json={"pattern": "(?P<well>B1)"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "role-too-low")


def test_many_images_are_deleted_and_each_is_told_of(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    world.store.put(result_prefix(run.id, run.attempt) + "labels.tif", b"x", "image/tiff")
    other, kept = world.an_image(), world.an_image()
    foreign = world.an_image(world.a_project(owner_id=STRANGER))
    shared = world.an_image(world.a_project(owner_id=STRANGER))
    world.projects.members[shared.project_id, OWNER] = Role.VIEWER
    absent = uuid4()
    ids = [run.image_id, other.id, foreign.id, shared.id, absent, other.id]
    answer = owner.post("/v1/images/delete", json={"ids": [str(id_) for id_ in ids]})
    assert answer.status_code == 200
    told = {UUID(item["id"]): item["failure"] and item["failure"]["code"] for item in answer.json()["items"]}
    assert told == {
        run.image_id: None,
        other.id: None,
        foreign.id: "image-not-found",
        shared.id: "role-too-low",
        absent: "image-not-found",
    }
    assert set(world.images.rows) == {kept.id, foreign.id, shared.id}
    assert set(world.store.objects) == {original_key(id_) for id_ in (kept.id, foreign.id, shared.id)}
    assert run.id not in world.segmentations.rows


def test_an_image_whose_objects_cannot_be_removed_stays(
    world: World, owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, goes = world.an_image(), world.an_image()
    remove = world.store.delete

    def delete(key: str) -> None:
        if key == original_key(stays.id):
            raise StorageUnavailableError("The object store does not answer")
        remove(key)

    monkeypatch.setattr(world.store, "delete", delete)
    answer = owner.post("/v1/images/delete", json={"ids": [str(stays.id), str(goes.id)]}).json()
    assert [(item["is_deleted"], item["failure"] and item["failure"]["code"]) for item in answer["items"]] == [
        (False, "storage-unavailable"),
        (True, None),
    ]
    assert set(world.images.rows) == {stays.id}


@pytest.mark.parametrize("count", [0, 1001])
def test_between_one_and_a_thousand_are_deleted_at_once(owner: Client, count: int) -> None:
    answer = owner.post("/v1/images/delete", json={"ids": [str(uuid4()) for _ in range(count)]})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
