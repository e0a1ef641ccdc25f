"""What the stages are made of."""

import json
import re
from pathlib import Path
from typing import Any

from aws_cdk.assertions import Match, Template

from infra_cdk.components.function import VISIBILITY_TIMEOUTS
from infra_cdk.config import MAX_RECEIVES
from tests.infra.stages import Synthesised, texts

ROOT = Path(__file__).parents[2]
FUNCTIONS = {
    "accept_upload",
    "dead_letters",
    "http_api",
    "migrate_database",
    "push_updates",
    "requeue_stalled",
    "watch_updates",
    "work_on_projects",
}
SHARED_OUTPUTS = {
    "BucketName",
    "UserPoolId",
    "UserPoolClientId",
    "ApiUrl",
    "ApiId",
    "SocketUrl",
    "SocketApiId",
    "UploadsQueueUrl",
    "UploadsDeadLettersUrl",
    "QueueUrlHigh",
    "QueueUrlNormal",
    "QueueUrlLow",
    "DeadLettersUrlHigh",
    "DeadLettersUrlNormal",
    "DeadLettersUrlLow",
    "UpdatesQueueUrl",
    "UpdatesDeadLettersUrl",
    "ProjectWorkQueueUrl",
    "ProjectWorkDeadLettersUrl",
    "ExportsQueueUrl",
    "ExportsDeadLettersUrl",
    "MigrateDatabaseFunctionName",
    "AlarmTopicArn",
}
PRODUCTION_OUTPUTS = {
    "ClusterName",
    "ServiceName",
    "ExportsClusterName",
    "ExportsServiceName",
    "DistributionDomain",
    "CacheEndpoint",
    "DatabaseWriterEndpoint",
    "DatabaseReaderEndpoint",
    "DatabaseName",
    "DatabaseSecretArn",
}


def template(stage: Synthesised, stack: str) -> Template:
    return Template.from_json(stage.templates[stack])


def test_every_function_is_in_every_stage(stage: Synthesised) -> None:
    assert set(stage.functions()) == FUNCTIONS


def test_the_outputs_are_those_that_others_read(production: Synthesised, local: Synthesised) -> None:
    assert local.outputs() == SHARED_OUTPUTS
    assert production.outputs() == SHARED_OUTPUTS | PRODUCTION_OUTPUTS


def test_every_queue_gives_up_after_three_receives(stage: Synthesised) -> None:
    queues = {logical_id: properties for _, logical_id, properties in stage.resources("AWS::SQS::Queue")}
    readers = {logical_id: it for logical_id, it in queues.items() if "RedrivePolicy" in it}
    assert len(readers) == 7
    targets = set()
    for properties in readers.values():
        assert properties["RedrivePolicy"]["maxReceiveCount"] == MAX_RECEIVES
        target = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert queues[target]["MessageRetentionPeriod"] > properties["MessageRetentionPeriod"]
        targets.add(target)
    assert targets == set(queues) - set(readers), "each dead-letter queue serves one queue, and no queue has none"


