"""What the service answers, typed. Fields of a newer service that this version does not know are left out."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

Priority = Literal["high", "normal", "low"]
Role = Literal["owner", "editor", "viewer"]
OfferedRole = Literal["editor", "viewer"]
FINAL = frozenset({"succeeded", "failed", "cancelled"})


class Answer(BaseModel):
    """The base of all answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Project(Answer):
    """A named collection of images.

    ``pixel_size_um`` is the edge of one pixel in µm for images whose file does not tell; None: unknown.
    ``pixel_size_source`` is ``project`` where it was given for this project, ``profile`` where its maker's usual one
    was taken.
    """

    id: UUID
    name: str
    pixel_size_um: float | None
    pixel_size_source: str | None = None
    created_at: datetime
    role: Role = "owner"
    description: str = ""
    tags: Sequence[str] = ()
    version: int = 1
    updated_at: datetime | None = None
    archived_at: datetime | None = None


class ProjectStatistics(Answer):
    """What is in a project.

    ``images`` counts them by where they are, ``size_bytes`` is of the original files, ``spheroids`` were found by the
    latest run of each image that succeeded.
    """

    images: dict[str, int]
    size_bytes: int
    spheroids: int
    last_activity_at: datetime


class Job(Answer):
    """Something that is done to a project in the background; ``done`` of ``total`` images are.

    ``status`` is ``queued``, ``running``, then ``succeeded``; one that is stopped is ``undoing`` until nothing is left
    of it, then ``cancelled`` or ``failed``. ``target_project_id`` is the project that a duplication makes.
    """

    id: UUID
    kind: str
    project_id: UUID
    status: str
    done: int
    total: int
    created_at: datetime
    finished_at: datetime | None
    target_project_id: UUID | None = None
    failure: "Failure | None" = None

    @property
    def is_final(self) -> bool:
        """True when nothing more happens."""
        return self.status in {"succeeded", "cancelled", "failed"}


class Member(Answer):
    """Somebody with a role in a project; None: not told."""

    user_id: str
    role: Role
    email: str | None
    name: str | None
    joined_at: datetime


class Offer(Answer):
    """A role that is offered to an address, or, without one, to whoever holds a link."""

    id: UUID
    role: OfferedRole
    email: str | None
    created_at: datetime
    expires_at: datetime


class NewLink(Offer):
    """A link with its token, which is told once."""

    token: str


class Invitation(Answer):
    """A role that is offered to you."""

    id: UUID
    project_id: UUID
    project_name: str
    role: OfferedRole
    invited_by: str | None
    expires_at: datetime


class Failure(Answer):
    """Why something ended badly: a stable code, and words."""

    code: str
    detail: str


class Parameters(Answer):
    """How a model is run.

    ``threshold`` is the foreground probability from which a pixel belongs to a spheroid, 0.1 to 0.9.
    ``min_diameter_px`` is the equivalent diameter below which an object is dropped, in pixels of the image; None
    leaves it to the model. ``holes`` keeps holes or fills them. ``page`` counts from 1.
    """

    threshold: float = 0.5
    min_diameter_px: float | None = None
    holes: bool = True
    page: int = 1


class Order(Answer):
    """Which model is to run, how, and how soon; no model: the service's default."""

    model: str | None = None
    model_version: str | None = None
    parameters: Parameters = Field(default_factory=Parameters)
    priority: Priority = "normal"


class ModelFile(Answer):
    """The very file that a run was made with: ``precision`` is ``int8``, ``float16`` or ``float32``, ``sha256`` its
    digest in hexadecimal digits. ``reason`` tells why this model, where ``auto`` chose it for the image."""

    model: str
    model_version: str
    precision: str
    sha256: str
    reason: str | None = None


class Review(Answer):
    """Whether somebody should look at a result, and why.

    ``reasons`` are stable codes such as ``low-confidence``; ``needed`` is True when there is one. ``confidence`` is the
    mean calibrated probability over the pixels of all spheroids, 0 to 1, None when nothing was found; ``blur`` is 0 for
    a sharp image and 1 without any detail.
    """

    needed: bool
    reasons: list[str]
    confidence: float | None
    blur: float | None
    dropped_count: int
    touching_count: int
    edge_area_share: float


class Result(Answer):
    """What a finished run says about the image.

    ``pixel_size_um`` is None when it is unknown: measures are then in pixels only. ``pixel_size_source`` is ``user``,
    ``file``, ``project`` or ``profile``, None exactly when the size is unknown. ``stages_s`` are the worker's seconds.
    ``ran`` is the model file that found the spheroids, ``review`` whether somebody should look at them; None in runs of
    before the service noted it.
    """

    width_px: int
    height_px: int
    pixel_type: str
    pixel_size_um: float | None
    pixel_size_source: str | None
    spheroid_count: int
    stages_s: dict[str, float]
    ran: ModelFile | None = None
    review: Review | None = None


class Links(Answer):
    """Signed addresses of a run's files, good for an hour."""

    labels: str
    outlines: str
    preview: str


