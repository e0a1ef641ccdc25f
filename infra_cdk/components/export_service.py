"""Workers that write exports: as many as wait, none when none does."""

from collections.abc import Mapping

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.function import Place
from infra_cdk.components.log_group import log_group
from infra_cdk.components.worker_image import worker_image
from infra_cdk.config import ExportsConfig, StageConfig

DOCKERFILE = "gpu_container/export.Dockerfile"
MINUTE = Duration.minutes(1)
"""How often SQS publishes."""


class ExportService(Construct):
    """An ECS service on Fargate: one export a task, one core each.

    The image is built when the stack is deployed; synthesis only copies its sources.

    Args:
        environment: What the worker's settings read.
        queue: What it empties; how much that holds decides how many tasks run.
        place: Where it stands to reach the database.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        config: ExportsConfig,
        environment: Mapping[str, str],
        queue: sqs.IQueue,
        place: Place,
    ) -> None:
        super().__init__(scope, construct_id)
        self.cluster = ecs.Cluster(self, "cluster", vpc=place.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
        self.task = self._task(stage, config, environment)
        self.service = ecs.FargateService(
            self,
            "service",
            cluster=self.cluster,
            task_definition=self.task,
            vpc_subnets=place.subnets,
            security_groups=[place.security_group],
            assign_public_ip=False,
            # No desired_count: each deployment would set it, against what the queue asks for.
            min_healthy_percent=0,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.held = self._held(queue)
        self._scale(config)

    def _held(self, queue: sqs.IQueue) -> cloudwatch.MathExpression:
        """Exports waiting and at work: a task that works on the last one is needed, too."""
        return cloudwatch.MathExpression(
            label="Exports waiting and at work",
            expression="FILL(waiting, 0) + FILL(lent, 0)",
            using_metrics={
                "waiting": queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=MINUTE),
                "lent": queue.metric_approximate_number_of_messages_not_visible(statistic="Maximum", period=MINUTE),
            },
            period=MINUTE,
        )

    def _task(
        self, stage: StageConfig, config: ExportsConfig, environment: Mapping[str, str]
    ) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "task",
            cpu=config.cpu_units,
            memory_limit_mib=config.memory_mib,
            ephemeral_storage_gib=config.disk_gib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
        )
        task.add_container(
            "worker",
            image=ecs.ContainerImage.from_docker_image_asset(worker_image(self, DOCKERFILE)),
            environment=dict(environment),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="worker", log_group=log_group(self, "logs", stage, "export_worker")
            ),
            linux_parameters=ecs.LinuxParameters(self, "linux", init_process_enabled=True),
            stop_timeout=Duration.seconds(config.stop_timeout_s),
            privileged=False,
        )
        accept(task, "AwsSolutions-IAM5[Resource::*]", "A token for the registry is given for all of it or not at all")
        accept(task, "AwsSolutions-ECS2", "Where things are is no secret; the password is read by its secret's name")
        return task

    def _scale(self, config: ExportsConfig) -> None:
        running = cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name="RunningTaskCount",
            dimensions_map={"ClusterName": self.cluster.cluster_name, "ServiceName": self.service.service_name},
            statistic="Average",
            period=MINUTE,
        )
        # Never fewer than run while there is work: ECS does not ask a task whether it is at an export before it stops
        # it, and one that is given back too often is given up.
        wanted = cloudwatch.MathExpression(
            label="Tasks wanted",
            expression=f"IF(held < 1, 0, MAX([CEIL(held / {config.messages_per_task}), FILL(tasks, 0)]))",
            using_metrics={"held": self.held, "tasks": running},
            period=MINUTE,
        )
        tasks = self.service.auto_scale_task_count(min_capacity=0, max_capacity=config.max_tasks)
        # Steps, because target tracking multiplies what runs, and so never leaves zero.
        tasks.scale_on_metric(
            "by-exports",
            metric=wanted,
            adjustment_type=scaling.AdjustmentType.EXACT_CAPACITY,
            scaling_steps=[
                scaling.ScalingInterval(change=0, upper=0),
                *(scaling.ScalingInterval(change=count, lower=count) for count in range(1, config.max_tasks + 1)),
            ],
            cooldown=MINUTE,
            evaluation_periods=1,
        )
