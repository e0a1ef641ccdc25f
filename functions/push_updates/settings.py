"""Environment of push_updates."""

from spheroseg.settings import DatabaseSettings, QueueSettings


class Settings(DatabaseSettings, QueueSettings):
    """What push_updates reads from its environment."""

    connections_endpoint: str
