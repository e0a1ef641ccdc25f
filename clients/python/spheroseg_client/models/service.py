"""Who is signed in, and what the service says of itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from spheroseg_client.models.base import Answer
from spheroseg_client.models.runs import FINAL


class GivenTokens(Answer):
    """What a sign-in gives."""

    access_token: str
    refresh_token: str | None = None
    expires_in_s: float | None = None


class Profile(Answer):
    """What somebody says about themselves; ``pixel_size_um`` is what their new projects begin with, in µm."""

    user_id: str
    name: str | None
    organisation: str | None
    language: str | None
    pixel_size_um: float | None


class Usage(Answer):
    """How much somebody may keep and what they keep, in bytes of original files and in images.

    ``announced`` files may still come and take their room until then.
    """

    quota_bytes: int
    quota_images: int
    stored_bytes: int
    stored_images: int
    announced_bytes: int
    announced_images: int
    left_bytes: int
    left_images: int


class ModelVariant(Answer):
    """The same model in another precision."""

    precision: str
    size_bytes: int
    sha256: str


class Model(Answer):
    """What one must know about a model before relying on it; ``variants`` are its files in other precisions.

    A rule, such as ``auto``, has no file: ``sha256`` and ``precision`` are None, ``chooses_between`` names its models
    (NAME@VERSION, the usual one first) and ``rule`` its limits.
    """

    name: str
    version: str
    is_default: bool
    title: str
    description: str
    intended_use: str
    limits: Sequence[str]
    figures: dict[str, float]
    training_data: str
    licence: str
    parameter_count: int
    size_bytes: int
    sha256: str | None
    precision: str | None = None
    variants: Sequence[ModelVariant] = ()
    chooses_between: Sequence[str] = ()
    rule: dict[str, float] = Field(default_factory=dict)


class OwnRuns(Answer):
    """Runs that you asked for: those that wait and work now, and those that ended within ``window_s``, a day."""

    queued: int
    running: int
    succeeded: int
    failed: int
    cancelled: int
    window_s: float


class Closing(Answer):
    """An account that was closed; ``projects`` are removed with it."""

    id: UUID
    projects: int
    requested_at: datetime


class PartState(Answer):
    """A part behind the service; ``code`` tells why it is down."""

    name: str
    status: str
    is_needed: bool
    code: str | None


class Health(Answer):
    """Whether the service can serve: ``ready`` or ``not ready``, with its parts."""

    status: str
    parts: Sequence[PartState]


class QueueStatus(Answer):
    """What waits and runs now, of everybody; a rate of None: nothing ended lately."""

    queued: int
    running: int
    finished_recently: int
    window_s: float
    seconds_per_run: float | None
    estimated_wait_s: float | None
    reason: str


class SocketTicket(Answer):
    """What opens one socket, once; ``url`` holds the ticket."""

    url: str
    expires_at: datetime


class JobUpdate(Answer):
    """An export or import has another status than before, or is further on."""

    type: str
    project_id: UUID
    status: str
    done: int
    total: int


class ExportUpdate(JobUpdate):
    """An export has another status than before, or is further on."""

    type: Literal["export_changed"]
    export_id: UUID

    @property
    def job_id(self) -> UUID:
        """What it is about."""
        return self.export_id


class ImportUpdate(JobUpdate):
    """An import has another status than before, or is further on."""

    type: Literal["import_changed"]
    import_id: UUID

    @property
    def job_id(self) -> UUID:
        """What it is about."""
        return self.import_id


class Update(Answer):
    """A segmentation has another status than before."""

    type: Literal["segmentation_changed"]
    segmentation_id: UUID
    image_id: UUID
    project_id: UUID
    status: str

    @property
    def is_final(self) -> bool:
        """True when nothing more happens unless somebody asks for it."""
        return self.status in FINAL
