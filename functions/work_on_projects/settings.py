"""Environment of work_on_projects."""

from pydantic import Field

from spheroseg.settings import DatabaseSettings, ProjectWorkSettings, StorageSettings


class Settings(DatabaseSettings, StorageSettings, ProjectWorkSettings):
    """What work_on_projects reads from its environment."""

    user_pool_id: str = Field(description="The user pool, from which people are removed who closed their account")
