"""One measure of every spheroid of a project, with what the images show."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.measurement import Measurement, MeasurementKey, measure_named
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import MeasurementSource, ProjectRepository


@dataclass(frozen=True)
class MeasurementPage:
    """Some measurements, and where the next page begins; None: there is none."""

    items: tuple[Measurement, ...]
    next_after: MeasurementKey | None


@dataclass(frozen=True)
class ReadMeasurements:
    """Pages of measurements, for statistics."""

    projects: ProjectRepository
    measurements: MeasurementSource

    def page(
        self, viewer: Viewer, project_id: UUID, measure: str, after: MeasurementKey | None, limit: int
    ) -> MeasurementPage:
        """A page in order of image ids and spheroid numbers.

        Raises:
            ProjectNotFoundError, InvalidQuestionError: there is no such project for the viewer, or no such measure.
        """
        wanted = measure_named(measure)
        self.projects.one(viewer, project_id)
        found = self.measurements.page(viewer, project_id, wanted, after, limit + 1)
        if len(found) <= limit:
            return MeasurementPage(tuple(found), None)
        last = found[limit - 1]
        return MeasurementPage(tuple(found[:limit]), MeasurementKey(last.image.id, last.number))
