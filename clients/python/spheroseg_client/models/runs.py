"""What a run is asked for, and what comes out of it."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from spheroseg_client.models.base import Answer

Priority = Literal["high", "normal", "low"]
FINAL = frozenset({"succeeded", "failed", "cancelled"})


class Failure(Answer):
    """Why something ended badly: a stable code, and words."""

    code: str
    detail: str


class Parameters(Answer):
    """How a model is run.

    ``threshold`` is the foreground probability from which a pixel belongs to a spheroid, 0.1 to 0.9.
    ``min_diameter_px`` is the equivalent diameter below which an object is dropped, in pixels of the image; None
    leaves it to the model. ``holes`` keeps holes or fills them. ``page`` counts from 1. ``out_of_focus``
    keeps objects out of focus, which are left out and counted in ``dropped_count`` otherwise.
    """

    threshold: float = 0.5
    min_diameter_px: float | None = None
    holes: bool = True
    page: int = 1
    out_of_focus: bool = False


class Order(Answer):
    """Which model is to run, how, and how soon; no model: the service's default."""

    model: str | None = None
    model_version: str | None = None
    parameters: Parameters = Field(default_factory=Parameters)
    priority: Priority = "normal"


class ModelFile(Answer):
    """The very file that a run was made with: ``precision`` is ``int8``, ``float16`` or ``float32``, ``sha256`` its
    digest in hexadecimal digits. ``reason`` tells why this model, where ``auto`` chose it for the image. ``runtime``
    and ``provider`` are what computed it, such as ``onnxruntime 1.29.0`` and ``CPUExecutionProvider``; None in runs of
    before that was noted."""

    model: str
    model_version: str
    precision: str
    sha256: str
    reason: str | None = None
    runtime: str | None = None
    provider: str | None = None


class PixelEdges(Answer):
    """Edges of a pixel that is not square, along x and y."""

    x_um: float
    y_um: float


class Review(Answer):
    """Whether somebody should look at a result, and why.

    ``reasons`` are stable codes such as ``low-confidence``; ``needed`` is True when there is one. ``confidence`` is the
    mean calibrated probability over the pixels of all spheroids, 0 to 1, None when nothing was found; ``blur`` is 0 for
    a sharp image and 1 without any detail. ``unequal_edges`` are those of a pixel, where the image's file says two that
    differ, which is no pixel size; None also in runs of before that was noted.
    """

    needed: bool
    reasons: list[str]
    confidence: float | None
    blur: float | None
    dropped_count: int
    touching_count: int
    edge_area_share: float
    unequal_edges: PixelEdges | None = None


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
    found_count: int
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
    image's own grey values (``intensity_mean``), None while they wait to be measured and in runs of before;
    ``brightness_due_since`` is the revision that changed its outline, or one near it, since they were.
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
    brightness_due_since: int | None = None
