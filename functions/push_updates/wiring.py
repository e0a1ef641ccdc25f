"""Settings to the use case with its real adapters."""

from push_updates.settings import Settings
from spheroseg.adapters.aws import sockets_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.sockets import ApiGatewaySockets
from spheroseg.use_cases.push_update import PushUpdate


def wire(settings: Settings) -> PushUpdate:
    """The use case."""
    database = Database.of(settings)
    return PushUpdate(
        watchers=PostgresWatchers(database),
        sockets=ApiGatewaySockets(sockets_client(settings.connections_endpoint)),
    )
