"""Environment of migrate_database."""

from spheroseg.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """What migrate_database reads from its environment."""
