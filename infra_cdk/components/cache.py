"""The cache server as functions see it, whoever runs it; and ElastiCache Serverless, which runs it in AWS."""

from dataclasses import dataclass

from aws_cdk import ArnFormat, CfnParameter, Stack, Token
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra_cdk.components.function import Place
from infra_cdk.config import CacheConfig, StageConfig

PORT = 6379
VALKEY_VERSION = "8"
"""The newest major version of Valkey that ElastiCache Serverless takes."""
USER_MAY = "on ~spheroseg:* resetchannels -@all +ping +get +set +eval +time"
"""Keys of ours alone, and the commands that adapters/valkey.py sends."""


@dataclass(frozen=True)
class Cache:
    """Where the cache server is, and who one is there.

    Args:
        host, port: What functions connect to.
        variables: What else ``CacheSettings`` reads.
        secret: JSON with ``password``, where one signs in by password.
        resources: What signing in by IAM is granted on.
    """

    host: str
    port: str
    variables: dict[str, str]
    secret: secretsmanager.ISecret | None = None
    resources: tuple[str, ...] = ()

    def environment(self) -> dict[str, str]:
        """What ``CacheSettings`` reads."""
        return {"SPHEROSEG_CACHE_HOST": self.host, "SPHEROSEG_CACHE_PORT": self.port, **self.variables}

    def grant_sign_in(self, grantee: iam.IGrantable) -> None:
        """Let it sign in; the network lets in whoever stands in the database's place."""
        if self.secret is not None:
            self.secret.grant_read(grantee)
        if self.resources:
            grantee.grant_principal.add_to_principal_policy(
                iam.PolicyStatement(actions=["elasticache:Connect"], resources=list(self.resources))
            )


class ServerlessCache(Construct):
    """Valkey that scales by itself: encrypted at rest and on the way, and open to one user, who signs in by IAM.

    Whoever stands in ``clients`` reaches it. What it holds may be lost at any time.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, config: CacheConfig, clients: Place
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"spheroseg-{stage.name}"
        group = ec2.SecurityGroup(
            self, "at-cache", vpc=clients.vpc, description="The cache server", allow_all_outbound=False
        )
        group.add_ingress_rule(clients.security_group, ec2.Port.tcp(PORT), "clients to the cache")
        user = elasticache.CfnUser(
            self,
            "user",
            engine="valkey",
            user_id=name,
            user_name=name,
            access_string=USER_MAY,
            authentication_mode={"Type": "iam"},
        )
        users = elasticache.CfnUserGroup(self, "users", engine="valkey", user_group_id=name, user_ids=[user.ref])
        subnets = clients.vpc.select_subnets(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        self.cache = elasticache.CfnServerlessCache(
            self,
            "cache",
            engine="valkey",
            major_engine_version=VALKEY_VERSION,
            serverless_cache_name=name,
            description=f"SpheroSeg {stage.name}: hot reads and request rates",
            subnet_ids=subnets.subnet_ids,
            security_group_ids=[group.security_group_id],
            user_group_id=users.ref,
            cache_usage_limits=elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
                data_storage=elasticache.CfnServerlessCache.DataStorageProperty(unit="GB", maximum=config.max_gb),
                ecpu_per_second=elasticache.CfnServerlessCache.ECPUPerSecondProperty(maximum=config.max_ecpu_per_s),
            ),
        )
        user_arn = Stack.of(self).format_arn(
            service="elasticache", resource="user", resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )
        self.address = Cache(
            host=self.cache.attr_endpoint_address,
            port=Token.as_string(self.cache.attr_endpoint_port),
            variables={
                "SPHEROSEG_CACHE_TLS": "require",
                "SPHEROSEG_CACHE_NAME": name,
                "SPHEROSEG_CACHE_USER": name,
            },
            resources=(self.cache.attr_arn, user_arn),
        )


def external_cache(scope: Construct) -> Cache:
    """A server that somebody else runs; the parameters of the scope's stack say where.

    Parameters: CacheHost (empty: there is none), CachePort, CacheSecretArn.
    """
    stack = Stack.of(scope)

    def parameter(name: str, description: str, default: str | None = None) -> str:
        return CfnParameter(stack, name, type="String", description=description, default=default).value_as_string

    arn = parameter("CacheSecretArn", "Secret with the cache's password as JSON")
    return Cache(
        host=parameter("CacheHost", "Host of the cache server; empty: there is none", default=""),
        port=parameter("CachePort", "Port of the cache server", default=str(PORT)),
        variables={"SPHEROSEG_CACHE_TLS": "disable", "SPHEROSEG_CACHE_SECRET_ARN": arn},
        secret=secretsmanager.Secret.from_secret_complete_arn(stack, "cache-secret", arn),
    )
