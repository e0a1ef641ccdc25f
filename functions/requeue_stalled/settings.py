"""Environment of requeue_stalled."""

from spheroseg.settings import DatabaseSettings, ProjectWorkSettings, QueueSettings, StorageSettings, UpdatesSettings


class Settings(DatabaseSettings, QueueSettings, StorageSettings, ProjectWorkSettings, UpdatesSettings):
    """What requeue_stalled reads from its environment."""
