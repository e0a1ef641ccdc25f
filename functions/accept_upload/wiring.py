"""Settings to the use case with its real adapters."""

from collections.abc import Callable

from accept_upload.settings import Settings
from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.s3 import S3ImageStore
from spheroseg.adapters.sqs import SqsReceiver, SqsSegmentationQueue, SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.segmentation import Order
from spheroseg.model_registry import ModelRegistry
from spheroseg.use_cases.accept_upload import AcceptUpload


def wire(settings: Settings) -> tuple[AcceptUpload, Callable[[str, int], None]]:
    """The use case, and how a delivery comes back soon."""
    clock = SystemClock()
    database = Database.of(settings)
    sqs = sqs_client()
    card = ModelRegistry.packaged().default
    accept_upload = AcceptUpload(
        projects=PostgresProjects(database),
        images=PostgresImages(database),
        segmentations=PostgresSegmentations(database),
        store=S3ImageStore(s3_client(), settings.bucket, clock),
        queue=SqsSegmentationQueue(sqs, settings.queue_urls),
        clock=clock,
        inbox_order=Order(model=card.name, model_version=card.version),
        updates=SqsUpdatePublisher(sqs, settings.updates_queue_url),
    )

    return accept_upload, SqsReceiver(sqs, settings.uploads_queue_url).extend
