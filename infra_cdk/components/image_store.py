"""Original files, results and inboxes, and the edge that hands them out."""

from collections.abc import Sequence

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.cdn import Cdn
from infra_cdk.components.resource_of import resource_of
from infra_cdk.config import EXPORTS_PREFIX, IMPORTS_PREFIX, StageConfig


class ImageStore(Construct):
    """The bucket. What is created in it is announced on the event bus.

    Objects never change: keys hold the id of what made them. Nobody reads it without a signature.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id)
        logs = self._access_logs(stage.access_log_days) if stage.access_log_days else None
        self.bucket = s3.Bucket(
            self,
            "bucket",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=stage.enforce_tls,
            server_access_logs_bucket=logs,
            server_access_logs_prefix="bucket/" if logs else None,
            cors=[
                s3.CorsRule(
                    allowed_methods=[
                        s3.HttpMethods.GET,
                        s3.HttpMethods.HEAD,
                        s3.HttpMethods.POST,
                        s3.HttpMethods.PUT,  # parts of large files
                    ],
                    allowed_origins=list(stage.cors_origins),
                    allowed_headers=["*"],
                    exposed_headers=["ETag"],
                    max_age=3600,
                )
            ],
            lifecycle_rules=[
                s3.LifecycleRule(abort_incomplete_multipart_upload_after=Duration.days(1)),
                # Removed by the sweep on time; this is for what no sweep has seen. S3 counts days from midnight.
                s3.LifecycleRule(prefix=EXPORTS_PREFIX, expiration=Duration.days(1)),
                s3.LifecycleRule(prefix=IMPORTS_PREFIX, expiration=Duration.days(1)),
            ],
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )
        # The bucket's own property: event_bridge_enabled=True would bring a function of the CDK's to set it.
        bucket = resource_of(self.bucket, s3.CfnBucket)
        bucket.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        self.cdn = Cdn(self, "cdn", stage=stage, config=stage.cdn, bucket=self.bucket, logs=logs) if stage.cdn else None

    def grant(self, grantee: iam.IGrantable, actions: Sequence[str], *prefixes: str) -> None:
        """Let it do something with the objects whose keys start with one of the prefixes.

        Args:
            actions: Of objects, such as ``s3:GetObject``; whoever has it also needs ``grant_list`` to tell an absent
                object from a forbidden one.
        """
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=list(actions),
            resource_arns=[self.bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes],
        )

    def grant_list(self, grantee: iam.IGrantable, *, uploads: bool = False) -> None:
        """Let it list the bucket; without that, S3 answers 403 for an object that is not there, not 404.

        Args:
            uploads: Unfinished uploads in parts, too.
        """
        actions = ["s3:ListBucket", *(["s3:ListBucketMultipartUploads"] if uploads else [])]
        iam.Grant.add_to_principal(grantee=grantee, actions=actions, resource_arns=[self.bucket.bucket_arn])

    def environment(self) -> dict[str, str]:
        """What ``StorageSettings`` reads."""
        return {"SPHEROSEG_BUCKET": self.bucket.bucket_name}

    def link_environment(self) -> dict[str, str]:
        """What ``LinkSettings`` reads."""
        return self.cdn.environment() if self.cdn else {"SPHEROSEG_LINKS": "s3"}

    def grant_sign_links(self, grantee: iam.IGrantable) -> None:
        """Let it read the key that signs links, where it is not its own."""
        if self.cdn:
            self.cdn.grant_sign(grantee)

    def _access_logs(self, days: int) -> s3.Bucket:
        logs = s3.Bucket(
            self,
            "access-logs",
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_PREFERRED,  # CloudFront delivers with an ACL
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            lifecycle_rules=[s3.LifecycleRule(expiration=Duration.days(days))],
            removal_policy=RemovalPolicy.RETAIN,
        )
        accept(logs, "AwsSolutions-S1", "Logs about reading logs would have no end")
        return logs
