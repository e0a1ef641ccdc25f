"""What is kept: files and people."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.components.image_store import ImageStore
from infra_cdk.components.user_pool import UserPool
from infra_cdk.config import StageConfig


class DataStack(Stack):
    """The bucket with its edge, and the user pool. In production none of them goes with the stack."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id, termination_protection=stage.keeps_data)
        self.images = ImageStore(self, "images", stage=stage)
        self.users = UserPool(self, "users", stage=stage)
        CfnOutput(self, "BucketName", value=self.images.bucket.bucket_name)
        CfnOutput(self, "UserPoolId", value=self.users.pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=self.users.client.user_pool_client_id)
        if self.images.cdn:
            CfnOutput(self, "DistributionDomain", value=self.images.cdn.distribution.distribution_domain_name)
