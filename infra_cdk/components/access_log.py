"""One line for each request that reaches a gateway, without tokens, addresses or names."""

import json

from aws_cdk import aws_apigatewayv2 as gateway
from constructs import Construct

from infra_cdk.components.log_group import log_group
from infra_cdk.components.resource_of import resource_of
from infra_cdk.config import StageConfig

LINE = json.dumps(
    {
        "requestId": "$context.requestId",
        "requestTime": "$context.requestTime",
        "routeKey": "$context.routeKey",
        "status": "$context.status",
        "responseLength": "$context.responseLength",
        "integrationLatency": "$context.integrationLatency",
        "error": "$context.error.message",
    }
)


def access_log(scope: Construct, stage: StageConfig, name: str, target: gateway.IStage) -> None:
    """Log every request to a stage of an API, into ``/spheroseg/<stage>/gateways/<name>``."""
    group = log_group(scope, "access-log", stage, f"gateways/{name}")
    resource_of(target, gateway.CfnStage).access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
        destination_arn=group.log_group_arn, format=LINE
    )
