"""What REST offers, GraphQL offers, and the other way round; a new operation of either fails until it stands here."""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, GraphQLNamedType, get_named_type

from http_api.graphql.schema import schema
from tests.api_document import document_in_full
from tests.functions.http_api.test_ownership import METHODS

Operation = tuple[str, str]

FIELDS: dict[Operation, tuple[str, ...]] = {
    ("get", "/v1/me"): ("Query.me",),
    ("patch", "/v1/me"): ("Mutation.changeProfile",),
    ("get", "/v1/me/usage"): ("Account.usage",),
    ("post", "/v1/projects"): ("Mutation.createProject",),
    ("get", "/v1/projects"): ("Query.projects",),
    ("get", "/v1/projects/{project_id}"): ("Query.project",),
    ("patch", "/v1/projects/{project_id}"): ("Mutation.changeProject",),
    ("delete", "/v1/projects/{project_id}"): ("Mutation.deleteProject",),
    ("post", "/v1/projects/{project_id}/archive"): ("Mutation.archiveProject",),
    ("post", "/v1/projects/{project_id}/unarchive"): ("Mutation.unarchiveProject",),
    ("get", "/v1/projects/{project_id}/statistics"): ("Project.statistics", "Project.imageCounts"),
    ("post", "/v1/projects/{project_id}/duplicate"): ("Mutation.duplicateProject",),
    ("get", "/v1/jobs/{job_id}"): ("Query.job",),
    ("post", "/v1/jobs/{job_id}/cancel"): ("Mutation.cancelJob",),
    ("get", "/v1/projects/{project_id}/members"): ("Project.members",),
    ("patch", "/v1/projects/{project_id}/members/{user_id}"): ("Mutation.changeRole",),
    ("delete", "/v1/projects/{project_id}/members/{user_id}"): ("Mutation.removeMember",),
    ("post", "/v1/projects/{project_id}/leave"): ("Mutation.leaveProject",),
    ("post", "/v1/projects/{project_id}/transfer"): ("Mutation.transferProject",),
    ("post", "/v1/projects/{project_id}/invitations"): ("Mutation.invite",),
    ("post", "/v1/projects/{project_id}/links"): ("Mutation.makeLink",),
    ("get", "/v1/projects/{project_id}/offers"): ("Project.offers",),
    ("delete", "/v1/projects/{project_id}/offers/{offer_id}"): ("Mutation.withdrawOffer",),
    ("get", "/v1/invitations"): ("Account.invitations",),
    ("post", "/v1/invitations/{offer_id}/accept"): ("Mutation.acceptInvitation",),
    ("delete", "/v1/invitations/{offer_id}"): ("Mutation.declineInvitation",),
    ("post", "/v1/links/accept"): ("Mutation.acceptLink",),
    ("post", "/v1/projects/{project_id}/images"): ("Mutation.announceImages",),
    ("get", "/v1/projects/{project_id}/images"): ("Project.images", "Image.latestSegmentation"),
    ("get", "/v1/images/{image_id}"): ("Query.image", "Image.project"),
    ("patch", "/v1/images/{image_id}"): ("Mutation.changeImage",),
    ("post", "/v1/images/delete"): ("Mutation.deleteImages",),
    ("post", "/v1/projects/{project_id}/images/samples"): ("Mutation.takeSamples",),
    ("post", "/v1/projects/{project_id}/images/read-names"): ("Mutation.readNames",),
    ("delete", "/v1/images/{image_id}"): ("Mutation.deleteImage",),
    ("post", "/v1/images/{image_id}/complete"): ("Mutation.completeUpload",),
    ("post", "/v1/images/{image_id}/parts"): ("Mutation.linkParts",),
    ("get", "/v1/images/{image_id}/parts"): ("Image.arrivedParts",),
    ("delete", "/v1/images/{image_id}/parts"): ("Mutation.dropParts",),
    ("get", "/v1/images/{image_id}/segmentations"): ("Image.segmentations", "Image.segmentationCount"),
    ("post", "/v1/images/{image_id}/segmentations"): ("Mutation.requestSegmentation",),
    ("post", "/v1/images/{image_id}/page-segmentations"): ("Mutation.requestPages",),
    ("get", "/v1/segmentations/{segmentation_id}"): (
        "Query.segmentation",
        "Segmentation.links",
        "Segmentation.wait",
        "Segmentation.image",
    ),
    ("post", "/v1/segmentations/{segmentation_id}/cancel"): ("Mutation.cancelSegmentation",),
    ("get", "/v1/segmentations/{segmentation_id}/spheroids"): ("Segmentation.spheroids",),
    ("get", "/v1/segmentations/{segmentation_id}/comparison/{other_id}"): ("Segmentation.comparison",),
    ("get", "/v1/segmentations/{segmentation_id}/revisions"): ("Segmentation.revisions",),
    ("post", "/v1/segmentations/{segmentation_id}/revisions"): ("Mutation.saveRevision",),
    ("get", "/v1/segmentations/{segmentation_id}/revisions/{number}"): ("Revision.operations",),
    ("get", "/v1/segmentations/{segmentation_id}/revisions/{number}/difference"): ("Segmentation.revisionDifference",),
    ("post", "/v1/segmentations/{segmentation_id}/revisions/{number}/restore"): ("Mutation.restoreRevision",),
    ("get", "/v1/projects/{project_id}/reviews"): ("Project.reviews",),
    ("get", "/v1/projects/{project_id}/reviews/figures"): ("Project.reviewFigures",),
    ("get", "/v1/segmentations/{segmentation_id}/decisions"): ("Segmentation.decisions",),
    ("post", "/v1/segmentations/{segmentation_id}/decisions"): ("Mutation.decide",),
    ("post", "/v1/projects/{project_id}/runs"): ("Mutation.startRuns",),
    ("post", "/v1/projects/{project_id}/runs/cancel"): ("Mutation.cancelRuns",),
    ("post", "/v1/projects/{project_id}/runs/retry"): ("Mutation.retryRuns",),
    ("get", "/v1/projects/{project_id}/runs/progress"): ("Project.progress",),
    ("get", "/v1/batches/{batch_id}"): ("Query.batch", "Batch.progress"),
    ("post", "/v1/projects/{project_id}/imports"): ("Mutation.requestImport",),
    ("get", "/v1/projects/{project_id}/imports"): ("Project.imports",),
    ("get", "/v1/imports/{import_id}"): ("Query.import",),
    ("post", "/v1/imports/{import_id}/start"): ("Mutation.startImport",),
    ("post", "/v1/imports/{import_id}/cancel"): ("Mutation.cancelImport",),
    ("post", "/v1/projects/{project_id}/exports"): ("Mutation.requestExport",),
    ("get", "/v1/projects/{project_id}/exports"): ("Project.exports",),
    ("get", "/v1/projects/{project_id}/measurements"): ("Project.measurements",),
    ("get", "/v1/exports/{export_id}"): ("Query.export",),
    ("post", "/v1/exports/{export_id}/cancel"): ("Mutation.cancelExport",),
    ("get", "/v1/models"): ("Query.models",),
    ("get", "/v1/models/{name}"): ("Query.model",),
    ("get", "/v1/queue"): ("Query.queue",),
    ("post", "/v1/socket-tickets"): ("Mutation.issueSocketTicket",),
    ("get", "/v1/me/runs"): ("Account.runs",),
    ("delete", "/v1/me"): ("Mutation.closeAccount",),
    ("get", "/v1/admin/users"): ("Query.users",),
    ("get", "/v1/admin/users/{user_id}"): ("Query.user",),
    ("patch", "/v1/admin/users/{user_id}/quota"): ("Mutation.changeQuota",),
    ("get", "/v1/admin/actions"): ("Query.adminActions",),
    ("get", "/v1/admin/queues"): ("Query.queues",),
    ("get", "/v1/admin/queues/{queue}/dead-letters"): ("Query.deadLetters",),
    ("post", "/v1/admin/queues/{queue}/dead-letters/{letter_id}/retry"): ("Mutation.retryDeadLetter",),
    ("delete", "/v1/admin/queues/{queue}/dead-letters/{letter_id}"): ("Mutation.discardDeadLetter",),
}
REST_ONLY: dict[Operation, str] = {
    ("get", "/v1/segmentations/{segmentation_id}/outlines"): "bytes; `Spheroid.outline` has each as a path",
    ("get", "/v1/segmentations/{segmentation_id}/spheroids.geojson"): "a file: `Segmentation.links` has its address",
    ("get", "/v1/exports/{export_id}/file"): "a file: `Query.export` has its address",
    ("post", "/graphql"): "the graph itself",
    ("post", "/v1/auth/sign-up"): "who asks the graph is signed in",
    ("post", "/v1/auth/sign-in"): "who asks the graph is signed in",
    ("post", "/v1/auth/refresh"): "who asks the graph is signed in",
    ("get", "/health"): "for load balancers, which speak no GraphQL",
    ("get", "/health/live"): "for load balancers, which speak no GraphQL",
    ("get", "/health/ready"): "for load balancers, which speak no GraphQL",
    ("get", "/health/detailed"): "for load balancers, which speak no GraphQL",
    ("get", "/problems"): "pages that errors of both faces name",
    ("get", "/problems/{code}"): "pages that errors of both faces name",
}
GRAPH_ONLY = {"Query.node": "Relay's own way to an object; each has its address in REST"}
SAID_OTHERWISE = {"cursor": "after", "limit": "first", "fields": None, "accept": None}
"""Parameters of REST whose part is another argument's, or that of the selection."""
HEADERS = {"If-Match": "seenVersion"}
"""The rest are headers of `POST /graphql`, too, or about HTTP alone."""


