"""Settings to the use case with its real adapters."""

from dead_letters.settings import Settings
from spheroseg.adapters.aws import sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.sqs import SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.segmentation import Order
from spheroseg.model_registry import ModelRegistry
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter


def wire(settings: Settings) -> FailDeadLetter:
    """The use case."""
    database = Database.of(settings)
    card = ModelRegistry.packaged().default
    return FailDeadLetter(
        projects=PostgresProjects(database),
        images=PostgresImages(database),
        segmentations=PostgresSegmentations(database),
        updates=SqsUpdatePublisher(sqs_client(), settings.updates_queue_url),
        clock=SystemClock(),
        inbox_order=Order(model=card.name, model_version=card.version),
    )
