"""Review over HTTP and in the graph: the worklist, decisions at a revision, figures."""

from dataclasses import replace
from uuid import UUID, uuid4

from spheroseg.domain.access import Role
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from tests.builders import OWNER, STRANGER, a_moment
from tests.functions.http_api.world import World

COLLEAGUE = "colleague"


def decided(world: World, run_id: UUID, verdict: str, who: str = OWNER, **body: object) -> int:
    body = {"revision": 0, "verdict": verdict, **body}
    return world.as_(who).post(f"/v1/segmentations/{run_id}/decisions", json=body).status_code


def reviewed(world: World) -> tuple[Project, list[UUID]]:
    """A project with three results, the first of which a colleague may decide on as well."""
    project = world.a_project()
    world.projects.members[project.id, COLLEAGUE] = Role.EDITOR
    runs = []
    for _ in range(3):
        template = world.a_succeeded_run()
        run = world.a_run(
            world.an_image(project), *world.segmentations.found[template.id], status=SegmentationStatus.SUCCEEDED
        )
        runs.append(run.id)
    return project, runs


def test_the_worklist_goes_page_by_page_and_is_filtered(world: World) -> None:
    project, runs = reviewed(world)
    assert decided(world, runs[0], "accept", note="fine") == 201
    assert decided(world, runs[1], "reject") == 201
    address = f"/v1/projects/{project.id}/reviews"
    first = world.as_().get(address, params={"limit": 2}).json()
    second = world.as_().get(address, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    items = [*first["items"], *second["items"]]
    assert second["next_cursor"] is None
    assert {item["segmentation_id"]: item["state"] for item in items} == {
        str(runs[0]): "accepted",
        str(runs[1]): "rejected",
        str(runs[2]): "open",
    }
    accepted = next(item for item in items if item["state"] == "accepted")
    assert (accepted["reasons"], accepted["confidence"]) == (["low-confidence", "edge-contact"], 0.8125)
    assert (accepted["decision"]["note"], accepted["decision"]["reviewer_id"]) == ("fine", OWNER)
    assert accepted["decision"]["agreement"]["foreground_iou"] == 1.0
    done = world.as_().get(address, params={"state": ["accepted", "rejected"], "flag": "edge-contact"}).json()
    assert {item["state"] for item in done["items"]} == {"accepted", "rejected"}
    assert world.as_().get(address, params={"flag": "blur"}).json()["items"] == []
    other = world.as_().get(address, params={"state": "open", "cursor": first["next_cursor"]})
    assert (other.status_code, other.json()["code"]) == (422, "invalid-cursor")
    assert world.as_().get(address, params={"state": "done"}).status_code == 422


def test_who_decides_on_what_is_not_the_newest_learns_what_changed(world: World) -> None:
    _, [run_id, *_] = reviewed(world)
    run = world.segmentations.rows[run_id]
    world.edited(run)
    stale = world.as_().post(f"/v1/segmentations/{run_id}/decisions", json={"revision": 0, "verdict": "accept"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale-revision")
    assert (stale.json()["newest_revision"], stale.json()["later"][0]["removed"]) == (1, [1])
    assert decided(world, run_id, "accept", revision=2) == 404
    assert decided(world, run_id, "accept", revision=1) == 201
    newer = replace(run, id=uuid4(), queued_at=a_moment())
    world.segmentations.rows[newer.id] = newer
    gone = world.as_().post(f"/v1/segmentations/{run_id}/decisions", json={"revision": 1, "verdict": "reject"})
    assert (gone.status_code, gone.json()["code"], gone.json()["newest_run"]) == (
        409,
        "result-superseded",
        str(newer.id),
    )
    history = world.as_().get(f"/v1/segmentations/{run_id}/decisions").json()["items"]
    assert [(one["number"], one["revision"], one["state"]) for one in history] == [(1, 1, "corrected")]
    assert (history[0]["agreement"]["deleted"], history[0]["agreement"]["matched"]) == (1, 1)


def test_what_comes_twice_is_there_once_and_others_are_kept_beside_it(world: World) -> None:
    _, [run_id, *_] = reviewed(world)
    assert [decided(world, run_id, "accept") for _ in range(2)] == [201, 201]
    assert decided(world, run_id, "reject", COLLEAGUE, note="cut off") == 201
    assert decided(world, run_id, "accept", STRANGER) == 404
    history = world.as_().get(f"/v1/segmentations/{run_id}/decisions", params={"limit": 1}).json()
    assert [(one["reviewer_id"], one["state"]) for one in history["items"]] == [(COLLEAGUE, "rejected")]
    assert history["next_before"] == 2
    assert decided(world, run_id, "accept", note="x" * 501) == 422


def test_both_faces_tell_the_same_figures(world: World) -> None:
    project, runs = reviewed(world)
    for run_id in runs[:2]:
        decided(world, run_id, "accept")
        decided(world, run_id, "accept" if run_id == runs[0] else "reject", COLLEAGUE)
    told = world.as_().get(f"/v1/projects/{project.id}/reviews/figures").json()
    assert told["results"] == {
        "open": 1,
        "accepted": 1,
        "corrected": 0,
        "rejected": 1,
        "accepted_share": 0.5,
        "corrected_share": 0.0,
        "rejected_share": 0.5,
    }
    [pair] = told["reviewers"]
    assert (pair["decided"], pair["raw_agreement"], pair["kappa"]) == (2, 0.5, 0.0)
    assert told["outlines"]["foreground_iou_median"] == 1.0
    query = """query ($id: ID!) { project(id: $id) {
        reviews(first: 2, filter: {state: [OPEN, ACCEPTED]}) {
            nodes { state imageName reasons decision { verdict } } pageInfo { hasNextPage } }
        reviewFigures { results { open acceptedShare } reviewers { kappa rawAgreement } outlines { matched } } } }"""
    answer = world.as_().post("/graphql", json={"query": query, "variables": {"id": str(project.id)}}).json()
    graph = answer["data"]["project"]
    assert graph["reviewFigures"]["reviewers"] == [{"kappa": 0.0, "rawAgreement": 0.5}]
    assert graph["reviewFigures"]["results"] == {"open": 1, "acceptedShare": 0.5}
    assert {node["state"] for node in graph["reviews"]["nodes"]} == {"OPEN", "ACCEPTED"}
    assert graph["reviews"]["pageInfo"] == {"hasNextPage": False}
