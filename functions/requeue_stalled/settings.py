"""Environment of requeue_stalled."""

from spheroseg.settings import (
    DatabaseSettings,
    ExportsSettings,
    ProjectWorkSettings,
    QueueSettings,
    StorageSettings,
    UpdatesSettings,
)


class Settings(DatabaseSettings, QueueSettings, StorageSettings, ProjectWorkSettings, UpdatesSettings, ExportsSettings):
    """What requeue_stalled reads from its environment."""
