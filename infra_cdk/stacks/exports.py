"""The workers that write exports and read imports, where the stage runs its own."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.components.database import Database
from infra_cdk.components.export_service import ExportService
from infra_cdk.components.image_store import ImageStore
from infra_cdk.components.queue import Queue
from infra_cdk.config import EXPORTS_PREFIX, IMPORTS_PREFIX, ExportsConfig, StageConfig


class ExportsStack(Stack):
    """The export service between its queue and the bucket."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        config: ExportsConfig,
        images: ImageStore,
        exports: Queue,
        updates: Queue,
        database: Database,
    ) -> None:
        super().__init__(scope, construct_id)
        if database.place is None:
            raise ValueError("The workers stand in the database's network")
        self.workers = ExportService(
            self,
            "exporters",
            stage=stage,
            config=config,
            environment={
                "POWERTOOLS_SERVICE_NAME": "export_worker",
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "POWERTOOLS_TRACE_DISABLED": "true",  # no daemon stands beside the worker
                "SPHEROSEG_STAGE": stage.name,
                **database.writer_environment(),
                **images.environment(),
                "SPHEROSEG_EXPORTS_QUEUE_URL": exports.queue.queue_url,
                "SPHEROSEG_UPDATES_QUEUE_URL": updates.queue.queue_url,
            },
            queue=exports.queue,
            place=database.place,
        )
        role = self.workers.task.task_role
        database.grant_sign_in(role)
        images.grant(role, ["s3:GetObject"], "originals/")
        # What an attempt left that was replaced or cancelled is removed again.
        images.grant(role, ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], EXPORTS_PREFIX)
        # A file that was read goes; outlines of it become files of a result, or of none when it is not stored.
        images.grant(role, ["s3:GetObject", "s3:DeleteObject"], IMPORTS_PREFIX)
        images.grant(role, ["s3:PutObject", "s3:DeleteObject"], "results/")
        images.grant_list(role, uploads=True)
        exports.queue.grant_consume_messages(role)
        updates.queue.grant_send_messages(role)
        exports.queue.grant_send_messages(role)  # the end of one is the turn of the next
        CfnOutput(self, "ExportsClusterName", value=self.workers.cluster.cluster_name)
        CfnOutput(self, "ExportsServiceName", value=self.workers.service.service_name)