DOCUMENT = document_in_full()
GRAPH = schema().graph.type_map


def operations() -> dict[Operation, dict[str, Any]]:
    paths = DOCUMENT["paths"]
    return {(method, path): item[method] for path, item in paths.items() for method in METHODS & set(item)}


def test_every_operation_of_rest_has_its_field_or_a_reason() -> None:
    assert set(operations()) == set(FIELDS) | set(REST_ONLY)
    assert not set(FIELDS) & set(REST_ONLY)


def test_every_field_that_reads_or_writes_has_its_operation() -> None:
    roots = {f"{root}.{name}" for root in ("Query", "Mutation") for name in GRAPH[root].fields}  # type: ignore[attr-defined]
    told = {field for fields in FIELDS.values() for field in fields} | set(GRAPH_ONLY)
    assert roots <= told
    for field in told:
        kind, name = field.split(".")
        assert name in GRAPH[kind].fields, field  # type: ignore[attr-defined]


def said(argument: Any, name: str) -> set[str]:
    """Names that an argument can say: its own, or those of its input's fields."""
    kind: GraphQLNamedType = get_named_type(argument.type)
    return {name, *kind.fields} if isinstance(kind, GraphQLInputObjectType) else {name}


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


@pytest.mark.parametrize("operation", FIELDS, ids=" ".join)
def test_what_can_be_said_to_the_one_can_be_said_to_the_other(operation: Operation) -> None:
    described_operation = operations()[operation]
    can_say: set[str] = set()
    for field in FIELDS[operation]:
        kind, name = field.split(".")
        for argument, details in GRAPH[kind].fields[name].args.items():  # type: ignore[attr-defined]
            can_say |= said(details, argument)
    for parameter in described_operation.get("parameters", []):
        said_by: str = parameter["name"]
        if parameter["in"] == "path":
            continue
        told = SAID_OTHERWISE.get(said_by, camel(said_by)) if parameter["in"] == "query" else HEADERS.get(said_by)
        assert told is None or told in can_say, said_by
    content = described_operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content:
        body = content["schema"]
        body = DOCUMENT["components"]["schemas"][body["$ref"].rsplit("/", 1)[1]] if "$ref" in body else body
        assert {camel(name) for name in body["properties"]} <= can_say
