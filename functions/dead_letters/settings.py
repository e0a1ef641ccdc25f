"""Environment of dead_letters."""

from spheroseg.settings import DatabaseSettings, UpdatesSettings


class Settings(DatabaseSettings, UpdatesSettings):
    """What dead_letters reads from its environment."""
