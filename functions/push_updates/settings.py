"""Environment of push_updates."""

from spheroseg.settings import DatabaseSettings


class Settings(DatabaseSettings):
    """What push_updates reads from its environment."""

    connections_endpoint: str
