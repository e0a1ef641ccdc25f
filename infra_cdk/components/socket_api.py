"""The WebSocket API: who watches is told when something changes."""

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.config import StageConfig

STAGE_NAME = "live"


class SocketApi(Construct):
    """Sockets of clients; connecting, leaving and whatever they say goes to one function.

    A browser cannot send a token while it opens a socket, so the gateway checks none: ``$connect`` carries a one-time
    ticket, which the function redeems before the connection stands.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig, function: lambda_.IFunction) -> None:
        super().__init__(scope, construct_id)

        def route() -> gateway.WebSocketRouteOptions:
            return gateway.WebSocketRouteOptions(
                integration=integrations.WebSocketLambdaIntegration("function", function)
            )

        self.api = gateway.WebSocketApi(
            self,
            "api",
            api_name=f"spheroseg-{stage.name}-sockets",
            connect_route_options=route(),
            disconnect_route_options=route(),
            default_route_options=route(),
        )
        self.stage = gateway.WebSocketStage(
            self, "stage", web_socket_api=self.api, stage_name=STAGE_NAME, auto_deploy=True
        )
        if stage.emulator:
            # The emulator serves every API under one address, which is known when it runs.
            address = CfnParameter(
                Stack.of(self),
                "EmulatorAddress",
                type="String",
                default=stage.emulator.address,
                description="Host and port of the emulator",
            ).value_as_string
            path = f"{address}/_aws/execute-api/{self.api.api_id}/{STAGE_NAME}"
            self.url, self.connections_endpoint = f"ws://{path}", f"http://{path}"
        else:
            self.url, self.connections_endpoint = self.stage.url, self.stage.callback_url
        accept(self.api, "AwsSolutions-APIG4", "$connect redeems a one-time ticket, see the class")
        accept(
            self.stage, "AwsSolutions-APIG1", "Needs a role for the whole account; watch_updates logs each connection"
        )

    def grant_push(self, grantee: iam.IGrantable) -> None:
        """Let it send to open connections."""
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["execute-api:ManageConnections"],
            resource_arns=[
                Stack.of(self).format_arn(
                    service="execute-api",
                    resource=self.api.api_id,
                    resource_name=f"{STAGE_NAME}/POST/@connections/*",
                )
            ],
        )
