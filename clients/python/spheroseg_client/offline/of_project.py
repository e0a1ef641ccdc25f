"""The results of a project as the exchange sees them, read from the service page by page: what the viewer may see."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from spheroseg.domain.review import ReviewReason
from spheroseg.domain.spheroid import Brightness, Measures, Polygon, Spheroid
from spheroseg.exchange.names import unique_name
from spheroseg.exchange.results import Origin, Result
from spheroseg_client import models
from spheroseg_client.client import Client
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.names import result_names
from spheroseg_client.notes import notes_on
from spheroseg_client.offline.exchanged import image_called, original_at


@dataclass
class Project:
    """A project's results: of each page of each image the newest run that succeeded, in its newest outlines.

    Images come from the newest to the oldest, as the service lists them.

    Args:
        images: Folder of the image files, which the service does not hand out; None: they are not needed.
        pixel_size_um: Goes before what the service says; None: that.
        notes: What a reader of the measures should know, image by image, once all were gone through.
        without: Names of the images that have no result, or none that is accepted, known once all were gone through.
        accepted_only: Only results that somebody accepted, as found or corrected, in the revision that was accepted.
    """

    client: Client
    project_id: UUID
    images: Path | None = None
    pixel_size_um: float | None = None
    without: list[str] = field(default_factory=list)
    accepted_only: bool = False
    notes: list[tuple[str, str]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Result]:
        taken: set[str] = set()
        accepted = self._accepted() if self.accepted_only else None
        for image in self.client.images(self.project_id):
            runs = [run for run in self._runs(image) if accepted is None or run.id in accepted]
            if not runs:
                self.without.append(image.name)
            for run in runs:
                yield self._result(image, run, taken, accepted[run.id] if accepted else None)

    def _runs(self, image: models.Image) -> list[models.Segmentation]:
        """The newest run with a result of each page, in order of the pages."""
        latest = image.segmentation
        if latest is None:
            return []
        if latest.status == "succeeded" and image.pages is not None and image.pages.count == 1:
            return [latest]
        found: dict[int, models.Segmentation] = {}
        for run in self.client.segmentations(image.id):
            if run.status == "succeeded":
                found.setdefault(run.parameters.page, run)
        return [found[page] for page in sorted(found)]

    def _accepted(self) -> dict[UUID, int]:
        """The accepted revision of each run that has one."""
        found = self.client.reviews(self.project_id, ["accepted", "corrected"])
        return {item.segmentation_id: item.revision for item in found}

    def _result(self, image: models.Image, run: models.Segmentation, taken: set[str], revision: int | None) -> Result:
        result = run.result
        if result is None:
            raise UnexpectedAnswerError(f"The service sent no result for a run of {image.name} that succeeded")
        several = image.pages is not None and image.pages.count > 1
        stem = result_names([Path(image.name)])[0] + (f"_p{run.parameters.page}" if several else "")
        if self.pixel_size_um is None:
            self.notes.extend((image.name, note) for note in notes_on(result))
        path = image_called(image.name, self.images)
        name = unique_name(stem, taken)
        return Result(
            file=image.name,
            name=name,
            page=run.parameters.page,
            width_px=result.width_px,
            height_px=result.height_px,
            spheroids=_Read(lambda: self.client.spheroids(run.id, revision)),
            pixel_size_um=self.pixel_size_um or result.pixel_size_um,
            pixel_size_source="user" if self.pixel_size_um else result.pixel_size_source or "",
            origin=_origin(run, result, run.revision if revision is None else revision),
            original=None if path is None else original_at(path, name),
        )


@dataclass(frozen=True)
class _Read:
    """Spheroids that are asked for when they are gone through."""

    ask: Callable[[], Iterator[models.Spheroid]]

    def __iter__(self) -> Iterator[Spheroid]:
        return map(spheroid_of, self.ask())


def _origin(run: models.Segmentation, result: models.Result, revision: int) -> Origin:
    ran, review = result.ran, result.review
    return Origin(
        model=run.model,
        model_version=run.model_version,
        image_id=str(run.image_id),
        segmentation_id=str(run.id),
        ran_model=f"{ran.model}@{ran.model_version}" if ran else "",
        ran_precision=ran.precision if ran else "",
        ran_sha256=ran.sha256 if ran else "",
        ran_runtime=(ran.runtime or "") if ran else "",
        ran_provider=(ran.provider or "") if ran else "",
        image_confidence=review.confidence if review else None,
        image_needs_review=review.needed if review else None,
        image_review_reasons=" ".join(review.reasons) if review else "",
        parameters=run.parameters.model_dump(),
        revision=revision,
    )


def spheroid_of(one: models.Spheroid) -> Spheroid:
    """A spheroid of the service's answer.

    Raises:
        UnexpectedAnswerError: a measure is missing.
    """
    try:
        measures: dict[str, Any] = {name: one.measures[name] for name in Measures.__dataclass_fields__}
    except KeyError as error:
        raise UnexpectedAnswerError(f"The service sent no {error.args[0]} for spheroid {one.number}") from error
    measures["hole_count"] = int(measures["hole_count"])
    reasons = one.review_reasons
    return Spheroid(
        number=one.number,
        polygons=tuple(
            Polygon(tuple(polygon.exterior), tuple(tuple(hole) for hole in polygon.holes)) for polygon in one.polygons
        ),
        measures=Measures(**measures),
        confidence=one.confidence,
        touches_edge=one.touches_edge,
        rim_confidence=one.rim_confidence,
        review_reasons=None if reasons is None else tuple(map(ReviewReason, reasons)),
        brightness=_brightness(one),
        brightness_due_since=one.brightness_due_since,
    )


def _brightness(one: models.Spheroid) -> Brightness | None:
    if one.intensities is None:
        return None
    try:
        told: dict[str, Any] = {name: one.intensities[name] for name in Brightness.__dataclass_fields__}
    except KeyError as error:
        raise UnexpectedAnswerError(f"The service sent no {error.args[0]} for spheroid {one.number}") from error
    return Brightness(**told)
