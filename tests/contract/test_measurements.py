"""Measures of a whole project, in memory and in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.image import Image
from spheroseg.domain.measurement import Measurement, MeasurementKey, measure_named
from spheroseg.domain.operations import Delete
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.ports import (
    ImageRepository,
    MeasurementSource,
    ProjectRepository,
    RevisionRepository,
    SegmentationRepository,
)
from spheroseg.use_cases.edit_outlines import EditOutlines
from tests.builders import STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image
from tests.fakes import (
    InMemoryClock,
    InMemoryImages,
    InMemoryMeasurements,
    InMemoryProjects,
    InMemoryRevisions,
    InMemorySegmentations,
)


@dataclass(frozen=True)
class Bench:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    revisions: RevisionRepository
    measurements: MeasurementSource

    def a_run(self, image: Image, *spheroids: Spheroid, later_h: float = 0) -> Segmentation:
        running = a_segmentation(image, status=SegmentationStatus.RUNNING)
        running = replace(
            running,
            queued_at=running.queued_at + timedelta(hours=later_h),
            id=UUID(int=int(later_h) + image.id.int % 2**64),
        )
        self.segmentations.add(running)
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
        assert done.result is not None
        done = replace(done, id=running.id, result=replace(done.result, spheroid_count=len(spheroids)))
        self.segmentations.finish(running, done, list(spheroids))
        return done


@pytest.fixture(params=["in_memory", "postgres"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        runs = InMemorySegmentations(projects=projects)
        images, revisions = InMemoryImages(runs), InMemoryRevisions(runs)
        return Bench(projects, images, runs, revisions, InMemoryMeasurements(images, revisions))
    database: Database = request.getfixturevalue("database")
    return Bench(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresRevisions(database),
        PostgresMeasurements(database),
    )


def test_a_project_is_read_page_by_page_by_newest_runs_and_revisions(bench: Bench) -> None:
    project, other = a_project(), a_project()
    bench.projects.add(project)
    bench.projects.add(other)
    sample = Sample("P1", "B03", "10 µM", 24.0, 2)
    first, second, without, elsewhere = (an_image(of) for of in (project, project, project, other))
    first = replace(first, sample=sample)
    bench.images.add_many([first, second, without, elsewhere])
    bench.a_run(first, a_spheroid(1))
    newest = bench.a_run(first, a_spheroid(1), a_spheroid(2), a_spheroid(4), later_h=1)
    bench.a_run(second, a_spheroid(3))
    bench.a_run(elsewhere, a_spheroid(9))
    edit = EditOutlines(bench.revisions, ShapelyEditor(), InMemoryClock())
    edit.save(a_viewer(), newest.id, 0, [Delete((2,))])
    measure = measure_named("equivalent_diameter_um")

    def page(after: MeasurementKey | None, limit: int, viewer: str | None = None) -> Sequence[Measurement]:
        who = a_viewer(viewer) if viewer else a_viewer()
        return bench.measurements.page(who, project.id, measure, after, limit)

    everything = page(None, 100)
    expected = [(first.id, 1), (first.id, 4), (second.id, 3)]
    assert [(one.image.id, one.number) for one in everything] == sorted(expected)
    read = page(None, 1)
    while len(read) < 4 and (more := page(MeasurementKey(read[-1].image.id, read[-1].number), 1)):
        read = [*read, *more]
    assert read == everything
    edited = next(one for one in everything if one.image.id == first.id)
    assert (edited.image.sample, edited.image.segmentation_id, edited.image.revision) == (sample, newest.id, 1)
    assert edited.image.pixel_size_um is not None
    stored = a_spheroid().measures.equivalent_diameter_px
    assert edited.value == pytest.approx(stored * edited.image.pixel_size_um)
    assert page(None, 100, STRANGER) == []
