"""Aurora PostgreSQL behind its proxy."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

from infra_cdk.components.database import Address, Database
from infra_cdk.components.function import Place
from infra_cdk.components.log_group import log_group
from infra_cdk.config import AuroraConfig, StageConfig

DATABASE = "spheroseg"
PORT = 5432


class Aurora(Construct):
    """A writer and a reader that scale by themselves, and a proxy that shares their connections.

    Whoever stands in ``clients`` reaches the proxy, its endpoint for writing and the one for reading; only who stands
    in ``migrations`` reaches the writer itself. Groups are handed out, not taken in: a stack with functions then needs
    this one, and this one needs nobody.

    The reader takes over within about a minute when the writer fails. It scales with the writer, so that it can.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, config: AuroraConfig, vpc: ec2.IVpc
    ) -> None:
        super().__init__(scope, construct_id)
        isolated = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
        clients = self._group("clients", vpc, "Functions and workers that use the database")
        migrations = self._group("migrations", vpc, "What changes the tables of the database")
        at_proxy = self._group("at-proxy", vpc, "The proxy of the database")
        at_cluster = self._group("at-cluster", vpc, "The instances of the database")
        at_proxy.add_ingress_rule(clients, ec2.Port.tcp(PORT), "clients to the proxy")
        at_cluster.add_ingress_rule(at_proxy, ec2.Port.tcp(PORT), "proxy to the instances")
        at_cluster.add_ingress_rule(migrations, ec2.Port.tcp(PORT), "migrations to the writer")
        name = f"spheroseg-{stage.name}"
        # RDS would make this group by itself, and keep its lines for ever.
        logs = log_group(self, "logs", stage, f"/aws/rds/cluster/{name}/postgresql")
        self.cluster = rds.DatabaseCluster(
            self,
            "cluster",
            cluster_identifier=name,
            engine=rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_18_4),
            writer=rds.ClusterInstance.serverless_v2("writer", publicly_accessible=False),
            readers=[rds.ClusterInstance.serverless_v2("reader", scale_with_writer=True, publicly_accessible=False)],
            serverless_v2_min_capacity=config.min_capacity_acu,
            serverless_v2_max_capacity=config.max_capacity_acu,
            credentials=rds.Credentials.from_generated_secret("spheroseg"),
            default_database_name=DATABASE,
            port=PORT,
            vpc=vpc,
            vpc_subnets=isolated,
            security_groups=[at_cluster],
            iam_authentication=True,
            storage_encrypted=True,
            backup=rds.BackupProps(retention=Duration.days(config.backup_days)),
            copy_tags_to_snapshot=True,
            cloudwatch_logs_exports=["postgresql"],
            deletion_protection=stage.keeps_data,
            removal_policy=RemovalPolicy.SNAPSHOT if stage.keeps_data else RemovalPolicy.DESTROY,
        )
        self.cluster.node.add_dependency(logs)
        secret = self.cluster.secret
        if secret is None:
            raise ValueError("The cluster made no secret")
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        # Whoever opens a connection asks for the password anew, so a new one needs no restart.
        self.cluster.add_rotation_single_user(
            automatically_after=Duration.days(config.password_days), vpc_subnets=private
        )
        self.proxy = rds.DatabaseProxy(
            self,
            "proxy",
            proxy_target=rds.ProxyTarget.from_cluster(self.cluster),
            secrets=[secret],
            vpc=vpc,
            vpc_subnets=isolated,
            security_groups=[at_proxy],
            require_tls=True,
            max_connections_percent=config.max_connections_percent,
            borrow_timeout=Duration.seconds(config.borrow_timeout_s),
            idle_client_timeout=Duration.minutes(30),
        )
        reader = self.proxy.add_endpoint(
            "reader",
            vpc=vpc,
            vpc_subnets=isolated,
            security_groups=[at_proxy],
            target_role=rds.ProxyEndpointTargetRole.READ_ONLY,
        )
        self.database = Database(
            writer=Address(self.proxy.endpoint, str(PORT)),
            reader=Address(reader.endpoint, str(PORT)),
            direct=Address(self.cluster.cluster_endpoint.hostname, str(PORT)),
            name=DATABASE,
            secret=secret,
            tls="require",
            reader_lag_limit_s=stage.reader_lag_limit_s,
            place=Place(vpc, private, clients),
            direct_place=Place(vpc, private, migrations),
        )

    def _group(self, construct_id: str, vpc: ec2.IVpc, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(self, construct_id, vpc=vpc, description=description)
