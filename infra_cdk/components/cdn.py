"""CloudFront over the bucket: signed links, answered near the reader."""

from aws_cdk import Duration
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.config import EXPORTS_PREFIX, CdnConfig, StageConfig

YEAR = Duration.days(365)
IMMUTABLE = f"private, max-age={YEAR.to_seconds():.0f}, immutable"
"""An object never changes under its key. Private: a link is meant for one reader, not for the proxies on its way."""


class Cdn(Construct):
    """The bucket's only reader from outside; every request needs a link that our key signed.

    A signature is checked and then left out of the cache's key, so that all links to an object share one copy.

    To change the key, change the parameter's name in config.py: CloudFront's public keys cannot be changed in place.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        config: CdnConfig,
        bucket: s3.IBucket,
        logs: s3.IBucket | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.public_key = cloudfront.PublicKey(
            self,
            "public-key",
            encoded_key=ssm.StringParameter.value_for_string_parameter(self, config.public_key_parameter),
            comment=f"Checks the links of SpheroSeg {stage.name}",
        )
        self.private_key = secretsmanager.Secret.from_secret_name_v2(
            self, "private-key", config.private_key_secret_name
        )
        origin = origins.S3BucketOrigin.with_origin_access_control(bucket)
        signers = cloudfront.KeyGroup(self, "signers", items=[self.public_key])
        self.distribution = cloudfront.Distribution(
            self,
            "distribution",
            comment=f"SpheroSeg {stage.name}: originals and results",
            default_behavior=cloudfront.BehaviorOptions(
                origin=origin,
                allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                cache_policy=cloudfront.CachePolicy(
                    self,
                    "immutable-objects",
                    comment="By path alone; objects never change",
                    default_ttl=YEAR,
                    min_ttl=YEAR,
                    max_ttl=YEAR,
                    enable_accept_encoding_brotli=True,
                    enable_accept_encoding_gzip=True,
                ),
                response_headers_policy=self._headers(stage),
                trusted_key_groups=[signers],
                compress=True,
            ),
            # Kept for a day, fetched once: the edge keeps nothing of it, and packs nothing, so that ranges hold.
            additional_behaviors={
                f"{EXPORTS_PREFIX}*": cloudfront.BehaviorOptions(
                    origin=origin,
                    allowed_methods=cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
                    viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
                    cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
                    trusted_key_groups=[signers],
                    compress=False,
                )
            },
            # A missing object is asked for while it is being written: its absence must not be remembered.
            error_responses=[
                cloudfront.ErrorResponse(http_status=status, ttl=Duration.seconds(0)) for status in (403, 404)
            ],
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=cloudfront.PriceClass[config.price_class],
            enable_logging=logs is not None,
            log_bucket=logs,
            log_file_prefix="cdn/" if logs else None,
            log_includes_cookies=False if logs else None,
        )
        accept(self.distribution, "AwsSolutions-CFR1", "Who may read is decided by signature, not by country")
        accept(self.distribution, "AwsSolutions-CFR2", "Only signed GETs of stored objects pass; nothing to filter")
        accept(self.distribution, "AwsSolutions-CFR4", "CloudFront's own name allows no other certificate")

    def environment(self) -> dict[str, str]:
        """What ``LinkSettings`` reads."""
        return {
            "SPHEROSEG_LINKS": "cdn",
            "SPHEROSEG_CDN_DOMAIN": self.distribution.distribution_domain_name,
            "SPHEROSEG_CDN_KEY_PAIR_ID": self.public_key.public_key_id,
            "SPHEROSEG_CDN_PRIVATE_KEY_SECRET_ARN": self.private_key.secret_arn,
        }

    def grant_sign(self, grantee: iam.IGrantable) -> None:
        """Let it read the private key."""
        self.private_key.grant_read(grantee)

    def _headers(self, stage: StageConfig) -> cloudfront.ResponseHeadersPolicy:
        return cloudfront.ResponseHeadersPolicy(
            self,
            "headers",
            comment="Kept by the reader for a year; read by the pages that may",
            custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
                custom_headers=[cloudfront.ResponseCustomHeader(header="Cache-Control", value=IMMUTABLE, override=True)]
            ),
            cors_behavior=cloudfront.ResponseHeadersCorsBehavior(
                access_control_allow_credentials=False,
                access_control_allow_headers=["*"],
                access_control_allow_methods=["GET", "HEAD"],
                access_control_allow_origins=list(stage.cors_origins),
                access_control_expose_headers=["ETag", "Content-Length"],
                origin_override=True,
            ),
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=YEAR, include_subdomains=True, override=True
                ),
            ),
        )
