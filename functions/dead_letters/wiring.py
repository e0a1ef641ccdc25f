"""Settings to the use cases with their real adapters."""

from dead_letters.settings import Settings
from spheroseg.adapters.aws import sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.exports import PostgresExports
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.sqs import SqsExportQueue, SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.segmentation import Order
from spheroseg.model_registry import ModelRegistry
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter
from spheroseg.use_cases.fail_export import FailExport
from spheroseg.use_cases.fail_import import FailImport


def wire(settings: Settings) -> tuple[FailDeadLetter, FailExport, FailImport]:
    """What fails runs and images, what fails exports, and what fails imports."""
    database = Database.of(settings)
    card = ModelRegistry.packaged().default
    clock = SystemClock()
    exports, queue = PostgresExports(database), SqsExportQueue(sqs_client(), settings.exports_queue_url)
    updates = SqsUpdatePublisher(sqs_client(), settings.updates_queue_url)
    fail_dead_letter = FailDeadLetter(
        projects=PostgresProjects(database),
        images=PostgresImages(database),
        segmentations=PostgresSegmentations(database),
        updates=updates,
        clock=clock,
        inbox_order=Order(model=card.name, model_version=card.version),
    )
    fail_import = FailImport(PostgresImports(database), clock, updates)
    return fail_dead_letter, FailExport(exports, queue, clock, updates), fail_import
