"""Environment of http_api."""

from pydantic import Field

from spheroseg.settings import (
    CacheSettings,
    DeadLetterSettings,
    ExportsSettings,
    LinkSettings,
    ProjectWorkSettings,
    QueueSettings,
    RateSettings,
    ReaderSettings,
    StageSettings,
    StorageSettings,
    UpdatesSettings,
)


class Settings(
    StageSettings,
    ReaderSettings,
    CacheSettings,
    RateSettings,
    StorageSettings,
    QueueSettings,
    UpdatesSettings,
    ProjectWorkSettings,
    ExportsSettings,
    DeadLetterSettings,
    LinkSettings,
):
    """What http_api reads from its environment."""

    user_pool_id: str = Field(description="The user pool, asked for verified e-mail addresses")
    user_pool_client_id: str = Field(description="The user pool's client that people sign in through")
    local_sign_in: bool = Field(default=False, description="Whether /v1/auth exists; true only in the local stage")
    graphql_introspection: bool = Field(
        default=False, description="Whether /graphql describes its schema; false in production"
    )
    socket_url: str = Field(description="Where clients open a socket for updates, wss://…")