class Wait(Answer):
    """Where a waiting run is in the queue; an estimate of None comes with its reason."""

    position: int | None
    running: int
    estimated_wait_s: float | None
    reason: str


class Segmentation(Answer):
    """One run of a model over an image.

    ``status`` is ``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled``. ``links`` and ``wait`` are there
    only where one segmentation was read, not in lists. ``revision`` is the newest of its outlines; 0: the segmenter's
    own, as are ``result`` and the files of ``links`` always. ``is_reused`` is True when nothing ran, because the same
    had been found in the same bytes before; ``reused_from`` is that run, where it is in the same project.
    """

    id: UUID
    image_id: UUID
    project_id: UUID
    model: str
    model_version: str
    parameters: Parameters
    priority: Priority
    status: str
    attempt: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure: Failure | None
    result: Result | None
    links: Links | None = None
    wait: Wait | None = None
    revision: int = 0
    is_reused: bool = False
    reused_from: UUID | None = None

    @property
    def is_final(self) -> bool:
        """True when nothing more happens unless somebody asks for it."""
        return self.status in FINAL

    @property
    def duration_s(self) -> float | None:
        """Seconds between the worker's start and end; None before."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class Pages(Answer):
    """The pages of a file: how many, and where the file says it what they run over, the slowest axis first.

    ``axes`` holds one letter for each axis (``T`` time, ``Z`` depth, ``C`` channel), ``sizes`` how many along each.
    """

    count: int
    axes: str | None
    sizes: Sequence[int]


class Image(Answer):
    """An uploaded file, or one that is awaited; ``status`` is ``awaiting_upload``, ``stored`` or ``refused``.

    ``pages`` is None until its file was decoded for the first time. ``duplicate_of`` is an image of the same project
    with the same bytes, stored before.
    """

    id: UUID
    project_id: UUID
    name: str
    status: str
    size_bytes: int | None
    pixel_size_um: float | None
    created_at: datetime
    stored_at: datetime | None
    failure: Failure | None
    pages: Pages | None = None
    segmentation: Segmentation | None = None
    digest: str | None = None
    tags: Sequence[str] = ()
    plate: str | None = None
    well: str | None = None
    condition: str | None = None
    time_point_h: float | None = None
    replicate: int | None = None
    duplicate_of: UUID | None = None


class PageRuns(Answer):
    """Runs over pages of one image, in the order of the pages."""

    pages: Pages
    items: Sequence[Segmentation]


class NameRead(Answer):
    """What the name of an image tells; ``fields`` of None: the pattern does not match it."""

    image_id: UUID
    name: str
    fields: dict[str, str | float | int] | None


class NamesRead(Answer):
    """What the names of a project's images tell; ``items`` are up to 50 of them, those that do not match first."""

    matched: int
    unmatched: int
    items: list[NameRead]


class DeletedImage(Answer):
    """What became of an image that was to go, and why it stays if it does."""

    id: UUID
    is_deleted: bool
    failure: Failure | None


class Polygon(Answer):
    """One connected area in pixels: its outer ring and its holes; a ring does not repeat its first corner."""

    exterior: list[tuple[float, float]]
    holes: list[list[tuple[float, float]]]


class Spheroid(Answer):
    """One object of a segmentation.

    ``measures`` are named with their units (``area_px2``); ``measures_um`` holds those with a unit in µm, µm², µm³
    (``area_um2``), None when the pixel size is unknown. ``touches_edge``: the measures are of a part only.
    ``confidence`` is the mean calibrated probability inside, ``rim_confidence`` that along the rim; ``review_reasons``
    are codes of why somebody should look at it, None in runs of before that was judged. ``intensities`` are in the
    image's own grey values (``intensity_mean``), None where its outline was corrected, and in runs of before.
    """

    number: int
    confidence: float | None
    touches_edge: bool
    rim_confidence: float | None = None
    review_reasons: list[str] | None = None
    polygons: list[Polygon]
    measures: dict[str, float]
    measures_um: dict[str, float] | None
    intensities: dict[str, float | None] | None = None


class GivenTokens(Answer):
    """What a sign-in gives."""

    access_token: str
    refresh_token: str | None = None
    expires_in_s: float | None = None


class UploadForm(Answer):
    """What takes one file: the fields first, unchanged, then the file."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class Parts(Answer):
    """How a large file is cut: ``part_count`` parts of ``part_bytes`` bytes, the last one shorter."""

    part_bytes: int
    part_count: int


class PartLink(Answer):
    """Where one part of a large file goes: PUT to ``url`` with these headers."""

    number: int
    offset_bytes: int
    size_bytes: int
    url: str
    headers: dict[str, str]


class ArrivedPart(Answer):
    """A part of a large file that the store has."""

    number: int
    size_bytes: int
    sha256: str


class AnnouncedImage(Image):
    """An image that waits for its file: ``upload`` takes one up to 100 MB, a larger one goes over in ``parts``."""

    upload: UploadForm | None
    parts: Parts | None = None


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
