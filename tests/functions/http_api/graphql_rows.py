"""The rows of the graph's ownership matrix: every operation, what it is asked, and who may have it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from spheroseg.domain.access import ALLOWED, Action, Role
from tests.builders import OWNER
from tests.functions.http_api import owned
from tests.functions.http_api.owned import MANAGE, WRITE, Named
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
    "Query.node": Row("query ($id: ID!) { node(id: $id) { uuid } }", ("node",), owned.project),
    "Query.project": Row("query ($id: ID!) { project(id: $id) { name } }", ("project",), owned.project),
    "Query.image": Row("query ($id: ID!) { image(id: $id) { name } }", ("image",), owned.image),
    "Query.segmentation": Row(
        "query ($id: ID!) { segmentation(id: $id) { status } }", ("segmentation",), owned.finished_run
    ),
    "Project.images": read("project", "images", PAGE, owned.project),
    "Project.imageCounts": read("project", "imageCounts", "{ total }", owned.project),
    "Image.project": read("image", "project", "{ uuid }", owned.image),
    "Image.latestSegmentation": read("image", "latestSegmentation", "{ uuid }", owned.image),
    "Image.segmentations": read("image", "segmentations", PAGE, owned.image),
    "Image.segmentationCount": read("image", "segmentationCount", "", owned.image),
    "Image.arrivedParts": read("image", "arrivedParts", "{ partCount }", owned.large_image, WRITE),
    "Segmentation.image": read("segmentation", "image", "{ uuid }", owned.finished_run),
    "Segmentation.links": read("segmentation", "links", "{ labels }", owned.finished_run),
    "Segmentation.wait": read("segmentation", "wait", "{ position }", owned.queued_run),
    "Segmentation.spheroids": read("segmentation", "spheroids", "{ nodes { number outline } }", owned.finished_run),
    "Mutation.changeProfile": Row('mutation { changeProfile(input: {name: "Ada"}) { name } }', ("changeProfile",)),
    "Mutation.createProject": Row('mutation { createProject(input: {name: "a"}) { uuid } }', ("createProject",)),
    "Mutation.issueSocketTicket": Row("mutation { issueSocketTicket { ticket } }", ("issueSocketTicket",)),
    "Mutation.announceImages": write(
        "announceImages",
        "projectId",
        "{ image { uuid } }",
        owned.project,
        input_kind="UploadInput!",
        variables=FILES,
    ),
    "Mutation.completeUpload": write("completeUpload", "imageId", "{ status }", owned.uploaded_image),
    "Mutation.deleteImage": write("deleteImage", "imageId", "{ uuid }", owned.image),
    "Mutation.linkParts": write(
        "linkParts", "imageId", "{ partCount }", owned.large_image, input_kind="PartsInput!", variables=PARTS
    ),
    "Mutation.dropParts": write("dropParts", "imageId", "{ uuid }", owned.large_image),
    "Mutation.requestSegmentation": write(
        "requestSegmentation",
        "imageId",
        "{ status }",
        owned.image,
        input_kind="OrderInput!",
        variables={"input": {}},
    ),
    "Mutation.cancelSegmentation": write("cancelSegmentation", "segmentationId", "{ status }", owned.queued_run),
}
ROWS |= {
    "Account.invitations": Row("{ me { invitations { id } } }", ("me", "invitations")),
    "Project.members": read("project", "members", "{ userId }", owned.project),
    "Project.offers": read("project", "offers", "{ id }", owned.project, MANAGE),
    "Project.statistics": read("project", "statistics", "{ spheroids }", owned.project),
    "Mutation.changeProject": write(
        "changeProject",
        "projectId",
        "{ name }",
        owned.project,
        input_kind="ProjectChangeInput!",
        variables={"input": {"name": "b"}},
    ),
    "Mutation.archiveProject": write("archiveProject", "projectId", "{ uuid }", owned.project, MANAGE),
    "Mutation.unarchiveProject": write("unarchiveProject", "projectId", "{ uuid }", owned.project, MANAGE),
    "Mutation.changeRole": Row(
        "mutation ($id: ID!, $userId: String!) { changeRole(projectId: $id, userId: $userId, role: EDITOR) { role } }",
        ("changeRole",),
        owned.other_member,
        MANAGE,
    ),
    "Mutation.removeMember": Row(
        "mutation ($id: ID!, $userId: String!) { removeMember(projectId: $id, userId: $userId) }",
        ("removeMember",),
        owned.other_member,
        MANAGE,
    ),
    "Mutation.leaveProject": write(
        "leaveProject", "projectId", "", owned.project, Action.READ, fails={Role.OWNER: "owner-stays"}
    ),
    "Mutation.transferProject": Row(
        "mutation ($id: ID!, $userId: String!) { transferProject(projectId: $id, userId: $userId) { role } }",
        ("transferProject",),
        owned.other_member,
        MANAGE,
    ),
    "Mutation.invite": write(
        "invite",
        "projectId",
        "{ id }",
        owned.project,
        MANAGE,
        input_kind="InvitationInput!",
        variables={"input": {"email": owned.EMAIL, "role": "VIEWER"}},
    ),
    "Mutation.makeLink": write(
        "makeLink",
        "projectId",
        "{ token }",
        owned.project,
        MANAGE,
        input_kind="LinkInput!",
        variables={"input": {"role": "VIEWER"}},
    ),
    "Mutation.withdrawOffer": Row(
        "mutation ($id: ID!, $offerId: UUID!) { withdrawOffer(projectId: $id, offerId: $offerId) }",
        ("withdrawOffer",),
        owned.offer_of_project,
        MANAGE,
    ),
    "Mutation.acceptInvitation": Row(
        "mutation ($id: UUID!) { acceptInvitation(offerId: $id) { role } }",
        ("acceptInvitation",),
        owned.own_invitation,
        is_personal=True,
    ),
    "Mutation.declineInvitation": Row(
        "mutation ($id: UUID!) { declineInvitation(offerId: $id) }",
        ("declineInvitation",),
        owned.own_invitation,
        is_personal=True,
    ),
    "Mutation.acceptLink": Row(
        'mutation { acceptLink(token: "token") { role } }', ("acceptLink",), prepare=owned.a_link
    ),
    "Mutation.changeImage": write(
        "changeImage",
        "imageId",
        "{ tags }",
        owned.image,
        input_kind="ImageChangesInput!",
        variables={"input": {"tags": ["control"]}},
    ),
}
ROWS |= {
    "Query.job": Row(
        "query ($id: UUID!) { job(id: $id) { status } }", ("job",), owned.own_job, is_personal=True, outlives=True
    ),
    "Query.export": Row(
        "query ($id: UUID!) { export(id: $id) { status file { url } } }",
        ("export",),
        owned.own_export,
        is_personal=True,
    ),
    "Query.import": Row(
        "query ($id: UUID!) { import(id: $id) { status images { name } } }",
        ("import",),
        owned.own_import,
        is_personal=True,
    ),
    "Project.imports": read("project", "imports", "{ nodes { status } }", owned.project),
    "Mutation.requestImport": write(
        "requestImport",
        "projectId",
        "{ status upload { url } }",
        owned.project,
        input_kind="ImportInput!",
        variables={"input": {"format": "GEOJSON", "fileName": "well A1.geojson", "sizeBytes": 2}},
    ),
    "Mutation.startImport": Row(
        "mutation ($id: UUID!) { startImport(importId: $id) { status } }",
        ("startImport",),
        owned.own_import,
        is_personal=True,
    ),
    "Mutation.cancelImport": Row(
        "mutation ($id: UUID!) { cancelImport(importId: $id) { status } }",
        ("cancelImport",),
        owned.own_import,
        is_personal=True,
    ),
    "Project.exports": read("project", "exports", "{ nodes { status } }", owned.project),
    "Mutation.requestExport": write(
        "requestExport",
        "projectId",
        "{ status }",
        owned.project,
        Action.READ,
        input_kind="ExportInput!",
        variables={"input": {"format": "CSV"}},
    ),
    "Mutation.cancelExport": Row(
        "mutation ($id: UUID!) { cancelExport(exportId: $id) { status } }",
        ("cancelExport",),
        owned.own_export,
        is_personal=True,
    ),
    "Query.batch": Row("query ($id: UUID!) { batch(id: $id) { images } }", ("batch",), owned.batch),
    "Batch.progress": Row(
        "query ($id: UUID!) { batch(id: $id) { progress { total reason } } }", ("batch", "progress"), owned.batch
    ),
    "Project.progress": read("project", "progress", "{ ended estimatedS }", owned.project),
    "Segmentation.comparison": Row(
        "query ($id: ID!, $otherId: ID!) { segmentation(id: $id) { comparison(other: $otherId) { matched } } }",
        ("segmentation", "comparison"),
        owned.two_runs,
    ),
    "Project.reviews": read("project", "reviews", "{ nodes { imageName } }", owned.project),
    "Project.measurements": read("project", "measurements", "{ number value }", owned.project),
    "Project.reviewFigures": read("project", "reviewFigures", "{ results { open } }", owned.project),
    "Segmentation.decisions": read("segmentation", "decisions", "{ number }", owned.finished_run),
    "Mutation.decide": write(
        "decide",
        "segmentationId",
        "{ number }",
        owned.finished_run,
        input_kind="DecisionInput!",
        variables={"input": {"revision": 0, "verdict": "ACCEPT"}},
    ),
    "Segmentation.revisions": read("segmentation", "revisions", "{ number }", owned.edited_run),
    "Segmentation.revisionDifference": Row(
        "query ($id: ID!) { segmentation(id: $id) { revisionDifference(number: 1) { unchanged } } }",
        ("segmentation", "revisionDifference"),
        owned.edited_run,
    ),
    "Revision.operations": Row(
        "query ($id: ID!) { segmentation(id: $id) { revisions(first: 5) { operations } } }",
        ("segmentation", "revisions"),
        owned.edited_run,
    ),
    "Mutation.saveRevision": write(
        "saveRevision",
        "segmentationId",
        "{ number }",
        owned.finished_run,
        input_kind="EditInput!",
        variables={"input": {"base": 0, "operations": [{"kind": "delete", "numbers": [1]}]}},
    ),
    "Mutation.restoreRevision": Row(
        "mutation ($id: ID!) { restoreRevision(segmentationId: $id, number: 0, input: {base: 1}) { number } }",
        ("restoreRevision",),
        owned.edited_run,
        WRITE,
    ),
    "Mutation.deleteProject": write("deleteProject", "projectId", "{ status }", owned.project, MANAGE),
    "Mutation.deleteImages": Row(
        'mutation { deleteImages(input: {ids: ["00000000-0000-0000-0000-000000000001"]}) { isDeleted } }',
        ("deleteImages",),
    ),
    "Mutation.takeSamples": Row(
        'mutation ($id: ID!) { takeSamples(projectId: $id, table: "name,well\\n") { changed } }',
        ("takeSamples",),
        owned.project,
        WRITE,
    ),
    "Mutation.readNames": write(
        "readNames",
        "projectId",
        "{ matched }",
        owned.project,
        input_kind="PatternInput!",
        variables={"input": {"pattern": "(?P<well>[A-P][0-9]+)"}},
    ),
    "Mutation.startRuns": write(
        "startRuns", "projectId", "{ images }", owned.project, input_kind="RunsInput!", variables={"input": {}}
    ),
    "Mutation.cancelRuns": write(
        "cancelRuns", "projectId", "{ cancelled }", owned.project, input_kind="SelectionInput!", variables={"input": {}}
    ),
    "Mutation.retryRuns": write(
        "retryRuns", "projectId", "{ images }", owned.project, input_kind="SelectionInput!", variables={"input": {}}
    ),
    "Mutation.requestPages": write(
        "requestPages",
        "imageId",
        "{ items { status } }",
        owned.stack,
        input_kind="PagesInput!",
        variables={"input": {"pages": "all"}},
    ),
}
NOT_AN_ADMIN = dict.fromkeys(Role, "no-such-route")
"""To others than administrators there is nothing, see test_admin.py."""
ROWS |= {
    "Mutation.duplicateProject": write("duplicateProject", "projectId", "{ status }", owned.project, Action.READ),
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
        owned.own_duplication,
        is_personal=True,
        outlives=True,
    ),
}
OWNED = [name for name, row in ROWS.items() if row.owned]
SHARED = [name for name in OWNED if not ROWS[name].is_personal]
