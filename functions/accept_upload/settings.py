"""Environment of accept_upload."""

from spheroseg.settings import DatabaseSettings, QueueSettings, StorageSettings


class Settings(DatabaseSettings, QueueSettings, StorageSettings):
    """What accept_upload reads from its environment."""

    uploads_queue_url: str
