"""Settings to the use case with its real adapters."""

from push_updates.settings import Settings
from spheroseg.adapters.aws import sockets_client, sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.sockets import ApiGatewaySockets
from spheroseg.adapters.sqs import SqsSegmentationQueue, SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.use_cases.dispatch_runs import DispatchRuns
from spheroseg.use_cases.push_update import PushUpdate


def wire(settings: Settings) -> tuple[PushUpdate, DispatchRuns]:
    """What pushes, and what gives turns."""
    database = Database.of(settings)
    push_update = PushUpdate(
        watchers=PostgresWatchers(database),
        sockets=ApiGatewaySockets(sockets_client(settings.connections_endpoint)),
    )
    sqs = sqs_client()
    queue, updates = SqsSegmentationQueue(sqs, settings.queue_urls), SqsUpdatePublisher(sqs, settings.updates_queue_url)
    return push_update, DispatchRuns(PostgresSegmentations(database), queue, SystemClock(), updates)
