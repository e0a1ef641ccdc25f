"""The workers, where the stage runs its own."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.components.database import Database
from infra_cdk.components.gpu_service import GpuService
from infra_cdk.components.image_store import ImageStore
from infra_cdk.components.queue import Queue
from infra_cdk.components.segmentation_queues import SegmentationQueues
from infra_cdk.config import GpuConfig, StageConfig


class SegmentationStack(Stack):
    """The GPU service between the segmentation queues and the updates."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        gpu: GpuConfig,
        images: ImageStore,
        segmentations: SegmentationQueues,
        updates: Queue,
        database: Database,
    ) -> None:
        super().__init__(scope, construct_id)
        if database.place is None:
            raise ValueError("The workers stand in the database's network")
        self.workers = GpuService(
            self,
            "workers",
            stage=stage,
            config=gpu,
            environment={
                "POWERTOOLS_SERVICE_NAME": "segmentation_worker",
                "POWERTOOLS_LOG_LEVEL": "INFO",
                "POWERTOOLS_TRACE_DISABLED": "true",  # no daemon stands beside the worker
                "SPHEROSEG_STAGE": stage.name,
                **database.writer_environment(),
                **images.environment(),
                **segmentations.environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": updates.queue.queue_url,
            },
            queues=[queue.queue for queue in segmentations],
            place=database.place,
        )
        role = self.workers.task.task_role
        database.grant_sign_in(role)
        # Results of an attempt that was replaced are removed again.
        images.grant(role, ["s3:GetObject"], "originals/")
        images.grant(role, ["s3:PutObject", "s3:DeleteObject"], "results/")
        images.grant_list(role)
        segmentations.grant_consume(role)
        updates.queue.grant_send_messages(role)
        CfnOutput(self, "ClusterName", value=self.workers.cluster.cluster_name)
        CfnOutput(self, "ServiceName", value=self.workers.service.service_name)
