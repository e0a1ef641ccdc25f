"""Environment of watch_updates."""

from spheroseg.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """What watch_updates reads from its environment."""
