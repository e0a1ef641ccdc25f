"""Environment of requeue_stalled."""

from spheroseg.settings import DatabaseSettings, QueueSettings, StorageSettings


class Settings(DatabaseSettings, QueueSettings, StorageSettings):
    """What requeue_stalled reads from its environment."""
