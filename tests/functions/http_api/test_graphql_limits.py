"""What is refused before anything is validated or run; how quickly is measured in tests/benchmarks."""

from typing import Any

import pytest

from http_api.graphql.limits import MAX_ALIASES, MAX_COST, MAX_TOKENS
from spheroseg.use_cases.read_account import ReadAccount
from spheroseg.use_cases.read_projects import ReadProjects
from tests.functions.http_api.test_graphql import asked, codes
from tests.functions.http_api.world import Client, World

BREADTH = """{ projects(first: 20) { nodes { images(first: 20) { nodes { segmentations(first: 20) { nodes {
    spheroids(first: 20) { nodes { number } } } } } } } } }"""
BY_VARIABLE = """query ($n: Int! = 20) { projects(first: $n) { nodes { images(first: $n) { nodes {
    segmentations(first: $n) { nodes { spheroids(first: $n) { edges { node { number } } } } } } } } } }"""


def deep(levels: int) -> str:
    text = "uuid"
    for level in range(levels):
        text = f"project {{ {text} }}" if level % 2 else f"images(first: 1) {{ nodes {{ {text} }} }}"
    start = text if text.startswith("project") else f"project(id: 1) {{ {text} }}"
    return "{ " + start.replace("project {", "project(id: 1) {", 1) + " }"


def amplified(levels: int) -> str:
    spread = [f"fragment f{n} on Account {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)]
    return " ".join(["{ me { ...f0 } }", *spread, f"fragment f{levels} on Account {{ name }}"])


REFUSED: dict[str, tuple[str, str]] = {
    "breadth": (BREADTH, "query-too-costly"),
    "breadth by a variable's default": (BY_VARIABLE, "query-too-costly"),
    "breadth by fragments": (
        """{ projects(first: 20) { ...p } } fragment p on ProjectConnection { nodes { images(first: 20) { ...i } } }
        fragment i on ImageConnection { nodes { segmentations(first: 20) { nodes { spheroids(first: 20) { ...s } } } } }
        fragment s on SpheroidConnection { nodes { number } }""",
        "query-too-costly",
    ),
    "breadth by default pages": (
        "{ projects { nodes { images { nodes { segmentations { nodes { uuid } } } } } } }",
        "query-too-costly",
    ),
    "a number beyond all numbers": (f"{{ projects(first: {'9' * 50}) {{ nodes {{ uuid }} }} }}", "query-too-costly"),
    "many cheap looks at another service": (
        "{ projects(first: 100) { nodes { images(first: 2) { nodes { arrivedParts { partCount } } } } } }",
        "query-too-costly",
    ),
    "depth 50": (deep(50), "query-too-costly"),
    "depth 8": (deep(7), "query-too-costly"),
    "aliases": ("{ " + " ".join(f"a{n}: __typename" for n in range(300)) + " }", "query-too-large"),
    "aliases in a fragment": (
        "{ me { ...a } } fragment a on Account { " + " ".join(f"a{n}: name" for n in range(MAX_ALIASES + 1)) + " }",
        "query-too-large",
    ),
    "a thousand aliases": ("{ " + " ".join(f"a{n}: me {{ name }}" for n in range(1000)) + " }", "query-too-large"),
    "one field many times": ("{ me { " + "name " * 300 + "} }", "query-too-large"),
    "fragments that grow": (amplified(15), "query-too-large"),
    "many fragments": (
        "{ me { name } } " + " ".join(f"fragment f{n} on Account {{ name }}" for n in range(21)),
        "query-too-large",
    ),
    "a fragment in itself": (
        "{ me { ...a } } fragment a on Account { ...b } fragment b on Account { ...a }",
        "invalid-query",
    ),
    "a fragment of nothing": ("{ me { ...nothing } }", "invalid-query"),
    "many fields at the root": (
        "{ __typename me { name } queue { queued } " + " ".join(f"a{n}: __typename" for n in range(9)) + " }",
        "query-too-large",
    ),
    "many tokens": ("{ me { " + "name " * MAX_TOKENS + "} }", "query-too-large"),
    "many levels of brackets": ("{ me(a: " + "[" * 450 + "]" * 450 + ") { name } }", "query-too-large"),
    "several operations, none named": ("query A { me { name } } query B { me { name } }", "invalid-query"),
    "a subscription": ("subscription { me { name } }", "invalid-query"),
}


@pytest.fixture
def never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise AssertionError("The query was run")

    monkeypatch.setattr(ReadAccount, "__call__", fail)
    monkeypatch.setattr(ReadProjects, "page", fail)
    monkeypatch.setattr(ReadProjects, "one", fail)


@pytest.mark.usefixtures("never_run")
@pytest.mark.parametrize("name", REFUSED)
def test_it_is_not_run(owner: Client, name: str) -> None:
    query, code = REFUSED[name]
    answer = asked(owner, query)
    assert answer.status_code == 400, answer.text
    assert set(codes(answer)) == {code}, answer.text
    assert "data" not in answer.json()


def cost(client: Client, query: str, **variables: Any) -> int:
    answer = asked(client, query, **variables).json()
    assert answer["extensions"]["cost"]["maximum"] == MAX_COST
    found: int = answer["extensions"]["cost"]["requested"]
    return found


def test_the_cost_is_the_product_of_page_sizes(owner: Client) -> None:
    query = "query ($n: Int!, $m: Int!) { projects(first: $n) { nodes { uuid images(first: $m) { nodes { uuid } } } } }"
    assert cost(owner, query, n=3, m=7) == 1 + 3 * (1 + 1 + 7)
    assert cost(owner, query.replace("nodes { uuid }", "edges { node { uuid } }"), n=3, m=7) == 1 + 3 * (1 + 1 + 7)
    assert cost(owner, "{ me { name userId } }") == 1
    assert cost(owner, "{ me { name } also: me { usage { leftBytes } } }") == 3


def test_a_write_costs_as_many_objects_as_are_sent(world: World, owner: Client) -> None:
    query = """mutation ($p: ID!, $i: UploadInput!) { announceImages(projectId: $p, input: $i) { image { uuid } } }"""
    files = [{"name": f"{number}.tif"} for number in range(30)]
    assert cost(owner, query, p=str(world.a_project().id), i={"files": files}) == 30 * (10 + 1)


def test_depth_counts_objects_not_pages(owner: Client) -> None:
    query = "{ projects(first: 1) { edges { node { images(first: 1) { nodes { latestSegmentation { result { ran { model } } } } } } } } }"
    assert asked(owner, query).json()["extensions"]["cost"]["depth"] == 6


def test_of_several_operations_the_named_one_counts(owner: Client) -> None:
    both = {"query": f"query Small {{ me {{ name }} }} query Large {BREADTH}"}
    small = owner.post("/graphql", json={**both, "operationName": "Small"})
    assert small.json()["extensions"]["cost"]["requested"] == 1
    assert codes(owner.post("/graphql", json={**both, "operationName": "Large"})) == ["query-too-costly"]
    assert codes(owner.post("/graphql", json={**both, "operationName": "Other"})) == ["invalid-query"]


def test_validated_queries_are_kept_up_to_a_number(owner: Client, world: World) -> None:
    from http_api.graphql.serving import KEPT_DOCUMENTS, Server

    for number in range(KEPT_DOCUMENTS + 5):
        asked(owner, f"{{ a{number}: __typename }}")
    server: Server = world.app.state.graphql  # type: ignore[attr-defined]
    assert len(server.kept) == KEPT_DOCUMENTS
    assert cost(owner, f"{{ a{KEPT_DOCUMENTS}: __typename }}") == 0
