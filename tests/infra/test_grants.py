"""Who may do what: each role exactly what its code needs, and no wildcard without a reason."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.stages import Synthesised, texts

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
SECRET = {"secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"}
SEND = {"sqs:SendMessage", "sqs:GetQueueAttributes", "sqs:GetQueueUrl"}
CONSUME = {
    "sqs:ReceiveMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueUrl",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
}
EVERYWHERE = LOGS | SECRET
MAY = {
    "accept_upload": EVERYWHERE
    | CONSUME
    | SEND
    | {
        "s3:GetObject",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        "s3:ListBucket",
    },
    "dead_letters": EVERYWHERE | CONSUME | SEND,
    "http_api": EVERYWHERE
    | CONSUME
    | SEND
    | {
        "cognito-idp:AdminGetUser",
        "cognito-idp:ListUsers",
        "cognito-idp:ListUsersInGroup",
        "s3:AbortMultipartUpload",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:DeleteObject",
        "s3:ListBucket",
    },
    "migrate_database": EVERYWHERE,
    "push_updates": EVERYWHERE | CONSUME | SEND | {"execute-api:ManageConnections"},
    "requeue_stalled": EVERYWHERE
    | SEND
    | {
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListBucketMultipartUploads",
    },
    "watch_updates": EVERYWHERE,
    "work_on_projects": EVERYWHERE
    | CONSUME
    | SEND
    | {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject"}
    | {
        "cognito-idp:AdminDeleteUser",
        "cognito-idp:AdminDisableUser",
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminUserGlobalSignOut",
        "cognito-idp:ListUsersInGroup",
    },
}
WORKER_MAY = SECRET | CONSUME | SEND | {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"}
EXPORTER_MAY = WORKER_MAY | {"s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads"}
NETWORK_AND_TRACES = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
}

WILDCARD_ACTIONS = {
    "ecs:Submit*": "the ECS agent reports on tasks by three actions of that name (AWS's own policy for it)",
}
ANY = "^"
INSTANCE = "^segmentation/workersinstancerole"
WILDCARD_RESOURCES = (
    (ANY, r"/(originals|results|inbox|exports|imports)/\*$", "s3:", "objects are granted by the prefix of their key"),
    ("^api/pushupdates", r"/POST/@connections/\*$", "execute-api:", "a connection's id is known when it is open"),
    (ANY, r"^\*$", "xray:Put", "X-Ray takes traces under no narrower resource"),
    (ANY, r"^\*$", "ec2:", "Lambda makes its network interfaces before they have a name"),
    (ANY, r"^\*$", "ecr:GetAuthorizationToken", "a token is given for the whole registry or not at all"),
    (INSTANCE, r"^\*$", "ecs:(DiscoverPollEndpoint|Poll|StartTelemetrySession)", "the ECS agent, kept to its cluster"),
    (INSTANCE, r"^\*$", "logs:(CreateLogStream|PutLogEvents)", "the CDK gives it to every instance of a cluster"),
    ("^processing/AWSCDKTrigger", r":\*$", "lambda:InvokeFunction", "all versions of migrate_database"),
)
"""Role, resource, action, reason."""


def statements(stage: Synthesised) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every allowing statement of every role, with the role's policy."""
    for stack, logical_id, properties in stage.resources("AWS::IAM::Policy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow"
            yield f"{stack}/{logical_id}", statement
    for stack, logical_id, properties in stage.resources("AWS::IAM::Role"):
        for policy in properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield f"{stack}/{logical_id}", statement


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions_of(stage: Synthesised, role: str) -> set[str]:
    """Actions granted to the roles whose names begin so."""
    wanted = role.replace("_", "").lower()
    return {
        action
        for name, statement in statements(stage)
        if name.split("/")[1].lower().startswith(wanted)
        for action in as_list(statement["Action"])
    }


@pytest.mark.parametrize("function", sorted(MAY))
def test_a_function_may_do_what_it_does(stage: Synthesised, function: str) -> None:
    extra = set()
    if stage.name == "production":
        extra = NETWORK_AND_TRACES | ({"elasticache:Connect"} if function == "http_api" else set())
    assert actions_of(stage, function) == MAY[function] | extra


def test_the_worker_may_do_what_it_does(production: Synthesised) -> None:
    assert actions_of(production, "workerstaskTaskRole") == WORKER_MAY
    assert actions_of(production, "exporterstaskTaskRole") == EXPORTER_MAY


def test_no_action_is_a_wildcard_without_a_reason(stage: Synthesised) -> None:
    for name, statement in statements(stage):
        for action in as_list(statement["Action"]):
            assert "*" not in action or action in WILDCARD_ACTIONS, f"{name} may {action}"


def test_no_resource_is_a_wildcard_without_a_reason(stage: Synthesised) -> None:
    for name, statement in statements(stage):
        for resource in as_list(statement["Resource"]):
            text = "".join(texts(resource))
            if "*" not in text:
                continue
            for action in as_list(statement["Action"]):
                assert any(
                    re.search(role, name) and re.search(pattern, text) and re.match(allowed, action)
                    for role, pattern, allowed, _ in WILDCARD_RESOURCES
                ), f"{name} may {action} on {text}"


def test_every_reason_for_a_wildcard_is_needed(production: Synthesised) -> None:
    used = {
        reason
        for name, statement in statements(production)
        for resource in as_list(statement["Resource"])
        for action in as_list(statement["Action"])
        for role, pattern, allowed, reason in WILDCARD_RESOURCES
        if re.search(role, name) and re.search(pattern, "".join(texts(resource))) and re.match(allowed, action)
    }
    assert used == {reason for *_, reason in WILDCARD_RESOURCES}


def test_results_are_written_by_workers_and_copied_with_projects(stage: Synthesised) -> None:
    writers = {
        name
        for name, statement in statements(stage)
        if "s3:PutObject" in as_list(statement["Action"])
        and any(text.endswith("results/*") for text in texts(statement["Resource"]))
    }
    # The one draws what a model found, the other what a person imported.
    both = {"segmentation/workerstaskTaskRole", "exports/exporterstaskTaskRole"}
    workers = both if stage.name == "production" else set()
    found = {re.sub(r"DefaultPolicy\w+$", "", name) for name in writers}
    assert {name for name in found if not name.startswith("processing/workonprojects")} == workers
    assert len(found) == len(workers) + 1


def test_queues_take_messages_from_the_rule_alone(production: Synthesised) -> None:
    for _, logical_id, properties in production.resources("AWS::SQS::QueuePolicy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                continue
            assert statement["Principal"] == {"Service": "events.amazonaws.com"}, logical_id
            assert "aws:SourceArn" in statement["Condition"]["ArnEquals"], logical_id
