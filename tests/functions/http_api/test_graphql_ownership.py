"""Every operation of the graph as the owner, an editor, a viewer, somebody who was removed, a stranger and nobody.

The operations come from the schema: the fields of Query and Mutation, and those of its objects that lead elsewhere or
ask a use case. One without a row in `graphql_rows.py` fails, so that none is forgotten.
"""

from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from graphql import GraphQLObjectType

from http_api.graphql.ids import global_id, kind_and_id
from http_api.graphql.schema import schema
from spheroseg.domain.access import Role
from spheroseg.domain.segmentation import SegmentationStatus
from tests.builders import NOW, OWNER, STRANGER
from tests.functions.http_api.graphql_rows import ABSENT, OF_ROWS, OWNED, ROWS, SHARED, Row
from tests.functions.http_api.owned import MEMBER, OTHER, WRITE, give_roles
from tests.functions.http_api.test_graphql import asked, codes
from tests.functions.http_api.world import World


def leads_elsewhere(kind: GraphQLObjectType, name: str) -> bool:
    """Whether a field is more than a value that its object has anyway."""
    definition = kind.fields[name].extensions["strawberry-definition"]
    return definition.base_resolver is not None and name not in {"id", "uuid"}


def test_every_operation_has_a_row() -> None:
    types = schema().graph.type_map
    found = {
        f"{kind}.{name}"
        for kind in OF_ROWS
        for name in types[kind].fields  # type: ignore[attr-defined]
        if leads_elsewhere(types[kind], name)  # type: ignore[arg-type]
    }
    assert found == set(ROWS)


def test_only_what_can_be_reached_by_a_row_asks_use_cases() -> None:
    """Objects that are no nodes hold values alone, or what was read for the node above them."""
    inner = {
        (kind.name, name)
        for kind in schema().graph.type_map.values()
        if isinstance(kind, GraphQLObjectType) and kind.name not in OF_ROWS
        for name, field_ in kind.fields.items()
        if not kind.name.startswith("__") and not kind.name.endswith("Connection") and leads_elsewhere(kind, name)
    }
    of_spheroids = {("Spheroid", name) for name in ("measuresUm", "intensities", "outline")}
    assert inner == {*of_spheroids, ("Comparison", "pairs")}


def made(world: World, name: str) -> dict[str, Any]:
    """The variables that name what the row is about."""
    row = ROWS[name]
    row.prepare(world)
    named = row.owned(world) if row.owned else None
    given = dict(named) if isinstance(named, dict) else {"id": named} if named else {}
    ids = list(given.values())
    camel = {"user_id": "userId", "offer_id": "offerId", "other_id": "otherId"}
    variables = dict(zip(["id", *(camel[name] for name in list(given)[1:])], map(str, ids), strict=False))
    if name == "Query.node":
        variables["id"] = global_id("Project", UUID(variables["id"]))
    return {**variables, **row.variables}


def outcome(answer: httpx.Response, row: Row) -> tuple[list[str], Any]:
    """Codes, and what the operation's field holds."""
    found = answer.json().get("data")
    for part in row.path:
        found = found.get(part) if isinstance(found, dict) else None
    return codes(answer), found


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", ROWS)
def test_a_member_may_do_what_the_role_allows(world: World, name: str, role: Role) -> None:
    row, variables = ROWS[name], made(world, name)
    if role is not Role.OWNER and (name not in SHARED):
        pytest.skip("It is about whoever asks, whatever their roles are")
    if role is not Role.OWNER:
        give_roles(world, role)
    before = world.state()
    answer = asked(world.as_(OWNER if role is Role.OWNER else MEMBER), row.query, **variables)
    found, value = outcome(answer, row)
    expected = row.code(role)
    assert found == ([expected] if expected else []), answer.text
    if expected:
        assert not value
        assert world.state() == before
    assert ("Spheroseg-Position" in answer.headers) is (name.startswith("Mutation") and expected is None)


@pytest.mark.parametrize("person", ["a stranger", "somebody who was removed", "the owner, being deleted"])
@pytest.mark.parametrize("name", OWNED)
def test_to_whoever_has_no_role_it_is_as_if_it_did_not_exist(world: World, name: str, person: str) -> None:
    row, variables = ROWS[name], made(world, name)
    viewer = STRANGER
    if person == "somebody who was removed":
        give_roles(world, Role.EDITOR)
        for project_id in world.projects.rows:
            world.sharing.remove(project_id, MEMBER, NOW)
        viewer = MEMBER
    elif person == "the owner, being deleted":
        if row.outlives:
            pytest.skip("it can still be read, on purpose")
        world.projects.deleted |= set(world.projects.rows)
        viewer = OWNER
    absent = {**variables, "id": ABSENT}
    if name == "Query.node":
        absent["id"] = global_id("Project", UUID(ABSENT))
    before = world.state()
    foreign, missing = (asked(world.as_(viewer), row.query, **given) for given in (variables, absent))
    for answer in (foreign, missing):
        found, value = outcome(answer, row)
        assert not value
        assert [code.endswith("not-found") for code in found] == [True], answer.text

    def told(answer: httpx.Response, id_: str) -> str:
        return answer.text.replace(str(kind_and_id(id_)[1]), "ID")

    assert told(foreign, variables["id"]) == told(missing, absent["id"])
    assert world.state() == before


@pytest.mark.parametrize("name", ROWS)
def test_nobody_is_asked_to_sign_in(world: World, name: str) -> None:
    row, variables = ROWS[name], made(world, name)
    before = world.state()
    answer = asked(world.as_(None), row.query, **variables)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert world.state() == before


@pytest.mark.parametrize("name", [name for name in SHARED if ROWS[name].needs is WRITE])
def test_an_archived_project_is_not_written_to(world: World, name: str) -> None:
    row, variables = ROWS[name], made(world, name)
    for id_, row_ in world.projects.rows.items():
        world.projects.rows[id_] = replace(row_, archived_at=NOW)
    before = world.state()
    answer = asked(world.as_(), row.query, **variables)
    assert codes(answer) == ["project-archived"]
    assert world.state() == before


def test_what_lies_below_a_foreign_object_is_not_reached_through_an_own_one(world: World) -> None:
    """An image whose project was taken away between two reads: the graph goes no further."""
    image = world.an_image()
    run = world.a_run(image, status=SegmentationStatus.QUEUED)
    query = "query ($id: ID!) { segmentation(id: $id) { status image { project { name } } } }"
    assert codes(asked(world.as_(), query, id=str(run.id))) == []
    foreign = world.an_image(world.a_project(owner_id=OTHER))
    world.segmentations.rows[run.id] = replace(run, image_id=foreign.id)
    answer = asked(world.as_(), query, id=str(run.id))
    assert codes(answer) == ["image-not-found"]
    assert "name" not in str(answer.json()["data"])
