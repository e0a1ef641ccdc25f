"""Settings to the use case with its real adapters."""

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.system import SystemClock
from spheroseg.use_cases.watch_updates import WatchUpdates
from watch_updates.settings import Settings


def wire(settings: Settings) -> WatchUpdates:
    """The use case."""
    database = Database.of(settings)
    return WatchUpdates(watchers=PostgresWatchers(database), clock=SystemClock())
