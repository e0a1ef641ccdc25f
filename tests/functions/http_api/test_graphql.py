"""The graph: its schema as a file, its answers beside those of REST, its errors."""

import json
from hashlib import sha256
from typing import Any

import httpx
import pytest
from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, get_named_type

from http_api.graphql.costs import costs_of
from http_api.graphql.known_queries import FOLDER, known_queries
from http_api.graphql.outlines import svg_path
from http_api.graphql.schema import DOCUMENT, printed, schema
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import DatabaseUnavailableError
from spheroseg.use_cases.create_project import CreateProject
from spheroseg.use_cases.read_account import ReadAccount
from tests.builders import a_spheroid
from tests.functions.http_api.world import Client, World


def asked(client: Client, query: str, **variables: Any) -> httpx.Response:
    return client.post("/graphql", json={"query": query, "variables": variables})


def data(client: Client, query: str, **variables: Any) -> Any:
    answer = asked(client, query, **variables)
    assert answer.status_code == 200, answer.text
    assert "errors" not in answer.json(), answer.text
    return answer.json()["data"]


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json().get("errors", [])]


def own_types() -> list[GraphQLObjectType]:
    kinds = schema().graph.type_map.values()
    return [kind for kind in kinds if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")]


def test_the_reviewed_schema_is_what_the_code_says() -> None:
    assert printed() == DOCUMENT.read_bytes(), "Run `python -m http_api` and review the change of schema.graphql"


def test_every_type_field_and_argument_is_described() -> None:
    for kind in own_types():
        assert kind.description, kind.name
        for name, field in kind.fields.items():
            assert field.description or kind.name.startswith("Measures"), f"{kind.name}.{name}"
            for argument, details in field.args.items():
                assert details.description, f"{kind.name}.{name}({argument})"


def test_every_list_of_objects_that_may_be_long_says_how_long() -> None:
    """A list below an object that is small by nature is counted as the longest page; one that is not must say more."""
    connections = {kind.name for kind in own_types() if kind.name.endswith("Connection")}
    for kind in own_types():
        for name, field in kind.fields.items():
            is_connection = get_named_type(field.type).name in connections
            inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
            if is_connection or (isinstance(inner, GraphQLList) and kind.name in {"Query", "Mutation"}):
                size = costs_of(field).size
                assert size is not None, f"{kind.name}.{name}"
                assert (size.slicing_argument in field.args) is (size.slicing_argument is not None)


def test_what_has_an_id_is_a_node() -> None:
    nodes = {kind.name for kind in own_types() if [each.name for each in kind.interfaces] == ["Node"]}
    assert nodes == {"Project", "Image", "Segmentation"}


def test_geometry_is_never_nested() -> None:
    assert not {"Polygon", "Point"} & set(schema().graph.type_map)


def test_an_outline_is_an_svg_path_of_relative_steps() -> None:
    assert svg_path(a_spheroid().polygons) == "M20 30h10v10h-10zM23 33v4h4v-4z"
    slanted = Polygon(exterior=((0.0, 0.0), (2.0, 1.0), (2.5, 3.0), (1.0, 3.0)))
    assert svg_path([slanted]) == "M0 0l2 1L2.5 3.0L1 3z".replace("3.0", "3")


def test_a_query_says_what_rest_says(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    image_id = run.image_id
    rest_image = owner.get(f"/v1/images/{image_id}").json()
    rest_run = owner.get(f"/v1/segmentations/{run.id}").json()
    rest_spheroids = owner.get(f"/v1/segmentations/{run.id}/spheroids").json()
    found = data(
        owner,
        """query ($id: ID!) { image(id: $id) {
            uuid name status sizeBytes createdAt project { name role } segmentationCount
            latestSegmentation { uuid status result { spheroidCount ran { sha256 } } links { labels outlines preview }
                spheroids { nodes { number confidence measures { areaPx2 } measuresUm outline } } } } }""",
        id=str(image_id),
    )["image"]
    assert found["uuid"] == rest_image["id"]
    assert found["name"] == rest_image["name"]
    assert found["sizeBytes"] == rest_image["size_bytes"]
    assert found["createdAt"].replace("+00:00", "Z") == rest_image["created_at"]
    assert found["status"].lower() == rest_image["status"]
    assert found["project"] == {"name": "Day 7", "role": "OWNER"}
    assert found["segmentationCount"] == 1
    latest = found["latestSegmentation"]
    assert latest["links"] == rest_run["links"]
    assert latest["result"]["ran"]["sha256"] == rest_run["result"]["ran"]["sha256"]
    for node, item in zip(latest["spheroids"]["nodes"], rest_spheroids["items"], strict=True):
        assert (node["number"], node["confidence"]) == (item["number"], item["confidence"])
        assert node["measures"]["areaPx2"] == item["measures"]["area_px2"]
        assert node["measuresUm"] == item["measures_um"]
        assert node["outline"].startswith("M20 30")


def test_a_list_is_read_page_by_page(world: World, owner: Client) -> None:
    project = world.a_project()
    names = [world.an_image(project, name=f"{number}.tif").name for number in range(5)][::-1]
    query = """query ($id: ID!, $after: String) { project(id: $id) { imageCounts { total stored }
        images(first: 2, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage endCursor } } } }"""
    seen, after = [], None
    for _ in range(3):
        found = data(owner, query, id=str(project.id), after=after)["project"]
        assert found["imageCounts"] == {"total": 5, "stored": 5}
        seen += [edge["node"]["name"] for edge in found["images"]["edges"]]
        info = found["images"]["pageInfo"]
        assert info["endCursor"] == found["images"]["edges"][-1]["cursor"]
        after = info["endCursor"]
    assert seen == names
    assert info["hasNextPage"] is False


def test_projects_have_the_cursors_of_rest(world: World, owner: Client) -> None:
    projects = [world.a_project(name=f"Day {number}") for number in range(3)]
    query = "query ($after: String) { projects(first: 2, after: $after) { nodes { name } pageInfo { endCursor } } }"
    cursor = owner.get("/v1/projects?limit=2").json()["next_cursor"]
    assert data(owner, query)["projects"]["pageInfo"]["endCursor"] == cursor
    assert data(owner, query, after=cursor)["projects"]["nodes"] == [{"name": projects[0].name}]


def test_a_node_is_found_by_its_id_and_its_plain_one(world: World, owner: Client) -> None:
    run = world.a_run(world.an_image(), status=SegmentationStatus.QUEUED)
    ids = data(owner, "query ($id: ID!) { segmentation(id: $id) { id image { id } } }", id=str(run.id))["segmentation"]
    found = data(
        owner,
        "query ($a: ID!, $b: ID!) { a: node(id: $a) { id ... on Segmentation { status } } b: node(id: $b) { uuid } }",
        a=ids["id"],
        b=ids["image"]["id"],
    )
    assert found["a"] == {"id": ids["id"], "status": "QUEUED"}
    assert found["b"] == {"uuid": str(run.image_id)}
    wrong = asked(owner, "query ($id: ID!) { image(id: $id) { id } }", id=ids["id"])
    assert (wrong.json()["data"], codes(wrong)) == ({"image": None}, ["image-not-found"])


def test_a_write_gives_its_position_and_is_seen_below_it(world: World, owner: Client) -> None:
    answer = asked(
        owner,
        """mutation ($p: ProjectInput!) { createProject(input: $p) { uuid pixelSizeUm images { nodes { id } } }
            changeProfile(input: {name: "Ada"}) { name usage { quotaBytes } } }""",
        p={"name": "Day 7", "pixelSizeUm": 0.65},
    )
    assert answer.headers["Spheroseg-Position"] == world.position
    made = answer.json()["data"]["createProject"]
    assert (made["pixelSizeUm"], made["images"]) == (0.65, {"nodes": []})
    assert answer.json()["data"]["changeProfile"] == {"name": "Ada", "usage": {"quotaBytes": 10 * 2**30}}
    assert "Spheroseg-Position" not in asked(owner, "{ me { name } }").headers


def test_files_are_announced_with_forms_and_parts(world: World, owner: Client) -> None:
    project = world.a_project()
    made = data(
        owner,
        """mutation ($p: ID!, $i: UploadInput!) { announceImages(projectId: $p, input: $i) {
            image { name sizeBytes status } upload { url fields } parts { partCount } } }""",
        p=str(project.id),
        i={"files": [{"name": "a.tif"}, {"name": "b.tif", "sizeBytes": 3_000_000_000}], "priority": "HIGH"},
    )["announceImages"]
    assert [each["image"]["sizeBytes"] for each in made] == [None, 3_000_000_000]
    assert made[0]["upload"]["fields"]
    assert made[0]["parts"] is None
    assert made[1]["upload"] is None
    assert made[1]["parts"]["partCount"] > 1
    assert {image.order.priority for image in world.images.rows.values()} == {"high"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ('mutation { createProject(input: {name: ""}) { id } }', "invalid-request"),
        ("{ projects(first: 201) { nodes { id } } }", "invalid-input"),
        ("{ projects(first: 0) { nodes { id } } }", "invalid-input"),
        ('{ projects(after: "nonsense") { nodes { id } } }', "invalid-cursor"),
        ('{ image(id: "nonsense") { id } }', "invalid-input"),
        ('{ node(id: "0198c0de-0000-7000-8000-000000000001") { id } }', "not-found"),
        ('{ model(name: "nonsense") { name } }', "model-not-found"),
        (
            'mutation { cancelSegmentation(segmentationId: "0198c0de-0000-7000-8000-000000000001") { id } }',
            "segmentation-not-found",
        ),
    ],
)
def test_a_part_that_fails_has_the_code_of_rest(owner: Client, query: str, code: str) -> None:
    answer = asked(owner, query)
    assert (answer.status_code, codes(answer)) == (200, [code])
    assert answer.json()["errors"][0]["path"]


def test_each_wrong_field_is_listed(owner: Client) -> None:
    answer = asked(owner, 'mutation { createProject(input: {name: "", pixelSizeUm: 5000}) { id } }')
    listed = answer.json()["errors"][0]["extensions"]["errors"]
    assert [each["field"] for each in listed] == ["name", "pixel_size_um"]


def test_what_fails_leaves_the_rest(world: World, owner: Client) -> None:
    project = world.a_project()
    answer = asked(owner, "query ($id: ID!) { project(id: $id) { name } image(id: $id) { id } }", id=str(project.id))
    assert answer.json()["data"] == {"project": {"name": project.name}, "image": None}


def raising(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_a_defect_is_logged_and_not_told(world: World, owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = RuntimeError("password 1234")
    monkeypatch.setattr(ReadAccount, "__call__", raising(secret))
    answer = asked(owner, "{ me { name } queue { queued } }")
    assert (answer.status_code, codes(answer)) == (500, ["internal"])
    assert "1234" not in answer.text
    assert world.answered[-1].error is secret


def test_what_is_down_is_said_with_its_status(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CreateProject, "__call__", raising(DatabaseUnavailableError("The database does not answer")))
    answer = asked(owner, 'mutation { createProject(input: {name: "a"}) { id } }')
    assert (answer.status_code, codes(answer)) == (503, ["database-unavailable"])
    assert answer.headers["Retry-After"]


def test_a_query_of_the_release_is_named_by_its_hash(world: World, owner: Client) -> None:
    text = (FOLDER / "account.graphql").read_bytes()
    digest = sha256(text).hexdigest()
    by_hash = {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
    assert owner.post("/graphql", json=by_hash).json() == asked(owner, text.decode()).json()
    mixed = owner.post("/graphql", json={"query": "{ me { name } }", **by_hash})
    assert (mixed.status_code, codes(mixed)) == (400, ["unknown-query"])
    by_hash["extensions"]["persistedQuery"]["sha256Hash"] = "0" * 64
    assert codes(owner.post("/graphql", json=by_hash)) == ["unknown-query"]


def test_queries_of_the_release_fit_the_schema_and_the_limits(world: World, owner: Client) -> None:
    run = world.a_succeeded_run()
    ids = {"project": str(run.project_id), "segmentation": str(run.id)}
    assert len(known_queries()) == len(list(FOLDER.glob("*.graphql"))) >= 3
    for digest in known_queries():
        answer = owner.post(
            "/graphql", json={"variables": ids, "extensions": {"persistedQuery": {"sha256Hash": digest}}}
        )
        assert answer.status_code == 200, answer.text


def test_the_schema_is_described_where_that_is_on(owner: Client) -> None:
    query = "{ __schema { types { name } } }"
    refused = asked(owner, query)
    assert (refused.status_code, codes(refused)) == (400, ["introspection-off"])
    assert "Did you mean" not in asked(owner, "{ project(id: 1) { nam } }").text
    open_owner = World(introspection=True).as_()
    assert {"name": "Image"} in data(open_owner, query)["__schema"]["types"]
    assert data(owner, "{ __typename }") == {"__typename": "Query"}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed-body"),
        (b'[{"query": "{ me { name } }"}]', 422, "invalid-request"),
        (json.dumps({"query": "x" * 20_001}).encode(), 422, "invalid-request"),
        (b'{"query": "{ me { name } }", "variables": []}', 422, "invalid-request"),
    ],
)
def test_a_body_that_is_no_query_is_a_problem(owner: Client, content: bytes, status: int, code: str) -> None:
    answer = owner.post("/graphql", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_queries_are_posted(owner: Client) -> None:
    assert owner.get("/graphql?query={me{name}}").status_code == 405
