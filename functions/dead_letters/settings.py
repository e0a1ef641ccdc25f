"""Environment of dead_letters."""

from spheroseg.settings import DatabaseSettings, ExportsSettings, UpdatesSettings


class Settings(DatabaseSettings, UpdatesSettings, ExportsSettings):
    """What dead_letters reads from its environment."""
