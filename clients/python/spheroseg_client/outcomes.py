"""What became of each file of a batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from spheroseg_client.inputs import UnusableInput
from spheroseg_client.models import Failure, Pages, Review, Segmentation
from spheroseg_client.notes import notes_on
from spheroseg_client.outlines import Outline
from spheroseg_client.outputs import ResultFiles

Status = Literal["succeeded", "failed", "interrupted"]


@dataclass(frozen=True)
class Outcome:
    """What became of one file, or of one page of a stack.

    Args:
        file: As it was named.
        name: What its result files are called; None when it was never uploaded.
        failure: Why there is no result; None exactly when it succeeded.
        page: Which page of the file, where pages were chosen; 0: the file.
        pages: The pages of the file; None where they were not asked for.
        total_s: Seconds from the start of its upload until its results lay on the disk, waiting included.
        area: Median area of its spheroids, in ``area_unit``; None when there are none.
        area_unit: ``µm²`` when the pixel size is known, else ``px²``.
        circularity: Median circularity of its spheroids, None when there are none.
    """

    file: str
    name: str | None
    status: Status
    failure: Failure | None = None
    page: int = 0
    pages: Pages | None = None
    segmentation: Segmentation | None = None
    files: ResultFiles | None = None
    total_s: float | None = None
    area: float | None = None
    area_unit: str = "px²"
    circularity: float | None = None

    @property
    def shown(self) -> str:
        """The file, and its page where pages were chosen."""
        return f"{self.file}, page {self.page}" if self.page else self.file

    @property
    def spheroid_count(self) -> int | None:
        """Spheroids in the files, which are those that the model found; None without a result."""
        result = self.segmentation.result if self.segmentation else None
        return result.found_count if result else None

    @property
    def review(self) -> Review | None:
        """Whether somebody should look at the result; None without one, or where nobody judged that."""
        result = self.segmentation.result if self.segmentation else None
        return result.review if result else None

    @property
    def notes(self) -> Sequence[str]:
        """What a reader of its measures should know, in words."""
        result = self.segmentation.result if self.segmentation else None
        return notes_on(result)

    def as_json(self) -> dict[str, object]:
        """The same for programs; units stand in the names, what is unknown is None."""
        segmentation = self.segmentation
        result = segmentation.result if segmentation else None
        in_um = self.area_unit == "µm²"
        return {
            "file": self.file,
            "name": self.name,
            "page": self.page or (segmentation.parameters.page if segmentation else None),
            "pages": self.pages.model_dump() if self.pages else None,
            "status": self.status,
            "failure": self.failure.model_dump() if self.failure else None,
            "spheroid_count": self.spheroid_count,
            "area_median_px2": None if in_um else self.area,
            "area_median_um2": self.area if in_um else None,
            "circularity_median": self.circularity,
            "width_px": result.width_px if result else None,
            "height_px": result.height_px if result else None,
            "pixel_type": result.pixel_type if result else None,
            "pixel_size_um": result.pixel_size_um if result else None,
            "pixel_size_source": result.pixel_size_source if result else None,
            "model": segmentation.model if segmentation else None,
            "model_version": segmentation.model_version if segmentation else None,
            "ran": result.ran.model_dump() if result and result.ran else None,
            "review": result.review.model_dump() if result and result.review else None,
            "notes": list(self.notes),
            "image_id": str(segmentation.image_id) if segmentation else None,
            "segmentation_id": str(segmentation.id) if segmentation else None,
            "work_s": segmentation.duration_s if segmentation else None,
            "stages_s": result.stages_s if result else None,
            "total_s": self.total_s,
            "outlines": str(self.files.outlines) if self.files else None,
            "labels": str(self.files.labels) if self.files else None,
            "overlay": str(self.files.overlay) if self.files else None,
        }


def of_unusable(found: UnusableInput) -> Outcome:
    """The outcome of something that could not be uploaded at all."""
    return Outcome(found.shown, None, "failed", Failure(code=found.code, detail=found.detail))


def of_success(
    file: str,
    name: str,
    segmentation: Segmentation,
    outlines: Sequence[Outline],
    files: ResultFiles,
    total_s: float,
) -> Outcome:
    """The outcome of a file whose results lie on the disk."""
    in_um = segmentation.result is not None and segmentation.result.pixel_size_um is not None
    areas = [outline.measures["area_um2" if in_um else "area_px2"] for outline in outlines]
    return Outcome(
        file,
        name,
        "succeeded",
        segmentation=segmentation,
        files=files,
        total_s=total_s,
        area=median(areas) if areas else None,
        area_unit="µm²" if in_um else "px²",
        circularity=median(outline.measures["circularity"] for outline in outlines) if outlines else None,
    )
