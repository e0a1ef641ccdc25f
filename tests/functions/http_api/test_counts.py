"""How many spheroids a run has: after a correction every face tells the newest revision's number."""

from spheroseg.domain.viewer import Viewer
from spheroseg.messages import SegmentationChanged
from tests.builders import NOW, OWNER, a_result, a_spheroid
from tests.functions.http_api.world import Client, World

SQUARE = {"exterior": [[100, 100], [104, 100], [104, 104], [100, 104]]}

GRAPH = """query ($run: ID!, $project: ID!) {
    segmentation(id: $run) { result { spheroidCount foundCount } spheroids { nodes { number } }
        revisions { spheroidCount } }
    project(id: $project) { statistics { spheroids }
        images { nodes { latestSegmentation { result { spheroidCount foundCount } } } } } }"""


def test_every_face_tells_the_newest_revisions_count(world: World, owner: Client) -> None:
    run = world.a_succeeded_run(a_spheroid(1), a_spheroid(2), a_spheroid(3), result=a_result(3))
    path, project = f"/v1/segmentations/{run.id}", f"/v1/projects/{run.project_id}"

    def counts() -> tuple[set[int], set[int]]:
        """What is told to be there now, and to have been found."""
        one = owner.get(path).json()["result"]
        listed = owner.get(f"/v1/images/{run.image_id}/segmentations").json()["items"][0]["result"]
        of_image = owner.get(f"/v1/images/{run.image_id}").json()["segmentation"]["result"]
        (in_list,) = [item["segmentation"]["result"] for item in owner.get(f"{project}/images").json()["items"]]
        page = owner.get(f"{path}/spheroids").json()
        query = {"query": GRAPH, "variables": {"run": str(run.id), "project": str(run.project_id)}}
        graph = owner.post("/graphql", json=query).json()["data"]
        in_graph = graph["segmentation"]["result"]
        (latest,) = [node["latestSegmentation"]["result"] for node in graph["project"]["images"]["nodes"]]
        stored = world.segmentations.get(run.id)
        told = {
            *(result["spheroid_count"] for result in (one, listed, of_image, in_list)),
            page["spheroid_count"],
            len(page["items"]),
            in_graph["spheroidCount"],
            latest["spheroidCount"],
            len(graph["segmentation"]["spheroids"]["nodes"]),
            *(node["spheroidCount"] for node in graph["segmentation"]["revisions"][:1]),
            owner.get(f"{project}/statistics").json()["spheroids"],
            graph["project"]["statistics"]["spheroids"],
            len(owner.get(f"{project}/measurements").json()["value"]),
            SegmentationChanged.of(stored, NOW).spheroid_count,
            world.revisions.head(Viewer(OWNER), run.id).item.spheroid_count,
        }
        found = {
            *(result["found_count"] for result in (one, listed, of_image, in_list)),
            in_graph["foundCount"],
            latest["foundCount"],
        }
        return told, found

    assert counts() == ({3}, {3})
    removed = {"base": 0, "operations": [{"kind": "delete", "numbers": [1, 2]}]}
    assert owner.post(f"{path}/revisions", json=removed).status_code == 201
    assert counts() == ({1}, {3})
    added = {"base": 1, "operations": [{"kind": "add", "polygons": [SQUARE]}]}
    assert owner.post(f"{path}/revisions", json=added).status_code == 201
    assert counts() == ({2}, {3})
    assert owner.post(f"{path}/revisions/0/restore", json={"base": 2}).status_code == 201
    assert counts() == ({3}, {3})
