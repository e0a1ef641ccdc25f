"""What a project holds, counted when it is asked for."""

from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.image import ImageStatus
from spheroseg.domain.project import PLACE_OF_RUN, PLACES, ProjectStatistics
from spheroseg.domain.viewer import Viewer
from tests.fakes.images import InMemoryImages


@dataclass
class InMemoryProjectStatistics:
    """Counts over the images and runs of the other fakes."""

    images: InMemoryImages

    def of(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        project = self.images.projects.one(viewer, project_id).item
        counts = dict.fromkeys(PLACES, 0)
        times = [project.created_at, project.updated_at]
        size_bytes = spheroids = 0
        for image in self.images.rows.values():
            if image.project_id != project_id:
                continue
            runs = self.images.segmentations.of_image(viewer, image.id)
            times += [image.created_at, image.stored_at, *(run.finished_at for run in runs[:1])]
            place: str = image.status
            if image.status is ImageStatus.STORED:
                size_bytes += image.size_bytes or 0
                place = PLACE_OF_RUN.get(runs[0].status, runs[0].status) if runs else "without_segmentation"
            counts[place] += 1
            spheroids += next((run.result.spheroid_count for run in runs if run.result), 0)
        return ProjectStatistics(counts, size_bytes, spheroids, max(time for time in times if time))
