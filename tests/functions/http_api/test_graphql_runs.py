"""Many runs, pages of stacks, samples and ends by the graph: what it says is what REST says of the same."""

import pytest

from spheroseg.domain.pages import Pages
from tests.builders import NOW
from tests.functions.http_api.owned import two_runs
from tests.functions.http_api.test_graphql import asked, codes, data
from tests.functions.http_api.test_ownership import names_of
from tests.functions.http_api.world import Client, World

START = """mutation ($p: ID!, $i: RunsInput!) { startRuns(projectId: $p, input: $i, idempotencyKey: "once") {
    id images counts told { imageId outcome } progress { total ended reason } } }"""


def test_runs_are_started_followed_and_cancelled(world: World, owner: Client) -> None:
    project = world.a_project()
    images = [world.an_image(project) for _ in range(3)]
    wanted = {"imageIds": [str(image.id) for image in images[:2]], "priority": 9, "parameters": {"threshold": 0.7}}
    batch = data(owner, START, p=str(project.id), i=wanted)["startRuns"]
    rest = owner.get(f"/v1/batches/{batch['id']}").json()
    assert (batch["images"], batch["counts"]) == (rest["images"], rest["counts"]) == (2, {"started": 2})
    assert batch["progress"] == {key: rest["progress"][key] for key in ("total", "ended", "reason")}
    assert {run.urgency for run in world.segmentations.rows.values()} == {9}
    assert data(owner, START, p=str(project.id), i=wanted)["startRuns"]["id"] == batch["id"], "the same key"
    answer = data(
        owner,
        """mutation ($p: ID!, $b: UUID!) { cancelRuns(projectId: $p, input: {batchId: $b}) { cancelled left }
            retryRuns(projectId: $p, input: {batchId: $b}) { counts } }""",
        p=str(project.id),
        b=batch["id"],
    )
    assert answer["cancelRuns"] == {"cancelled": 2, "left": 0}
    found = data(owner, "query ($id: ID!) { project(id: $id) { progress { total counts } } }", id=str(project.id))
    told = owner.get(f"/v1/projects/{project.id}/runs/progress").json()
    assert found["project"]["progress"] == {"total": told["total"], "counts": told["counts"]}


@pytest.mark.parametrize("wrong", [{"priority": 11}, {"imageIds": []}, {"parameters": {"threshold": 2}}], ids=str)
def test_what_rest_refuses_is_refused_here(world: World, owner: Client, wrong: dict[str, object]) -> None:
    assert codes(asked(owner, START, p=str(world.a_project().id), i=wrong)) == ["invalid-request"]


def test_two_runs_are_compared_alike(world: World, owner: Client) -> None:
    ids = names_of("/v1/segmentations/{segmentation_id}/comparison/{other_id}", two_runs(world))
    first, second = ids["segmentation_id"], ids["other_id"]
    query = """query ($a: ID!, $b: ID!) { segmentation(id: $a) { comparison(other: $b, threshold: 0.6) {
        firstRevision secondRevision threshold matched meanIou lost added pairs { first second iou } } } }"""
    found = data(owner, query, a=first, b=second)["segmentation"]["comparison"]
    rest = owner.get(f"/v1/segmentations/{first}/comparison/{second}?threshold=0.6").json()
    names = {"mean_iou": "meanIou", "first_revision": "firstRevision", "second_revision": "secondRevision"}
    assert found == {names.get(key, key): rest[key] for key in rest if not key.endswith("_id")}
    assert codes(asked(owner, query.replace("0.6", "0.4"), a=first, b=second)) == ["invalid-input"]


def test_pages_of_a_stack_are_run_and_listed(world: World, owner: Client) -> None:
    image = world.an_image(pages=Pages(4))
    query = """mutation ($id: ID!) { requestPages(imageId: $id, input: {pages: "2-3"}) {
        pages { count } items { parameters { page } } } }"""
    runs = data(owner, query, id=str(image.id))["requestPages"]
    assert (runs["pages"]["count"], [run["parameters"]["page"] for run in runs["items"]]) == (4, [2, 3])
    listed = data(
        owner, "query ($id: ID!) { image(id: $id) { segmentations(page: 3) { nodes { uuid } } } }", id=str(image.id)
    )
    rest = owner.get(f"/v1/images/{image.id}/segmentations?page=3").json()["items"]
    assert [node["uuid"] for node in listed["image"]["segmentations"]["nodes"]] == [run["id"] for run in rest]
    assert len(rest) == 1


def test_images_are_described_found_and_deleted(world: World, owner: Client) -> None:
    project = world.a_project()
    images = [world.an_image(project, name=f"P7_{well}.tif") for well in ("A01", "B03")]
    written = data(
        owner,
        r"""mutation ($p: ID!) {
            readNames(projectId: $p, input: {pattern: "(?P<plate>P[0-9])_(?P<well>[A-P][0-9]{2})"}) { matched unmatched }
            takeSamples(projectId: $p, table: "name,condition\nP7_B03.tif,drug\n") { changed } }""",
        p=str(project.id),
    )
    assert written == {"readNames": {"matched": 2, "unmatched": 0}, "takeSamples": {"changed": 1}}
    query = """query ($p: ID!, $f: ImageFilterInput) { project(id: $p) { images(filter: $f) { nodes { name } } } }"""
    for asked_for, names in (
        ({"well": "b3"}, ["P7_B03.tif"]),
        ({"condition": "drug", "sizeFrom": 1}, ["P7_B03.tif"]),
        ({"sort": "NAME", "createdFrom": NOW.isoformat()}, ["P7_A01.tif", "P7_B03.tif"]),
        ({"status": "FAILED"}, []),
    ):
        found = data(owner, query, p=str(project.id), f=asked_for)["project"]["images"]["nodes"]
        assert [node["name"] for node in found] == names, asked_for
    assert codes(asked(owner, query, p=str(project.id), f={"well": "Z99"})) == ["invalid-request"]
    gone = data(
        owner,
        "mutation ($ids: [UUID!]!) { deleteImages(input: {ids: $ids}) { id isDeleted failure { code } } }",
        ids=[str(images[0].id), "00000000-0000-0000-0000-000000000001"],
    )["deleteImages"]
    assert [(each["isDeleted"], each["failure"]) for each in gone] == [
        (True, None),
        (False, {"code": "image-not-found"}),
    ]
    job = data(owner, "mutation ($p: ID!) { deleteProject(projectId: $p) { id status } }", p=str(project.id))
    told = data(owner, "query ($id: UUID!) { job(id: $id) { kind status } }", id=job["deleteProject"]["id"])
    assert told["job"] == {"kind": "DELETE", "status": "QUEUED"}


def test_a_change_of_what_was_not_seen_is_refused(world: World, owner: Client) -> None:
    project = world.a_project()
    query = """mutation ($p: ID!, $v: Int!) { changeProject(projectId: $p, seenVersion: $v, input: {name: "b"}) {
        version } }"""
    assert data(owner, query, p=str(project.id), v=1)["changeProject"] == {"version": 2}
    assert codes(asked(owner, query, p=str(project.id), v=1)) == ["version-mismatch"]
