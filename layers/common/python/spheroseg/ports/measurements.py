"""Measures of many images at once."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from spheroseg.domain.measurement import Measure, Measurement, MeasurementKey
from spheroseg.domain.viewer import Viewer


class MeasurementSource(Protocol):
    """One measure of every spheroid of a project."""

    def page(
        self, viewer: Viewer, project_id: UUID, measure: Measure, after: MeasurementKey | None, limit: int
    ) -> Sequence[Measurement]:
        """Up to ``limit`` measurements in order of image ids and numbers, behind ``after``.

        Each image gives those of its newest run that succeeded, by the newest revision of its outlines. Empty where the
        viewer has no role in the project.
        """
