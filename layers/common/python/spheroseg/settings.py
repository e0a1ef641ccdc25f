"""Settings: what a process reads from its environment, each in one typed field.

A field ``bucket`` is read from ``SPHEROSEG_BUCKET``. Fifteen lines instead of pydantic-settings: they name every
missing variable at once, list a function's variables for the template test, and add nothing to a cold start.
"""

import os
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from spheroseg.domain.segmentation import Priority

PREFIX = "SPHEROSEG_"


class Settings(BaseModel):
    """The base of every process's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The settings of this process; called in ``handler.py`` and ``__main__.py`` only."""
        names = {f"{PREFIX}{name.upper()}": name for name in cls.model_fields}
        return cls.model_validate({names[key]: value for key, value in environ.items() if key in names})

    @classmethod
    def variables(cls) -> frozenset[str]:
        """The names of the environment variables that are read."""
        return frozenset(f"{PREFIX}{name.upper()}" for name in cls.model_fields)


class StageSettings(Settings):
    """Which deployment this is."""

    stage: str = Field(description="Name of the stage, such as local or production")


class DatabaseSettings(Settings):
    """Where the writer is, and who we are there."""

    database_writer_host: str
    database_writer_port: int = 5432
    database_name: str
    database_secret_arn: str = Field(description="Secret with username and password as JSON")
    database_tls: Literal["require", "disable"] = "require"


class ReaderSettings(DatabaseSettings):
    """The writer and the reader beside it."""

    database_reader_host: str
    database_reader_port: int = 5432
    reader_lag_limit_s: float = Field(
        default=5.0, gt=0, description="Lag in seconds above which reads go to the writer"
    )


class CacheSettings(Settings):
    """The cache server; without a host each process keeps for itself what it would share there."""

    cache_host: str | None = None
    cache_port: int = 6379
    cache_tls: Literal["require", "disable"] = "require"
    cache_name: str | None = Field(default=None, description="Name of the ElastiCache that the user signs in to by IAM")
    cache_user: str | None = Field(default=None, description="Name of that user")
    cache_secret_arn: str | None = Field(default=None, description="Secret with password as JSON, without IAM")


class RateSettings(Settings):
    """What one person, and one address, may ask for."""

    user_requests_per_s: float = Field(gt=0, description="What comes back each second")
    user_burst: int = Field(ge=1, description="Requests at once after a pause")
    address_requests_per_s: float = Field(gt=0, description="The same for all behind one address")
    address_burst: int = Field(ge=1, description="The same for all behind one address")


class StorageSettings(Settings):
    """The bucket."""

    bucket: str


class QueueSettings(Settings):
    """The segmentation queues by priority."""

    queue_url_high: str
    queue_url_normal: str
    queue_url_low: str

    @property
    def queue_urls(self) -> dict[Priority, str]:
        """The address of each priority's queue."""
        return {
            Priority.HIGH: self.queue_url_high,
            Priority.NORMAL: self.queue_url_normal,
            Priority.LOW: self.queue_url_low,
        }


class UpdatesSettings(Settings):
    """The queue that changes are announced on."""

    updates_queue_url: str


class ProjectWorkSettings(Settings):
    """The queue of jobs on projects."""

    project_work_queue_url: str


class ExportsSettings(Settings):
    """The queue of exports."""

    exports_queue_url: str


class DeadLetterSettings(Settings):
    """Where each queue puts what it gives up, for administrators; and the one queue that nothing else is sent to."""

    uploads_queue_url: str
    dead_letters_url_uploads: str
    dead_letters_url_high: str
    dead_letters_url_normal: str
    dead_letters_url_low: str
    dead_letters_url_updates: str
    dead_letters_url_project_work: str
    dead_letters_url_exports: str


class LinkSettings(Settings):
    """Who signs download links: the CDN, or the bucket where there is no CDN that checks signatures."""

    links: Literal["cdn", "s3"]
    cdn_domain: str | None = None
    cdn_key_pair_id: str | None = None
    cdn_private_key_secret_arn: str | None = None
