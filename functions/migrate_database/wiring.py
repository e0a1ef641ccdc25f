"""Settings to the migration of the real database."""

from collections.abc import Callable
from functools import partial

from migrate_database.settings import Settings
from spheroseg.adapters.postgres.migrations import migrate
from spheroseg.adapters.secrets import DatabaseCredentials


def wire(settings: Settings) -> Callable[[], str]:
    """What brings the schema up to date."""
    return partial(migrate, settings, DatabaseCredentials.of(settings))