def test_messages_are_lent_for_six_times_the_timeout(stage: Synthesised) -> None:
    visibility_s = {
        logical_id: properties["VisibilityTimeout"] for _, logical_id, properties in stage.resources("AWS::SQS::Queue")
    }
    timeout_s = {
        logical_id: properties["Timeout"]
        for _, logical_id, properties in stage.resources("AWS::Lambda::Function")
        if "Timeout" in properties
    }
    mappings = list(stage.resources("AWS::Lambda::EventSourceMapping"))
    assert len(mappings) == 8
    for _, logical_id, properties in mappings:
        queue = next(name for name in visibility_s if any(name in text for text in texts(properties["EventSourceArn"])))
        function = properties["FunctionName"]["Ref"]
        assert visibility_s[queue] >= VISIBILITY_TIMEOUTS * timeout_s[function], logical_id
        assert properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert properties["BatchSize"] <= 10
        assert properties["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_every_function_logs_into_a_group_that_forgets(stage: Synthesised) -> None:
    groups = {logical_id: properties for _, logical_id, properties in stage.resources("AWS::Logs::LogGroup")}
    assert all(properties.get("RetentionInDays", 0) > 0 for properties in groups.values())
    for _, logical_id, properties in stage.resources("AWS::Lambda::Function"):
        if "LoggingConfig" in properties:
            assert properties["LoggingConfig"]["LogGroup"]["Ref"] in groups
        else:  # the CDK's own, whose group has the name that Lambda would give it
            names = [texts(group["LogGroupName"]) for group in groups.values()]
            assert any("/aws/lambda/" in name and logical_id in name for name in names), logical_id


def test_no_function_runs_alone_without_need(stage: Synthesised) -> None:
    reserved = {
        name: properties["ReservedConcurrentExecutions"]
        for name, properties in stage.functions().items()
        if "ReservedConcurrentExecutions" in properties
    }
    assert reserved.pop("http_api") >= 8
    assert reserved == {"requeue_stalled": 1, "migrate_database": 1}


def test_a_missed_sweep_is_not_repeated(stage: Synthesised) -> None:
    template(stage, "processing").has_resource_properties(
        "AWS::Lambda::EventInvokeConfig", {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    )
    template(stage, "processing").has_resource_properties(
        "AWS::Events::Rule", {"ScheduleExpression": "rate(1 minute)", "State": "ENABLED"}
    )


def test_created_objects_reach_the_uploads_queue(stage: Synthesised) -> None:
    template(stage, "data").has_resource_properties(
        "AWS::S3::Bucket",
        {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}},
    )
    template(stage, "processing").has_resource_properties(
        "AWS::Events::Rule",
        {
            "EventPattern": {
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": Match.object_like({"object": {"key": [{"prefix": "originals/"}, {"prefix": "inbox/"}]}}),
            },
            "Targets": [
                Match.object_like(
                    {
                        "Arn": {"Fn::GetAtt": [Match.string_like_regexp("^uploadsqueue"), "Arn"]},
                        "DeadLetterConfig": {
                            "Arn": {"Fn::GetAtt": [Match.string_like_regexp("^uploadsdeadletters"), "Arn"]}
                        },
                    }
                )
            ],
        },
    )


def test_the_bucket_is_closed_and_encrypted(stage: Synthesised) -> None:
    for _, logical_id, bucket in stage.resources("AWS::S3::Bucket"):
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, logical_id
        assert bucket["BucketEncryption"], logical_id


def routes(stage: Synthesised, api: str) -> dict[str, dict[str, Any]]:
    return {
        properties["RouteKey"]: properties
        for _, _, properties in stage.resources("AWS::ApiGatewayV2::Route")
        if any(text.startswith(api) for text in texts(properties["ApiId"]))
    }


PUBLIC = {
    "GET /health",
    "GET /health/{proxy+}",
    "GET /docs",
    "GET /docs/{proxy+}",
    "GET /openapi.json",
    "GET /problems",
    "GET /problems/{proxy+}",
}


def test_only_public_routes_need_no_token(production: Synthesised, local: Synthesised) -> None:
    def public(stage: Synthesised) -> set[str]:
        found = routes(stage, "httpapi")
        assert all(it["AuthorizationType"] in {"JWT", "NONE"} for it in found.values())
        assert all("AuthorizerId" in it for it in found.values() if it["AuthorizationType"] == "JWT")
        return {key for key, it in found.items() if it["AuthorizationType"] == "NONE"}

    assert public(production) == PUBLIC
    assert public(local) == PUBLIC | {"POST /v1/auth/{proxy+}"}
    for stage in (production, local):
        assert {key for key in routes(stage, "httpapi") if key.endswith(" /{proxy+}")} == {
            f"{method} /{{proxy+}}" for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        }


def test_tokens_are_checked_against_the_user_pool(stage: Synthesised) -> None:
    ((_, _, authorizer),) = stage.resources("AWS::ApiGatewayV2::Authorizer")
    assert authorizer["AuthorizerType"] == "JWT"
    issuer = "".join(texts(authorizer["JwtConfiguration"]["Issuer"]))
    assert issuer.startswith("https://cognito-idp.")
    assert "userspool" in issuer
    assert any("userspoolclient" in text for text in texts(authorizer["JwtConfiguration"]["Audience"]))


def test_the_socket_has_all_three_routes(stage: Synthesised) -> None:
    assert set(routes(stage, "socketsapi")) == {"$connect", "$disconnect", "$default"}


def test_the_database_has_a_reader_and_a_proxy_with_both_roles(production: Synthesised) -> None:
    database = template(production, "database")
    database.has_resource_properties(
        "AWS::RDS::DBCluster",
        {
            "Engine": "aurora-postgresql",
            "EngineVersion": "18.4",
            "StorageEncrypted": True,
            "DeletionProtection": True,
            "ServerlessV2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 16},
        },
    )
    database.resource_count_is("AWS::RDS::DBInstance", 2)
    database.all_resources_properties(
        "AWS::RDS::DBInstance", {"DBInstanceClass": "db.serverless", "PubliclyAccessible": False}
    )
    database.has_resource_properties("AWS::RDS::DBProxy", {"EngineFamily": "POSTGRESQL", "RequireTLS": True})
    database.has_resource_properties("AWS::RDS::DBProxyEndpoint", {"TargetRole": "READ_ONLY"})
    database.resource_count_is("AWS::SecretsManager::RotationSchedule", 1)


def test_the_reader_can_become_the_writer(production: Synthesised) -> None:
    tiers = {
        logical_id: properties["PromotionTier"]
        for _, logical_id, properties in production.resources("AWS::RDS::DBInstance")
    }
    assert sorted(tiers.values()) == [0, 1], "a reader in tier 0 or 1 scales with the writer"


def test_only_the_proxy_and_migrations_reach_the_instances(production: Synthesised) -> None:
    doors = {
        (name_of(properties["GroupId"]), name_of(properties["SourceSecurityGroupId"]))
        for stack, _, properties in production.resources("AWS::EC2::SecurityGroupIngress")
        if stack == "database"
    }
    assert {door for door in doors if door[0] == "at-cluster"} - {("at-cluster", "rotation")} == {
        ("at-cluster", "at-proxy"),
        ("at-cluster", "migrations"),
    }
    assert {door for door in doors if door[0] == "at-proxy"} == {("at-proxy", "clients")}


def name_of(group: Any) -> str:
    """Which of the database's groups a template means."""
    text = "".join(texts(group)).lower()
    marks = {"atcluster": "at-cluster", "atproxy": "at-proxy", "migrations": "migrations", "rotation": "rotation"}
    return next((name for mark, name in marks.items() if mark in text), "clients" if "clients" in text else text)


def test_functions_stand_in_the_network(production: Synthesised) -> None:
    assert all("VpcConfig" in properties for properties in production.functions().values())
    groups = {
        name: properties["VpcConfig"]["SecurityGroupIds"][0]["Fn::ImportValue"]
        for name, properties in production.functions().items()
    }
    assert "migrations" in groups.pop("migrate_database")
    assert all("clients" in group for group in groups.values())


def test_links_are_checked_and_what_they_name_is_kept_for_ever(production: Synthesised) -> None:
    data = template(production, "data")
    data.has_resource_properties(
        "AWS::CloudFront::Distribution",
        {
            "DistributionConfig": Match.object_like(
                {
                    "DefaultCacheBehavior": Match.object_like(
                        {"TrustedKeyGroups": Match.any_value(), "ViewerProtocolPolicy": "https-only"}
                    ),
                    "Origins": [Match.object_like({"OriginAccessControlId": Match.any_value()})],
                }
            )
        },
    )
    ((_, _, distribution),) = production.resources("AWS::CloudFront::Distribution")
    default, (exports,) = (distribution["DistributionConfig"][it] for it in ("DefaultCacheBehavior", "CacheBehaviors"))
    assert exports["TrustedKeyGroups"] == default["TrustedKeyGroups"], "none may be read without a signature"
    assert exports["ViewerProtocolPolicy"] == "https-only"
    assert (exports["PathPattern"], exports["Compress"]) == ("exports/*", False)
    ((_, _, headers),) = production.resources("AWS::CloudFront::ResponseHeadersPolicy")
    assert "immutable" in json.dumps(headers)
    ((_, _, cache),) = production.resources("AWS::CloudFront::CachePolicy")
    keyed = cache["CachePolicyConfig"]["ParametersInCacheKeyAndForwardedToOrigin"]
    assert keyed["QueryStringsConfig"] == {"QueryStringBehavior": "none"}


def test_what_is_kept_outlives_its_stack(production: Synthesised) -> None:
    kept = {
        "AWS::S3::Bucket": "Retain",
        "AWS::Cognito::UserPool": "Retain",
        "AWS::RDS::DBCluster": "Snapshot",
    }
    for stack in production.templates.values():
        for logical_id, resource in stack["Resources"].items():
            if resource["Type"] in kept:
                assert resource["DeletionPolicy"] == kept[resource["Type"]], logical_id


def test_stateless_stacks_keep_nothing(production: Synthesised) -> None:
    for name in ("processing", "segmentation", "api", "monitoring"):
        for logical_id, resource in production.templates[name]["Resources"].items():
            policy = resource.get("DeletionPolicy", "Delete")
            assert policy == "Delete" or resource["Type"] == "AWS::Lambda::Version", logical_id


def test_the_gateway_calls_a_version_of_the_api_that_starts_from_a_snapshot(production: Synthesised) -> None:
    resources = production.templates["api"]["Resources"]
    ((alias, named),) = ((name, it) for name, it in resources.items() if it["Type"] == "AWS::Lambda::Alias")
    version = resources[named["Properties"]["FunctionVersion"]["Fn::GetAtt"][0]]
    function = resources[version["Properties"]["FunctionName"]["Ref"]]["Properties"]
    assert function["Handler"] == "http_api.handler.handler"
    assert function["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    assert version["DeletionPolicy"] == "Delete"  # a version that stays goes on costing
    template(production, "api").has_resource_properties(
        "AWS::ApiGatewayV2::Integration", {"IntegrationUri": {"Ref": alias}, "PayloadFormatVersion": "2.0"}
    )


def test_migrations_run_before_the_other_functions_change(production: Synthesised) -> None:
    resources = production.templates["processing"]["Resources"]
    ((trigger, _),) = ((name, it) for name, it in resources.items() if it["Type"] == "Custom::Trigger")
    after = {
        it["Properties"]["Handler"].removesuffix(".handler.handler")
        for it in resources.values()
        if it["Type"] == "AWS::Lambda::Function" and trigger in it.get("DependsOn", [])
    }
    assert after == {"accept_upload", "dead_letters", "requeue_stalled", "work_on_projects"}


def test_alarms_ring_on_the_topic(production: Synthesised) -> None:
    alarms = {
        logical_id: properties
        for stack, logical_id, properties in production.resources("AWS::CloudWatch::Alarm")
        if stack == "monitoring"
    }
    for name in ("deadletters", "oldestmessage", "http5xx", "errors", "throttles", "readerlag", "noworkercomes"):
        assert any(name in logical_id for logical_id in alarms), name
    for logical_id, properties in alarms.items():
        assert any("alarmstopic" in text for text in texts(properties["AlarmActions"])), logical_id
        assert properties["AlarmDescription"], logical_id
        assert properties["TreatMissingData"] == "notBreaching", logical_id


def test_what_is_drawn_of_our_own_metrics_is_published(production: Synthesised) -> None:
    """A graph of a metric that nobody counts would stay empty, and look like peace."""
    body = "".join(text for _, _, it in production.resources("AWS::CloudWatch::Dashboard") for text in texts(it))
    drawn = set(re.findall(r'"SpheroSeg","(\w+)","service","(\w+)"', body))
    assert {name for name, _ in drawn} >= {"CacheHit", "CacheMiss", "CacheUnavailable", "RateLimited"}
    assert {service for _, service in drawn} <= {*FUNCTIONS, "segmentation_worker", "export_worker"}
    folders = ("layers/common/python", "functions", "gpu_container")
    code = "".join(path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py"))
    assert {name for name, _ in drawn if f'"{name}"' not in code} == set()
