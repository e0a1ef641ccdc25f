"""Reads for many parents at once, in memory and in PostgreSQL: each one statement, nothing foreign, pages per parent."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageQuery
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.ports import BatchReads, ImageRepository, ProjectRepository, SegmentationRepository
from spheroseg.use_cases.read_together import ReadTogether
from tests.builders import NOW, STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image, an_order
from tests.fakes import InMemoryImages, InMemoryProjects, InMemoryRevisions, InMemorySegmentations
from tests.fakes.batches import InMemoryBatches


@dataclass
class Stored:
    """Two projects of the viewer with three images each, one of them with two runs, and a stranger's."""

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    batches: BatchReads

    def __post_init__(self) -> None:
        self.own: list[Project] = [a_project(), a_project()]
        self.foreign = a_project(owner_id=STRANGER)
        self.image_lists: list[list[Image]] = []
        for project in [*self.own, self.foreign]:
            self.projects.add(project)
            made = [an_image(project, created_at=NOW + timedelta(seconds=second)) for second in range(3)]
            self.images.add_many(made)
            self.image_lists.append(made[::-1])
        self.runs = [self.a_run(self.image_lists[0][0], number) for number in (1, 2)]
        self.foreign_run = self.a_run(self.image_lists[2][0], 1)
        self.foreign_images = self.image_lists[2]

    def a_run(self, image: Image, number: int) -> Segmentation:
        moment = NOW + timedelta(minutes=number)
        order = an_order(model_version=str(number))
        running = a_segmentation(image, status=SegmentationStatus.RUNNING, order=order, queued_at=moment)
        self.segmentations.add(running)
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, order=order, queued_at=moment)
        self.segmentations.finish(running, done, [a_spheroid(1), a_spheroid(2), a_spheroid(3)])
        return done

    @property
    def read(self) -> ReadTogether:
        return ReadTogether(self.batches, self.segmentations)


@pytest.fixture(params=["in_memory", "postgres"])
def stored(request: pytest.FixtureRequest) -> Stored:
    if request.param == "postgres":
        database: Database = request.getfixturevalue("database")
        segmentations = PostgresSegmentations(database)
        return Stored(PostgresProjects(database), PostgresImages(database), segmentations, PostgresBatches(database))
    projects = InMemoryProjects()
    in_memory = InMemorySegmentations(projects=projects)
    images = InMemoryImages(in_memory)
    return Stored(
        projects, images, in_memory, InMemoryBatches(projects, images, in_memory, InMemoryRevisions(in_memory))
    )


VIEWER = a_viewer()


def ids(items: Any) -> list[Any]:
    return [item.id for item in items]


def test_what_is_foreign_or_absent_is_left_out(stored: Stored) -> None:
    read, absent = stored.read, uuid4()
    project_ids = [*ids(stored.own), stored.foreign.id, absent]
    assert {id_: found.item for id_, found in read.projects(VIEWER, project_ids).items()} == {
        project.id: project for project in stored.own
    }
    mine, theirs = stored.image_lists[0][0], stored.foreign_images[0]
    assert read.images(VIEWER, [mine.id, theirs.id, absent]) == {mine.id: mine}
    run = stored.runs[0]
    assert read.runs(VIEWER, [run.id, stored.foreign_run.id, absent]) == {run.id: run}
    assert read.latest_runs(VIEWER, [mine.id, theirs.id, absent]) == {mine.id: stored.runs[1]}
    assert read.run_counts(VIEWER, [mine.id, theirs.id, absent]) == {mine.id: 2, theirs.id: 0, absent: 0}
    assert not any(read.images_of_projects(VIEWER, [stored.foreign.id], ImageQuery(), None, 5)[stored.foreign.id])
    assert not any(read.runs_of_images(VIEWER, [theirs.id], None, None, 5)[theirs.id])
    assert not any(read.spheroids_of_runs(VIEWER, [stored.foreign_run.id], 0, 5)[stored.foreign_run.id])
    assert set(read.image_counts(VIEWER, [stored.foreign.id])[stored.foreign.id].values()) == {0}


def test_each_parent_has_its_own_page(stored: Stored) -> None:
    first, second = ids(stored.own)
    newest = ImageQuery()
    pages = stored.read.images_of_projects(VIEWER, [first, second], newest, None, 2)
    for project_id, images in zip((first, second), stored.image_lists, strict=False):
        assert (list(pages[project_id][0]), pages[project_id][1]) == (images[:2], True)
    last = newest.key_of(pages[first][0][-1])
    rest, has_more = stored.read.images_of_projects(VIEWER, [first], newest, last, 2)[first]
    assert (list(rest), has_more) == (stored.image_lists[0][2:], False)


def test_runs_are_paged_from_the_latest_on(stored: Stored) -> None:
    image_id, other_id = ids(stored.image_lists[0][:2])
    pages = stored.read.runs_of_images(VIEWER, [image_id, other_id], None, None, 1)
    assert (list(pages[image_id][0]), list(pages[other_id][0])) == ([stored.runs[1]], [])
    last = PageKey(stored.runs[1].queued_at, stored.runs[1].id)
    rest, has_more = stored.read.runs_of_images(VIEWER, [image_id], None, last, 1)[image_id]
    assert (list(rest), has_more) == ([stored.runs[0]], False)
    of_page = {page: stored.read.runs_of_images(VIEWER, [image_id], page, None, 5)[image_id][0] for page in (1, 2)}
    assert {page: len(runs) for page, runs in of_page.items()} == {1: 2, 2: 0}


def test_spheroids_are_paged_by_number(stored: Stored) -> None:
    first, second = ids(stored.runs)
    found = stored.read.spheroids_of_runs(VIEWER, [first, second], 0, 2)
    assert {id_: ([each.number for each in page], more) for id_, (page, more) in found.items()} == {
        first: ([1, 2], True),
        second: ([1, 2], True),
    }
    page, more = stored.read.spheroids_of_runs(VIEWER, [first], 2, 2)[first]
    assert (list(page), more) == ([a_spheroid(3)], False)


def test_images_are_counted_by_status(stored: Stored) -> None:
    project = stored.own[1]
    stored.images.add_many([an_image(project, status=ImageStatus.AWAITING_UPLOAD)])
    assert stored.read.image_counts(VIEWER, [project.id])[project.id] == {
        ImageStatus.STORED: 3,
        ImageStatus.AWAITING_UPLOAD: 1,
        ImageStatus.REFUSED: 0,
    }
