"""Every operation of the graph as the owner, an editor, a viewer, somebody who was removed, a stranger and nobody.

The operations come from the schema: the fields of Query and Mutation, and those of its objects that lead elsewhere or
ask a use case. One without a row here fails, so that none is forgotten.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx
import pytest
from graphql import GraphQLObjectType

from http_api.graphql.ids import global_id, kind_and_id
from http_api.graphql.schema import schema
from spheroseg.domain.access import ALLOWED, Action, Role
from spheroseg.domain.segmentation import SegmentationStatus
from tests.builders import NOW, OWNER, STRANGER
from tests.functions.http_api import test_ownership as rest
from tests.functions.http_api.test_graphql import asked, codes
from tests.functions.http_api.test_ownership import MANAGE, MEMBER, OTHER, WRITE, Named, give_roles
from tests.functions.http_api.world import World

NODES = ("Project", "Image", "Segmentation", "Account", "Batch")
OF_ROWS = ("Query", "Mutation", *NODES, "Revision")
"""Kinds whose fields are asked for in rows."""
ABSENT = "0198c0de-0000-7000-8000-00000000dead"


@dataclass(frozen=True)
class Row:
    """How an operation is asked for.

    Args:
        query: With the first name of ``owned`` as ``$id``, and the others by their names.
        path: Where in the data the operation's field is.
        owned: Makes what is named; None where nothing of anybody's is named.
        needs: What the role must allow.
        variables: Besides the ids.
        fails: Codes for some roles that differ from what ``needs`` says.
    """

    query: str
    path: tuple[str, ...]
    owned: Callable[[World], Named] | None = None
    needs: Action = Action.READ
    variables: dict[str, Any] = field(default_factory=dict)
    fails: dict[Role, str] = field(default_factory=dict)
    is_personal: bool = False
    outlives: bool = False
    prepare: Callable[[World], object] = lambda _: None

    def code(self, role: Role) -> str | None:
        """What somebody in that role is told instead of an answer."""
        return self.fails.get(role) or (None if self.needs in ALLOWED[role] else "role-too-low")


def read(kind: str, field_: str, selection: str, owned: Callable[[World], Named], needs: Action = Action.READ) -> Row:
    """A field of an object that is found by its id."""
    return Row(f"query ($id: ID!) {{ {kind}(id: $id) {{ {field_} {selection} }} }}", (kind, field_), owned, needs)


def write(
    name: str, argument: str, selection: str, owned: Callable[[World], Named], needs: Action = WRITE, **more: Any
) -> Row:
    """A mutation of what an id names; ``$input`` where there is one."""
    kinds = {"input": more.pop("input_kind", None)}
    declared = "".join(f", ${key}: {kind}" for key, kind in kinds.items() if kind)
    passed = "".join(f", {key}: ${key}" for key, kind in kinds.items() if kind)
    query = f"mutation ($id: ID!{declared}) {{ {name}({argument}: $id{passed}) {selection} }}"
    return Row(query, (name,), owned, needs, **more)


PAGE = "{ nodes { uuid } }"
FILES = {"input": {"files": [{"name": "a.tif"}]}}
PARTS = {"input": {"parts": [{"number": 1, "sha256": "0" * 64}]}}
ROWS: dict[str, Row] = {
    "Query.me": Row("{ me { userId } }", ("me",)),
    "Account.usage": Row("{ me { usage { leftBytes } } }", ("me", "usage")),
    "Query.projects": Row("{ projects { nodes { uuid } } }", ("projects",)),
    "Query.models": Row("{ models { name } }", ("models",)),
    "Query.model": Row('{ model(name: "spheroid-unet") { name } }', ("model",)),
    "Query.queue": Row("{ queue { queued } }", ("queue",)),
    "Query.node": Row("query ($id: ID!) { node(id: $id) { uuid } }", ("node",), rest.project),
    "Query.project": Row("query ($id: ID!) { project(id: $id) { name } }", ("project",), rest.project),
    "Query.image": Row("query ($id: ID!) { image(id: $id) { name } }", ("image",), rest.image),
    "Query.segmentation": Row(
        "query ($id: ID!) { segmentation(id: $id) { status } }", ("segmentation",), rest.finished_run
    ),
    "Project.images": read("project", "images", PAGE, rest.project),
    "Project.imageCounts": read("project", "imageCounts", "{ total }", rest.project),
    "Image.project": read("image", "project", "{ uuid }", rest.image),
    "Image.latestSegmentation": read("image", "latestSegmentation", "{ uuid }", rest.image),
    "Image.segmentations": read("image", "segmentations", PAGE, rest.image),
    "Image.segmentationCount": read("image", "segmentationCount", "", rest.image),
    "Image.arrivedParts": read("image", "arrivedParts", "{ partCount }", rest.large_image, WRITE),
    "Segmentation.image": read("segmentation", "image", "{ uuid }", rest.finished_run),
    "Segmentation.links": read("segmentation", "links", "{ labels }", rest.finished_run),
    "Segmentation.wait": read("segmentation", "wait", "{ position }", rest.queued_run),
    "Segmentation.spheroids": read("segmentation", "spheroids", "{ nodes { number outline } }", rest.finished_run),
    "Mutation.changeProfile": Row('mutation { changeProfile(input: {name: "Ada"}) { name } }', ("changeProfile",)),
    "Mutation.createProject": Row('mutation { createProject(input: {name: "a"}) { uuid } }', ("createProject",)),
    "Mutation.issueSocketTicket": Row("mutation { issueSocketTicket { ticket } }", ("issueSocketTicket",)),
    "Mutation.announceImages": write(
        "announceImages",
        "projectId",
        "{ image { uuid } }",
        rest.project,
        input_kind="UploadInput!",
        variables=FILES,
    ),
    "Mutation.completeUpload": write("completeUpload", "imageId", "{ status }", rest.uploaded_image),
    "Mutation.deleteImage": write("deleteImage", "imageId", "{ uuid }", rest.image),
    "Mutation.linkParts": write(
        "linkParts", "imageId", "{ partCount }", rest.large_image, input_kind="PartsInput!", variables=PARTS
    ),
    "Mutation.dropParts": write("dropParts", "imageId", "{ uuid }", rest.large_image),
    "Mutation.requestSegmentation": write(
        "requestSegmentation",
        "imageId",
        "{ status }",
        rest.image,
        input_kind="OrderInput!",
        variables={"input": {}},
    ),
    "Mutation.cancelSegmentation": write("cancelSegmentation", "segmentationId", "{ status }", rest.queued_run),
}
ROWS |= {
    "Account.invitations": Row("{ me { invitations { id } } }", ("me", "invitations")),
    "Project.members": read("project", "members", "{ userId }", rest.project),
    "Project.offers": read("project", "offers", "{ id }", rest.project, MANAGE),
    "Project.statistics": read("project", "statistics", "{ spheroids }", rest.project),
    "Mutation.changeProject": write(
        "changeProject",
        "projectId",
        "{ name }",
        rest.project,
        input_kind="ProjectChangeInput!",
        variables={"input": {"name": "b"}},
    ),
    "Mutation.archiveProject": write("archiveProject", "projectId", "{ uuid }", rest.project, MANAGE),
    "Mutation.unarchiveProject": write("unarchiveProject", "projectId", "{ uuid }", rest.project, MANAGE),
    "Mutation.changeRole": Row(
        "mutation ($id: ID!, $userId: String!) { changeRole(projectId: $id, userId: $userId, role: EDITOR) { role } }",
        ("changeRole",),
        rest.other_member,
        MANAGE,
    ),
    "Mutation.removeMember": Row(
        "mutation ($id: ID!, $userId: String!) { removeMember(projectId: $id, userId: $userId) }",
        ("removeMember",),
        rest.other_member,
        MANAGE,
    ),
    "Mutation.leaveProject": write(
        "leaveProject", "projectId", "", rest.project, Action.READ, fails={Role.OWNER: "owner-stays"}
    ),
    "Mutation.transferProject": Row(
        "mutation ($id: ID!, $userId: String!) { transferProject(projectId: $id, userId: $userId) { role } }",
        ("transferProject",),
        rest.other_member,
        MANAGE,
    ),
    "Mutation.invite": write(
        "invite",
        "projectId",
        "{ id }",
        rest.project,
        MANAGE,
        input_kind="InvitationInput!",
        variables={"input": {"email": rest.EMAIL, "role": "VIEWER"}},
    ),
    "Mutation.makeLink": write(
        "makeLink",
        "projectId",
        "{ token }",
        rest.project,
        MANAGE,
        input_kind="LinkInput!",
        variables={"input": {"role": "VIEWER"}},
    ),
    "Mutation.withdrawOffer": Row(
        "mutation ($id: ID!, $offerId: UUID!) { withdrawOffer(projectId: $id, offerId: $offerId) }",
        ("withdrawOffer",),
        rest.offer_of_project,
        MANAGE,
    ),
    "Mutation.acceptInvitation": Row(
        "mutation ($id: UUID!) { acceptInvitation(offerId: $id) { role } }",
        ("acceptInvitation",),
        rest.own_invitation,
        is_personal=True,
    ),
    "Mutation.declineInvitation": Row(
        "mutation ($id: UUID!) { declineInvitation(offerId: $id) }",
        ("declineInvitation",),
        rest.own_invitation,
        is_personal=True,
    ),
    "Mutation.acceptLink": Row(
        'mutation { acceptLink(token: "token") { role } }', ("acceptLink",), prepare=rest.a_link
    ),
    "Mutation.changeImage": write(
        "changeImage",
        "imageId",
        "{ tags }",
        rest.image,
        input_kind="ImageChangesInput!",
        variables={"input": {"tags": ["control"]}},
    ),
}
ROWS |= {
    "Query.job": Row(
        "query ($id: UUID!) { job(id: $id) { status } }", ("job",), rest.own_job, is_personal=True, outlives=True
    ),
    "Query.export": Row(
        "query ($id: UUID!) { export(id: $id) { status file { url } } }", ("export",), rest.own_export, is_personal=True
    ),
    "Query.import": Row(
        "query ($id: UUID!) { import(id: $id) { status images { name } } }",
        ("import",),
        rest.own_import,
        is_personal=True,
    ),
    "Project.imports": read("project", "imports", "{ nodes { status } }", rest.project),
    "Mutation.requestImport": write(
        "requestImport",
        "projectId",
        "{ status upload { url } }",
        rest.project,
        input_kind="ImportInput!",
        variables={"input": {"format": "GEOJSON", "fileName": "well A1.geojson", "sizeBytes": 2}},
    ),
    "Mutation.startImport": Row(
        "mutation ($id: UUID!) { startImport(importId: $id) { status } }",
        ("startImport",),
        rest.own_import,
        is_personal=True,
    ),
    "Mutation.cancelImport": Row(
        "mutation ($id: UUID!) { cancelImport(importId: $id) { status } }",
        ("cancelImport",),
        rest.own_import,
        is_personal=True,
    ),
    "Project.exports": read("project", "exports", "{ nodes { status } }", rest.project),
    "Mutation.requestExport": write(
        "requestExport",
        "projectId",
        "{ status }",
        rest.project,
        Action.READ,
        input_kind="ExportInput!",
        variables={"input": {"format": "CSV"}},
    ),
    "Mutation.cancelExport": Row(
        "mutation ($id: UUID!) { cancelExport(exportId: $id) { status } }",
        ("cancelExport",),
        rest.own_export,
        is_personal=True,
    ),
    "Query.batch": Row("query ($id: UUID!) { batch(id: $id) { images } }", ("batch",), rest.batch),
    "Batch.progress": Row(
        "query ($id: UUID!) { batch(id: $id) { progress { total reason } } }", ("batch", "progress"), rest.batch
    ),
    "Project.progress": read("project", "progress", "{ ended estimatedS }", rest.project),
    "Segmentation.comparison": Row(
        "query ($id: ID!, $otherId: ID!) { segmentation(id: $id) { comparison(other: $otherId) { matched } } }",
        ("segmentation", "comparison"),
        rest.two_runs,
    ),
    "Project.reviews": read("project", "reviews", "{ nodes { imageName } }", rest.project),
    "Project.measurements": read("project", "measurements", "{ number value }", rest.project),
    "Project.reviewFigures": read("project", "reviewFigures", "{ results { open } }", rest.project),
    "Segmentation.decisions": read("segmentation", "decisions", "{ number }", rest.finished_run),
    "Mutation.decide": write(
        "decide",
        "segmentationId",
        "{ number }",
        rest.finished_run,
        input_kind="DecisionInput!",
        variables={"input": {"revision": 0, "verdict": "ACCEPT"}},
    ),
    "Segmentation.revisions": read("segmentation", "revisions", "{ number }", rest.edited_run),
    "Segmentation.revisionDifference": Row(
        "query ($id: ID!) { segmentation(id: $id) { revisionDifference(number: 1) { unchanged } } }",
        ("segmentation", "revisionDifference"),
        rest.edited_run,
    ),
    "Revision.operations": Row(
        "query ($id: ID!) { segmentation(id: $id) { revisions(first: 5) { operations } } }",
        ("segmentation", "revisions"),
        rest.edited_run,
    ),
    "Mutation.saveRevision": write(
        "saveRevision",
        "segmentationId",
        "{ number }",
        rest.finished_run,
        input_kind="EditInput!",
        variables={"input": {"base": 0, "operations": [{"kind": "delete", "numbers": [1]}]}},
    ),
    "Mutation.restoreRevision": Row(
        "mutation ($id: ID!) { restoreRevision(segmentationId: $id, number: 0, input: {base: 1}) { number } }",
        ("restoreRevision",),
        rest.edited_run,
        WRITE,
    ),
    "Mutation.deleteProject": write("deleteProject", "projectId", "{ status }", rest.project, MANAGE),
    "Mutation.deleteImages": Row(
        'mutation { deleteImages(input: {ids: ["00000000-0000-0000-0000-000000000001"]}) { isDeleted } }',
        ("deleteImages",),
    ),
    "Mutation.takeSamples": Row(
        'mutation ($id: ID!) { takeSamples(projectId: $id, table: "name,well\\n") { changed } }',
        ("takeSamples",),
        rest.project,
        WRITE,
    ),
    "Mutation.readNames": write(
        "readNames",
        "projectId",
        "{ matched }",
        rest.project,
        input_kind="PatternInput!",
        variables={"input": {"pattern": "(?P<well>[A-P][0-9]+)"}},
    ),
    "Mutation.startRuns": write(
        "startRuns", "projectId", "{ images }", rest.project, input_kind="RunsInput!", variables={"input": {}}
    ),
    "Mutation.cancelRuns": write(
        "cancelRuns", "projectId", "{ cancelled }", rest.project, input_kind="SelectionInput!", variables={"input": {}}
    ),
    "Mutation.retryRuns": write(
        "retryRuns", "projectId", "{ images }", rest.project, input_kind="SelectionInput!", variables={"input": {}}
    ),
    "Mutation.requestPages": write(
        "requestPages",
        "imageId",
        "{ items { status } }",
        rest.stack,
        input_kind="PagesInput!",
        variables={"input": {"pages": "all"}},
    ),
}
NOT_AN_ADMIN = dict.fromkeys(Role, "no-such-route")
"""To others than administrators there is nothing, see test_admin.py."""
ROWS |= {
    "Mutation.duplicateProject": write("duplicateProject", "projectId", "{ status }", rest.project, Action.READ),
    **{
        name: Row(query, (query.split("{")[1].split("(")[0].strip().split(" ")[0],), fails=NOT_AN_ADMIN)
        for name, query in {
            "Query.users": "{ users { items { userId } } }",
            "Query.user": '{ user(userId: "a") { userId } }',
            "Query.adminActions": "{ adminActions { action } }",
            "Query.queues": "{ queues { name } }",
            "Query.deadLetters": "{ deadLetters(queue: UPDATES) { id } }",
            "Mutation.changeQuota": 'mutation { changeQuota(userId: "a", input: {}) { userId } }',
            "Mutation.retryDeadLetter": 'mutation { retryDeadLetter(queue: UPDATES, letterId: "a") { id } }',
            "Mutation.discardDeadLetter": 'mutation { discardDeadLetter(queue: UPDATES, letterId: "a") { id } }',
        }.items()
    },
    "Account.runs": Row("{ me { runs { queued } } }", ("me", "runs")),
    "Mutation.closeAccount": Row(f'mutation {{ closeAccount(confirm: "{OWNER}") {{ projects }} }}', ("closeAccount",)),
    "Mutation.cancelJob": Row(
        "mutation ($id: UUID!) { cancelJob(jobId: $id) { status } }",
        ("cancelJob",),
        rest.own_duplication,
        is_personal=True,
        outlives=True,
    ),
}
OWNED = [name for name, row in ROWS.items() if row.owned]
SHARED = [name for name in OWNED if not ROWS[name].is_personal]


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
