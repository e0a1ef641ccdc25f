"""What rings, and what one looks at then."""

from aws_cdk import CfnOutput, Duration, Stack
from constructs import Construct

from infra_cdk.components.alarms import Alarms
from infra_cdk.components.dashboard import Dashboard
from infra_cdk.components.published import published, share_of_hits
from infra_cdk.config import StageConfig
from infra_cdk.stacks.api import ApiStack
from infra_cdk.stacks.database import DatabaseStack
from infra_cdk.stacks.exports import ExportsStack
from infra_cdk.stacks.processing import ProcessingStack
from infra_cdk.stacks.segmentation import SegmentationStack

MINUTE = Duration.minutes(1)
FIVE_MINUTES = Duration.minutes(5)
OLDEST_UPLOAD_S = 300
OLDEST_UPDATE_S = 300
OLDEST_PROJECT_WORK_S = 900
"""Some jobs of others before it, each of which gives way after 20 s."""
OLDEST_EXPORT_S = 3600
"""A task's start, and the largest of some exports before it."""
OLDEST_SEGMENTATION_S = {"high": 900, "normal": 3600, "low": 6 * 3600}
"""An instance's start, and then the acceptable wait several times over; a low one may wait for the night."""
NO_WORKER_MINUTES = 20
"""Three times a start."""
HTTP_API = "http_api"
"""Of all functions it alone has a cache."""


class MonitoringStack(Stack):
    """Alarms on one topic, and a dashboard over the other stacks."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        processing: ProcessingStack,
        api: ApiStack,
        database: DatabaseStack | None,
        segmentation: SegmentationStack | None,
        exports: ExportsStack | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.alarms = Alarms(self, "alarms", stage=stage)
        self.dashboard = Dashboard(self, "dashboard", stage=stage)
        self._watch_processing(processing)
        self._watch_api(api)
        if segmentation:
            self._watch_segmentation(segmentation)
        if exports:
            self.dashboard.add_graphs(("Exports waiting and at work", [exports.workers.held]))
        if database:
            self._watch_database(database, stage)
        self.dashboard.add_alarms(self.alarms.all)
        CfnOutput(self, "AlarmTopicArn", value=self.alarms.topic.topic_arn)

    def _watch_processing(self, processing: ProcessingStack) -> None:
        segmentations = processing.segmentations.by_priority
        limits_s = {
            "uploads": OLDEST_UPLOAD_S,
            **{f"segmentations-{priority}": OLDEST_SEGMENTATION_S[priority] for priority in segmentations},
            "updates": OLDEST_UPDATE_S,
            "project-work": OLDEST_PROJECT_WORK_S,
            "exports": OLDEST_EXPORT_S,
        }
        queues = {
            "uploads": processing.uploads,
            **{f"segmentations-{priority}": queue for priority, queue in segmentations.items()},
            "updates": processing.updates,
            "project-work": processing.project_work,
            "exports": processing.exports,
        }
        for name, queue in queues.items():
            self.alarms.when_dead_letters_come(name, queue)
            self.alarms.when_messages_grow_old(name, queue, limits_s[name])
        for function in processing.functions:
            self.alarms.when_function_fails(function, function.name, errors=3)
        self.dashboard.add_queues(queues)
        self.dashboard.add_functions({function.name: function for function in processing.functions})

    def _watch_api(self, api: ApiStack) -> None:
        failed = api.http.api.metric_server_error(statistic="Sum", period=FIVE_MINUTES)
        self.alarms.when("http-5xx", failed, 5, description="The HTTP API answered 5xx five times in 5 minutes")
        for function in api.functions:
            self.alarms.when_function_fails(function, function.name, errors=3)
        self.dashboard.add_functions({function.name: function for function in api.functions})
        self.dashboard.add_graphs(
            ("Requests", [api.http.api.metric_count(period=FIVE_MINUTES)]),
            ("4xx and 5xx", [api.http.api.metric_client_error(period=FIVE_MINUTES), failed]),
            (
                "Latency, ms",
                [api.http.api.metric_latency(statistic=share, period=FIVE_MINUTES) for share in ("p50", "p95")],
            ),
        )

        self.dashboard.add_graphs(
            ("Hot reads from the cache, %", [share_of_hits(HTTP_API, period=FIVE_MINUTES)]),
            (
                "Hot reads",
                [
                    published(name, HTTP_API, period=FIVE_MINUTES, label=label)
                    for name, label in {
                        "CacheHit": "from the cache",
                        "CacheMiss": "from the database, then kept",
                        "CacheOvertaken": "changed while they were read: not kept",
                        "CacheUnreadable": "entry not readable",
                        "CacheUnavailable": "cache did not answer",
                    }.items()
                ],
            ),
            (
                "Requests refused, counted without the cache server",
                [published(name, HTTP_API, period=FIVE_MINUTES) for name in ("RateLimited", "RateCountedAlone")],
            ),
        )

    def _watch_segmentation(self, segmentation: SegmentationStack) -> None:
        backlog = segmentation.workers.backlog
        self.alarms.when(
            "no-worker-comes",
            backlog.waits_without_task(),
            1,
            periods=NO_WORKER_MINUTES,
            description="Messages wait and no worker starts: see the service's events, and the zone's stock of GPUs",
        )
        self.dashboard.add_graphs(
            ("Backlog per task", [backlog.per_task()]), ("Running tasks", [backlog.running_tasks()])
        )

    def _watch_database(self, database: DatabaseStack, stage: StageConfig) -> None:
        cluster = database.aurora.cluster
        lag = cluster.metric("AuroraReplicaLagMaximum", statistic="Maximum", period=MINUTE)
        used = cluster.metric("ACUUtilization", statistic="Average", period=FIVE_MINUTES)
        self.alarms.when(
            "reader-lag",
            lag,
            stage.reader_lag_limit_s * 1000,
            periods=3,
            description="The reader is behind by more than functions accept: all reads go to the writer (lag in ms)",
        )
        self.alarms.when(
            "database-at-its-limit",
            used,
            90,
            periods=3,
            description="The database uses 90 % of the capacity that it may grow to: raise max_capacity_acu",
        )
        self.dashboard.add_graphs(
            ("Reader lag, ms", [lag]),
            ("Capacity used, %", [used]),
            (
                "Connections",
                [cluster.metric("DatabaseConnections", statistic="Sum", period=MINUTE)],
            ),
        )
