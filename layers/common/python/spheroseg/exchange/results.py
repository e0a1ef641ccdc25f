"""What is exchanged: the result of one image, and what a file of another program says about one."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO

from spheroseg.domain.sample import Sample
from spheroseg.domain.spheroid import Polygon, Spheroid

CATEGORY = "spheroid"
"""What objects are called in formats that have classes; there is this one."""


@dataclass(frozen=True)
class Origin:
    """Which run a result is of; what is not known is empty.

    Args:
        model, model_version: What was asked for.
        image_id, segmentation_id: Ids of the service.
        ran_model, ran_precision, ran_sha256: The model file that ran.
        ran_runtime, ran_provider: What computed it; empty in runs of before it was noted.
        image_confidence: Confidence of the whole result, 0 to 1.
        image_needs_review: Whether somebody should look at it.
        image_review_reasons: Codes of why, separated by spaces.
        parameters: Settings of the run.
        revision: Which one of its outlines; 0: they are the segmenter's own, above that people changed them.
    """

    model: str = ""
    model_version: str = ""
    image_id: str = ""
    segmentation_id: str = ""
    ran_model: str = ""
    ran_precision: str = ""
    ran_sha256: str = ""
    ran_runtime: str = ""
    ran_provider: str = ""
    image_confidence: float | None = None
    image_needs_review: bool | None = None
    image_review_reasons: str = ""
    parameters: dict[str, float | int | bool | None] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True)
class Original:
    """The image file that a result was made from.

    Args:
        file_name: Its name with its suffix, safe as a file's name.
        open: Gives its bytes; may be called more than once.
    """

    file_name: str
    open: Callable[[], AbstractContextManager[BinaryIO]]


@dataclass(frozen=True)
class Result:
    """One image's spheroids.

    Args:
        file: The image as its owner calls it.
        name: What its files are called: unique within an export, safe as a file's name.
        page: Which page of the file, the first is 1.
        width_px, height_px: Size of the page.
        pixel_size_um: Edge of one pixel in µm; None: unknown.
        pixel_size_source: Who said so: ``user``, ``file``, ``project``, ``profile``; empty when it is unknown.
        spheroids: In order of number; gone through once by a writer, so it may be a stream.
        original: The image itself; None where it is not at hand.
        sample: What the image shows, as far as somebody told.
    """

    file: str
    name: str
    width_px: int
    height_px: int
    spheroids: Iterable[Spheroid]
    page: int = 1
    pixel_size_um: float | None = None
    pixel_size_source: str = ""
    origin: Origin = field(default_factory=Origin)
    original: Original | None = None
    sample: Sample = field(default_factory=Sample)


@dataclass(frozen=True)
class ReadObject:
    """One object as another program wrote it.

    Args:
        polygons: Its area: outer rings with a positive shoelace area, holes the other way round.
        number: What it was called, where the format has numbers; unique within an image.
        confidence: 0 to 1, where the file says one.
        category: Its class, where the format has classes.
    """

    polygons: tuple[Polygon, ...]
    number: int | None = None
    confidence: float | None = None
    category: str = ""


@dataclass(frozen=True)
class ReadImage:
    """What a file says about one image.

    Args:
        name: As the file calls it, with a suffix where it gives one.
        width_px, height_px: Size of the image; None where the format does not say it.
        pixel_size_um: Where the file says it.
        unequal_edges_um: Edges of a pixel along x and y in µm, where the file says two that differ.
    """

    name: str
    objects: tuple[ReadObject, ...]
    width_px: int | None = None
    height_px: int | None = None
    pixel_size_um: float | None = None
    unequal_edges_um: tuple[float, float] | None = None
