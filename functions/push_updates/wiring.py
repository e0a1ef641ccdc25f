"""Settings to the use case with its real adapters."""

from push_updates.settings import Settings
from spheroseg.adapters.aws import sockets_client, sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.sockets import ApiGatewaySockets
from spheroseg.adapters.sqs import SqsSegmentationQueue
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
    queue = SqsSegmentationQueue(sqs_client(), settings.queue_urls)
    return push_update, DispatchRuns(PostgresSegmentations(database), queue, SystemClock())
