"""One page of graphs, in the order of an image's way."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.components.function import Function
from infra_cdk.components.queue import Queue
from infra_cdk.config import StageConfig

MINUTE = Duration.minutes(1)


class Dashboard(Construct):
    """Rows of graphs; what a stage does not have gets no row."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id)
        self.page = cloudwatch.Dashboard(
            self, "page", dashboard_name=f"spheroseg-{stage.name}", default_interval=Duration.hours(3)
        )

    def add_alarms(self, alarms: Sequence[cloudwatch.IAlarm]) -> None:
        """The state of every alarm."""
        self.page.add_widgets(cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=24, height=4))

    def add_queues(self, queues: Mapping[str, Queue]) -> None:
        """What waits, and for how long."""
        self._row(
            ("Messages waiting", [_waiting(queue.queue, name) for name, queue in queues.items()]),
            (
                "Oldest message, s",
                [
                    queue.queue.metric_approximate_age_of_oldest_message(label=name, statistic="Maximum", period=MINUTE)
                    for name, queue in queues.items()
                ],
            ),
            ("Dead letters", [_waiting(queue.dead_letters, name) for name, queue in queues.items()]),
        )

    def add_functions(self, functions: Mapping[str, Function]) -> None:
        """How often they run, fail, and how long they take."""
        self._row(
            ("Calls", [it.metric_invocations(label=name, period=MINUTE) for name, it in functions.items()]),
            ("Errors", [it.metric_errors(label=name, period=MINUTE) for name, it in functions.items()]),
            (
                "Duration, p95, ms",
                [it.metric_duration(label=name, statistic="p95", period=MINUTE) for name, it in functions.items()],
            ),
        )

    def add_graphs(self, *graphs: tuple[str, Sequence[cloudwatch.IMetric]]) -> None:
        """One row of other graphs, each a title and its lines."""
        self._row(*graphs)

    def _row(self, *graphs: tuple[str, Sequence[cloudwatch.IMetric]]) -> None:
        self.page.add_widgets(
            *(
                cloudwatch.GraphWidget(title=title, left=list(lines), width=24 // len(graphs), height=6)
                for title, lines in graphs
            )
        )


def _waiting(queue: sqs.IQueue, label: str) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(label=label, statistic="Maximum", period=MINUTE)
