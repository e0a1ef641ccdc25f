"""Lambda functions, and the layers under them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Annotations, Duration, IgnoreMode, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.log_group import log_group
from infra_cdk.config import ROOT, StageConfig

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64
DEPENDENCIES = ROOT / "layers" / "dependencies"
BYTECODE = ["**/__pycache__", "**/*.pyc"]
VISIBILITY_TIMEOUTS = 6
"""Function timeouts that a message is lent for. Source: AWS Lambda developer guide, «Using Lambda with Amazon SQS»."""


@dataclass(frozen=True)
class Place:
    """Where in a network functions run: subnets with a way out, and the group that the database lets in."""

    vpc: ec2.IVpc
    subnets: ec2.SubnetSelection
    security_group: ec2.ISecurityGroup


def dependencies_are_built(folder: Path) -> bool:
    """Whether the folder's python/ was made from its requirements.txt."""
    stamp = folder / "python" / ".built-from"
    digest = hashlib.sha256((folder / "requirements.txt").read_bytes()).hexdigest()
    return stamp.is_file() and stamp.read_text().strip() == digest


class Layers(Construct):
    """The layers of one stack's functions: our own code, and the libraries that it needs.

    Each stack has its own: a layer's address changes with its content, and an address that another stack imports
    cannot change.

    Synthesis needs neither network nor a built layer. Where layers/dependencies/python is missing or was made from
    another requirements.txt, the stack carries an error: `cdk deploy` refuses it, synthesis alone does not. The CDK's
    command line does not come that far: it runs layers/dependencies/build.py first (`build` in cdk.json).
    """

    def __init__(self, scope: Construct, stage: StageConfig) -> None:
        super().__init__(scope, "layers")
        common = lambda_.LayerVersion(
            self,
            "common",
            code=lambda_.Code.from_asset(str(ROOT / "layers" / "common"), exclude=BYTECODE, ignore_mode=IgnoreMode.GIT),
            compatible_runtimes=[RUNTIME],
            description="The package spheroseg",
        )
        self.versions: list[lambda_.ILayerVersion] = [common]
        if stage.dependency_layer:
            self.versions.append(self._dependencies())

    def _dependencies(self) -> lambda_.LayerVersion:
        folder = DEPENDENCIES
        layer = lambda_.LayerVersion(
            self,
            "dependencies",
            code=lambda_.Code.from_asset(str(folder), exclude=["/*", "!/python"], ignore_mode=IgnoreMode.GIT),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            description="What layers/dependencies/requirements.txt locks",
        )
        if not dependencies_are_built(folder):
            Annotations.of(layer).add_error(
                "layers/dependencies/python is missing or older than requirements.txt, so the functions would find no "
                "libraries: run `python layers/dependencies/build.py`, then synthesise again"
            )
        return layer


class Function(lambda_.Function):
    """A function of the folder functions/, under the import name that it has there and in tests.

    Its log group is made with it and goes with it. It may write its logs and traces and hold its network interfaces;
    everything else is granted by its stack. Batches and schedules need nothing more: what fails is delivered again.

    Args:
        name: Folder under functions/, hence import root; the handler is ``<name>.handler.handler``.
        timeout_s: After this the call is cut off; messages must be lent for six times as long.
        memory_mib: Memory; the share of CPU grows with it, one whole CPU at 1,769 MiB.
        environment: What its settings read; what Powertools reads is added.
        concurrency: Calls at once at most, taken from the account's; None shares what the account has.
        snap_start: Start from a snapshot taken after the imports, see ``front``. What is drawn by chance or connected
            at import would be the same in all that start from it; nothing of ours is.
        place: Where it reaches the database, or None where that needs no network.
    """

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: StageConfig,
        layers: Layers,
        environment: Mapping[str, str],
        timeout_s: int,
        memory_mib: int = 512,
        concurrency: int | None = None,
        snap_start: bool = False,
        place: Place | None = None,
        retry_attempts: int | None = None,
        max_event_age: Duration | None = None,
    ) -> None:
        self.name = name
        logs = log_group(scope, f"{name}-logs", stage, f"functions/{name}")
        role = iam.Role(scope, f"{name}-role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        logs.grant_write(role)
        if place:
            _let_hold_network_interfaces(role)
        if stage.tracing:
            accept(role, "AwsSolutions-IAM5[Resource::*]", "X-Ray takes traces under no narrower resource")
        super().__init__(
            scope,
            name,
            description=f"SpheroSeg {stage.name}: {name}",
            code=lambda_.Code.from_asset(
                str(ROOT / "functions"), exclude=["/*", f"!/{name}", *BYTECODE], ignore_mode=IgnoreMode.GIT
            ),
            handler=f"{name}.handler.handler",
            runtime=RUNTIME,
            architecture=ARCHITECTURE,
            layers=layers.versions,
            environment={**_powertools(name, stage), **environment},
            timeout=Duration.seconds(timeout_s),
            memory_size=memory_mib,
            reserved_concurrent_executions=concurrency,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            # A snapshot costs as long as its version is there.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.DESTROY)
            if snap_start
            else None,
            retry_attempts=retry_attempts,
            max_event_age=max_event_age,
            role=role,
            log_group=logs,
            tracing=lambda_.Tracing.ACTIVE if stage.tracing else lambda_.Tracing.DISABLED,
            vpc=place.vpc if place else None,
            vpc_subnets=place.subnets if place else None,
            security_groups=[place.security_group] if place else None,
        )
        self.front: lambda_.IFunction = self.add_alias("front") if snap_start else self
        """What a gateway calls: snapshots are of published versions only, and an alias names the present one."""
        accept(self, "AwsSolutions-L1", "A newer Python is taken when all libraries have wheels for it, not on its day")

    def take_from(self, queue: sqs.IQueue, *, max_concurrency: int, batch_size: int = 10) -> None:
        """Be called with messages of a queue; only those that failed are delivered again.

        Args:
            max_concurrency: Batches that are worked on at once, 2 at least.
            batch_size: Messages of one call at most, up to 10.
        """
        self.add_event_source(
            sources.SqsEventSource(
                queue, batch_size=batch_size, report_batch_item_failures=True, max_concurrency=max_concurrency
            )
        )


def visibility_s(timeout_s: int) -> int:
    """How long a message is lent to a function of that timeout, both in seconds."""
    return VISIBILITY_TIMEOUTS * timeout_s


def _powertools(name: str, stage: StageConfig) -> dict[str, str]:
    return {
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_TRACE_DISABLED": "false" if stage.tracing else "true",
    }


def _let_hold_network_interfaces(role: iam.Role) -> None:
    role.add_to_policy(
        iam.PolicyStatement(
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSubnets",
                "ec2:UnassignPrivateIpAddresses",
            ],
            resources=["*"],
        )
    )
    accept(role, "AwsSolutions-IAM5[Resource::*]", "Lambda makes its network interfaces before they have a name")
