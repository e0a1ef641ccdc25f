"""Environment of work_on_projects."""

from spheroseg.settings import DatabaseSettings, ProjectWorkSettings, StorageSettings


class Settings(DatabaseSettings, StorageSettings, ProjectWorkSettings):
    """What work_on_projects reads from its environment."""
