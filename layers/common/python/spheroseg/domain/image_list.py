"""What a list of images holds, and in which order."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.segmentation import SegmentationStatus

SortValue = datetime | str | int


class ImageState(StrEnum):
    """How far an image is: its file first, then its latest segmentation."""

    AWAITING_UPLOAD = "awaiting_upload"
    REFUSED = "refused"
    WITHOUT_SEGMENTATION = "without_segmentation"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @classmethod
    def of(cls, image: Image, latest: SegmentationStatus | None) -> "ImageState":
        """The state of an image whose latest run has that status, None: it has none."""
        if image.status is not ImageStatus.STORED:
            return cls(image.status.value)
        return cls(latest.value) if latest else cls.WITHOUT_SEGMENTATION


class ImageSort(StrEnum):
    """What images are sorted by; a minus turns the order round."""

    NEWEST = "-created_at"
    OLDEST = "created_at"
    NAME = "name"
    NAME_BACKWARDS = "-name"
    SMALLEST = "size_bytes"
    LARGEST = "-size_bytes"
    WELL = "well"
    WELL_BACKWARDS = "-well"

    @property
    def field(self) -> str:
        """The field that is sorted by."""
        return self.value.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        """Whether the largest comes first."""
        return self.value.startswith("-")

    def value_of(self, image: Image) -> SortValue:
        """What places an image in this order; names without regard to case, what is not known before all else."""
        if self.field == "name":
            return image.name.lower()
        if self.field == "size_bytes":
            return -1 if image.size_bytes is None else image.size_bytes
        if self.field == "well":
            return image.sample.well or ""
        return image.created_at


@dataclass(frozen=True)
class ImageKey:
    """Where a page of images ended: the value that it is sorted by, ties broken by id."""

    value: SortValue
    id: UUID


@dataclass(frozen=True)
class ImageQuery:
    """Which images of a project, in which order; None: any.

    Args:
        name: A part of the name, in whichever case.
        tag, plate, well, condition: Exactly this one.
        created_from, created_before: Announced from the one time on, before the other.
        size_from, size_to: Size in bytes, both included; images whose size is not known are then left out.
    """

    status: ImageState | None = None
    name: str | None = None
    tag: str | None = None
    plate: str | None = None
    well: str | None = None
    condition: str | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None
    size_from: int | None = None
    size_to: int | None = None
    sort: ImageSort = ImageSort.NEWEST

    def key_of(self, image: Image) -> ImageKey:
        """Where a page ends whose last image this is."""
        return ImageKey(self.sort.value_of(image), image.id)

    def takes(self, image: Image, state: ImageState) -> bool:
        """Whether an image is one of them. The database decides in the same way."""
        size_bytes, sample = image.size_bytes, image.sample
        return (
            (self.status is None or state is self.status)
            and (self.name is None or self.name.lower() in image.name.lower())
            and (self.tag is None or self.tag in image.tags)
            and (self.plate is None or sample.plate == self.plate)
            and (self.well is None or sample.well == self.well)
            and (self.condition is None or sample.condition == self.condition)
            and (self.created_from is None or image.created_at >= self.created_from)
            and (self.created_before is None or image.created_at < self.created_before)
            and (self.size_from is None or (size_bytes is not None and size_bytes >= self.size_from))
            and (self.size_to is None or (size_bytes is not None and size_bytes <= self.size_to))
        )
