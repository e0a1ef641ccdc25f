"""Measures of many images, read from the other fakes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from spheroseg.domain.measurement import INTENSITIES, Measure, MeasuredImage, Measurement, MeasurementKey
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from tests.fakes.images import InMemoryImages
from tests.fakes.revisions import InMemoryRevisions


@dataclass
class InMemoryMeasurements:
    """Over the images, runs and revisions of other fakes."""

    images: InMemoryImages
    revisions: InMemoryRevisions = field(default_factory=InMemoryRevisions)

    def page(
        self, viewer: Viewer, project_id: UUID, measure: Measure, after: MeasurementKey | None, limit: int
    ) -> Sequence[Measurement]:
        found = sorted(self._all(viewer, project_id, measure), key=lambda one: (one.image.id, one.number))
        past = [one for one in found if after is None or (one.image.id, one.number) > (after.image_id, after.number)]
        return past[:limit]

    def _all(self, viewer: Viewer, project_id: UUID, measure: Measure) -> Iterator[Measurement]:
        runs = self.images.segmentations
        for image in self.images.rows.values():
            run = next((run for run in runs.of_image(viewer, image.id) if run.result), None)
            if image.project_id != project_id or run is None or run.result is None:
                continue
            size = run.result.pixel_size_um
            measured = MeasuredImage(image.id, image.name, image.sample, run.id, run.revision, size)
            kept = self.revisions.states.get((run.id, run.revision))
            spheroids: Sequence[Spheroid] = list(kept.values()) if kept is not None else runs.found.get(run.id, [])
            for one in spheroids:
                known = {**vars(one.measures), **(one.intensities or {})}
                value = measure.of(known.get(measure.stored), size)
                waits = measure.stored in INTENSITIES and value is None
                due_since = one.brightness_due_since if waits else None
                yield Measurement(measured, one.number, one.touches_edge, value, due_since)
