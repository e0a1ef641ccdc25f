"""How much work there is for each worker, as metrics over queues and tasks."""

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_sqs as sqs

from infra_cdk.components.published import published

MINUTE = Duration.minutes(1)
"""How often SQS and ECS publish."""

WAITING = "ApproximateNumberOfMessagesVisible"
LENT = "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True)
class Backlog:
    """Metric math over the queues, the tasks, and the runs that wait for their turn before they are sent.

    Messages that a worker holds count too: otherwise the last of them would be taken for no work at all. Runs in turn
    count because the queues never hold more than a window of them (docs/decisions.md): without them a thousand waiting
    images would look like two hundred. ``requeue_stalled`` publishes their number every minute. Missing points are
    zeros: ECS publishes none for a service without tasks.
    """

    queues: Sequence[sqs.IQueue]
    cluster: ecs.ICluster
    service: ecs.IService

    def per_task(self) -> cloudwatch.MathExpression:
        """Messages waiting and lent and runs in turn, for each running task; with none running, all of them."""
        return cloudwatch.MathExpression(
            label="Backlog per task", expression=self._per_task(), using_metrics=self._metrics(), period=MINUTE
        )

    def waits_without_task(self) -> cloudwatch.MathExpression:
        """1 while messages wait and no task runs, else 0."""
        waiting = {name: metric for name, metric in self._metrics().items() if not name.startswith(("lent", "held"))}
        return cloudwatch.MathExpression(
            label="Waiting for the first task",
            expression=f"IF(({self._sum('waiting')}) > 0 AND FILL(tasks, 0) < 1, 1, 0)",
            using_metrics=waiting,
            period=MINUTE,
        )

    def tracked_per_task(self) -> scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty:
        """``per_task`` in the form of a scaling policy; the CDK has none for metric math."""
        policy = scaling.CfnScalingPolicy
        parts = [
            policy.TargetTrackingMetricDataQueryProperty(
                id=name,
                return_data=False,
                metric_stat=policy.TargetTrackingMetricStatProperty(
                    stat=metric.statistic,
                    metric=policy.TargetTrackingMetricProperty(
                        namespace=metric.namespace,
                        metric_name=metric.metric_name,
                        dimensions=[
                            policy.TargetTrackingMetricDimensionProperty(name=key, value=str(value))
                            for key, value in (metric.dimensions or {}).items()
                        ],
                    ),
                ),
            )
            for name, metric in self._metrics().items()
        ]
        whole = policy.TargetTrackingMetricDataQueryProperty(
            id="per_task", expression=self._per_task(), label="Backlog per task", return_data=True
        )
        return policy.CustomizedMetricSpecificationProperty(metrics=[*parts, whole])

    def running_tasks(self) -> cloudwatch.Metric:
        """Tasks that run."""
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name="RunningTaskCount",
            dimensions_map={"ClusterName": self.cluster.cluster_name, "ServiceName": self.service.service_name},
            statistic="Average",
            period=MINUTE,
        )

    def _metrics(self) -> dict[str, cloudwatch.Metric]:
        waiting = {f"waiting{number}": self._of(queue, WAITING) for number, queue in enumerate(self.queues)}
        lent = {f"lent{number}": self._of(queue, LENT) for number, queue in enumerate(self.queues)}
        return {**waiting, **lent, "held": self._held(), "tasks": self.running_tasks()}

    def _held(self) -> cloudwatch.Metric:
        return published("SegmentationHeld", "requeue_stalled", statistic="Maximum", period=MINUTE)

    def _of(self, queue: sqs.IQueue, name: str) -> cloudwatch.Metric:
        return queue.metric(name, statistic="Average", period=MINUTE)

    def _sum(self, prefix: str) -> str:
        return " + ".join(f"FILL({prefix}{number}, 0)" for number, _ in enumerate(self.queues))

    def _per_task(self) -> str:
        tasks = "FILL(tasks, 0)"
        return f"({self._sum('waiting')} + {self._sum('lent')} + FILL(held, 0)) / IF({tasks} < 1, 1, {tasks})"
