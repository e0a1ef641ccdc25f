"""Environment of accept_upload."""

from spheroseg.settings import DatabaseSettings, QueueSettings, StorageSettings, UpdatesSettings


class Settings(DatabaseSettings, QueueSettings, StorageSettings, UpdatesSettings):
    """What accept_upload reads from its environment."""

    uploads_queue_url: str
