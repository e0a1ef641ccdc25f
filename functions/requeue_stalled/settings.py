"""Environment of requeue_stalled."""

from spheroseg.settings import DatabaseSettings, ProjectWorkSettings, QueueSettings, StorageSettings


class Settings(DatabaseSettings, QueueSettings, StorageSettings, ProjectWorkSettings):
    """What requeue_stalled reads from its environment."""
