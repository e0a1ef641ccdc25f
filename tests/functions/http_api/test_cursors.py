"""Cursors of every list, over both faces: good for the list, the filters and the person they were given out for."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from http_api.cursors import CURSOR_MAX_LENGTH, Cursors
from http_api.graphql.schema import schema
from spheroseg.domain.access import Role
from spheroseg.domain.export import ExportStatus
from spheroseg.domain.image_list import ImageKey
from spheroseg.domain.outline_import import ImportStatus
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.errors import InvalidCursorError
from tests.api_document import document_in_full
from tests.builders import NOW, a_spheroid, a_viewer, an_export, an_id, an_import, an_order
from tests.functions.http_api.owned import MEMBER
from tests.functions.http_api.test_graphql import asked, codes
from tests.functions.http_api.world import Client, World


@dataclass(frozen=True)
class Listed:
    """A list in both faces.

    Args:
        path: In REST; ``{id}`` names what the list is below.
        query: In GraphQL, with ``$id``, ``$after`` and, where there are filters, ``{filter}``.
        filters: A choice of filters for REST and the same for GraphQL, which lets every item through.
    """

    path: str
    field: str
    query: str
    filters: tuple[dict[str, Any], str] | None = None


LISTS = {
    "projects": Listed(
        "/v1/projects",
        "Query.projects",
        "query ($after: String) {{ projects(first: 2, after: $after{filter}) {{ nodes {{ uuid }} pageInfo {{ endCursor }} }} }}",
        ({"archived": "false"}, ", filter: {archived: false}"),
    ),
    "images": Listed(
        "/v1/projects/{id}/images",
        "Project.images",
        "query ($id: ID!, $after: String) {{ project(id: $id) {{ images(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid }} pageInfo {{ endCursor }} }} }} }}",
        ({"sort": "name"}, ", filter: {sort: NAME}"),
    ),
    "segmentations": Listed(
        "/v1/images/{id}/segmentations",
        "Image.segmentations",
        "query ($id: ID!, $after: String) {{ image(id: $id) {{ segmentations(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid }} pageInfo {{ endCursor }} }} }} }}",
        ({"page": "1"}, ", page: 1"),
    ),
    "spheroids": Listed(
        "/v1/segmentations/{id}/spheroids",
        "Segmentation.spheroids",
        "query ($id: ID!, $after: String) {{ segmentation(id: $id) {{ spheroids(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid: number }} pageInfo {{ endCursor }} }} }} }}",
    ),
    "exports": Listed(
        "/v1/projects/{id}/exports",
        "Project.exports",
        "query ($id: ID!, $after: String) {{ project(id: $id) {{ exports(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid: id }} pageInfo {{ endCursor }} }} }} }}",
    ),
    "imports": Listed(
        "/v1/projects/{id}/imports",
        "Project.imports",
        "query ($id: ID!, $after: String) {{ project(id: $id) {{ imports(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid: id }} pageInfo {{ endCursor }} }} }} }}",
    ),
    "reviews": Listed(
        "/v1/projects/{id}/reviews",
        "Project.reviews",
        "query ($id: ID!, $after: String) {{ project(id: $id) {{ reviews(first: 2, after: $after{filter}) "
        "{{ nodes {{ uuid: segmentationId }} pageInfo {{ endCursor }} }} }} }}",
        ({"state": "open"}, ", filter: {state: [OPEN]}"),
    ),
}


ELSEWHERE = {
    "/v1/projects/{id}/measurements": "columns; its own tests read it page by page, in the graph too",
    "/v1/admin/users": "the user pool's own cursors, which it checks itself",
}


def add_image(world: World, project: Project, number: int) -> None:
    world.an_image(project, name=f"{number}.png")


def add_export(world: World, project: Project, number: int) -> None:
    world.exports.add(an_export(project, name=str(number), status=ExportStatus.CANCELLED))


def add_import(world: World, project: Project, number: int) -> None:
    world.imports.add(an_import(project, correlation_id=str(number), status=ImportStatus.EXPIRED))


def add_result(world: World, project: Project, number: int) -> None:
    world.a_run(world.an_image(project, name=f"{number}.png"), status=SegmentationStatus.SUCCEEDED)


OF_PROJECT: dict[str, Callable[[World, Project, int], None]] = {
    "images": add_image,
    "exports": add_export,
    "imports": add_import,
    "reviews": add_result,
}


def two_parents(world: World, name: str) -> tuple[str, str]:
    """What a list of three is below, and another such; in projects that a member shares."""
    project, other = world.a_project(), world.a_project()
    ids = [str(project.id), str(other.id)]
    if name == "projects":
        world.a_project()
    elif name in OF_PROJECT:
        for parent in (project, other):
            for number in range(3):
                OF_PROJECT[name](world, parent, number)
    elif name == "segmentations":
        images = [world.an_image(project), world.an_image(other)]
        ids = [str(image.id) for image in images]
        for image in images:
            for number in range(3):
                world.a_run(image, status=SegmentationStatus.QUEUED, order=an_order(model_version=str(number)))
    else:
        found = [a_spheroid(number) for number in (1, 2, 3)]
        ids = [str(world.a_succeeded_run(*found).id) for _ in range(2)]
    for project_id in world.projects.rows:
        world.projects.members[project_id, MEMBER] = Role.VIEWER
    return ids[0], ids[1]


def by_rest(client: Client, name: str, id_: str, cursor: str | None, *, filtered: bool = False) -> Any:
    listed = LISTS[name]
    params = {"limit": "2", **({"cursor": cursor} if cursor is not None else {})}
    if filtered and listed.filters:
        params |= listed.filters[0]
    return client.get(listed.path.format(id=id_), params=params)


def by_graphql(client: Client, name: str, id_: str, cursor: str | None, *, filtered: bool = False) -> Any:
    listed = LISTS[name]
    query = listed.query.format(filter=listed.filters[1] if filtered and listed.filters else "")
    return asked(client, query, id=id_, after=cursor)


def nodes(answer: Any) -> tuple[list[str], str | None]:
    """What a page of the graph holds, and the cursor of its end."""
    found = answer.json()["data"]
    while "nodes" not in found:
        (found,) = found.values()
    return [str(node["uuid"]) for node in found["nodes"]], found["pageInfo"]["endCursor"]


def items(answer: Any) -> tuple[list[str], str | None]:
    body = answer.json()
    names = ("id", "number", "segmentation_id")
    return [str(next(item[name] for name in names if name in item)) for item in body["items"]], body["next_cursor"]


def test_every_list_with_cursors_is_tried_here() -> None:
    paths = document_in_full()["paths"]
    addresses = {
        re.sub(r"\{.*?\}", "{id}", path)
        for path, item in paths.items()
        if any(parameter["name"] == "cursor" for parameter in item.get("get", {}).get("parameters", []))
    }
    assert addresses == {listed.path for listed in LISTS.values()} | set(ELSEWHERE)
    connections = {
        f"{kind.name}.{name}"
        for kind in schema().graph.type_map.values()
        for name, field in getattr(kind, "fields", {}).items()
        if "after" in getattr(field, "args", {})
    }
    elsewhere = {"Query.users", "Project.measurements"}
    assert connections == {listed.field for listed in LISTS.values()} | elsewhere, "likewise"


@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("name", LISTS)
def test_both_faces_go_on_where_the_other_was(world: World, owner: Client, name: str, filtered: bool) -> None:
    id_, _ = two_parents(world, name)
    first, cursor = items(by_rest(owner, name, id_, None, filtered=filtered))
    assert nodes(by_graphql(owner, name, id_, None, filtered=filtered)) == (first, cursor)
    rest, none = items(by_rest(owner, name, id_, cursor, filtered=filtered))
    assert (len(first), len(rest), none) == (2, 1, None)
    assert nodes(by_graphql(owner, name, id_, cursor, filtered=filtered))[0] == rest
    assert not set(first) & set(rest)


@pytest.mark.parametrize("name", LISTS)
def test_a_cursor_is_good_for_its_own_list_and_reader_only(world: World, owner: Client, name: str) -> None:
    id_, other_id = two_parents(world, name)
    cursor = items(by_rest(owner, name, id_, None))[1]
    assert cursor
    member = world.as_(MEMBER)
    wrong: list[tuple[Client, str, str, bool]] = [
        (member, id_, cursor, False),
        (owner, id_, ("A" if cursor[0] != "A" else "B") + cursor[1:], False),
        (owner, id_, cursor[:-4], False),
        (owner, id_, cursor + "AAAA", False),
        (owner, id_, "", False),
        (owner, id_, "é", False),
        (owner, id_, "A" * CURSOR_MAX_LENGTH, False),
    ]
    if name != "projects":
        wrong.append((owner, other_id, cursor, False))
    if LISTS[name].filters:
        wrong.append((owner, id_, cursor, True))
    for client, of, given, filtered in wrong:
        answer = by_rest(client, name, of, given, filtered=filtered)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid-cursor"), given
        assert codes(by_graphql(client, name, of, given, filtered=filtered)) == ["invalid-cursor"], given
    assert by_rest(member, name, id_, None).status_code == 200


def test_a_cursor_of_one_kind_of_list_is_none_of_another(world: World, owner: Client) -> None:
    project = world.a_project()
    for _ in range(3):
        world.an_image(project)
        world.a_project()
    of_projects, of_images = (items(by_rest(owner, name, str(project.id), None))[1] for name in ("projects", "images"))
    for name, cursor in (("projects", of_images), ("images", of_projects)):
        assert by_rest(owner, name, str(project.id), cursor).json()["code"] == "invalid-cursor"


def test_what_a_cursor_holds_comes_back_as_it_was() -> None:
    cursors = Cursors(lambda: b"one").of_list(a_viewer(), "list")
    key = PageKey(NOW, an_id())
    assert cursors.page_key(cursors.of(key)) == key
    for value in (NOW, "žluť\U0001f600", 7, -1):
        assert cursors.image_key(cursors.of(ImageKey(value, key.id))) == ImageKey(value, key.id)
    assert cursors.number(cursors.of(12)) == 12
    assert (cursors.page_key(None), cursors.number(None), cursors.following(None)) == (None, 0, None)


def test_another_secret_gives_other_cursors() -> None:
    one, other = (Cursors(lambda secret=secret: secret).of_list(a_viewer(), "list") for secret in (b"one", b"other"))  # type: ignore[misc]
    with pytest.raises(InvalidCursorError):
        other.number(one.of(7))
