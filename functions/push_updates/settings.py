"""Environment of push_updates."""

from spheroseg.settings import DatabaseSettings, QueueSettings, UpdatesSettings


class Settings(DatabaseSettings, QueueSettings, UpdatesSettings):
    """What push_updates reads from its environment."""

    connections_endpoint: str
