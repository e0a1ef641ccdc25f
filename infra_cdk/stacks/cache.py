"""The cache, where the stage runs its own."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.components.cache import ServerlessCache
from infra_cdk.components.function import Place
from infra_cdk.config import CacheConfig, StageConfig


class CacheStack(Stack):
    """ElastiCache; the stack may be deleted and made again, and costs nobody any data."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, config: CacheConfig, clients: Place
    ) -> None:
        super().__init__(scope, construct_id)
        self.serverless = ServerlessCache(self, "serverless", stage=stage, config=config, clients=clients)
        CfnOutput(self, "CacheEndpoint", value=self.serverless.address.host)
