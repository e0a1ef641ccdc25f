"""Lists of images by filter and order, in memory and in PostgreSQL."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageQuery, ImageSort, ImageState
from spheroseg.domain.project import Project
from spheroseg.domain.sample import Sample
from spheroseg.ports import BatchReads, ImageRepository, ProjectRepository, SegmentationRepository
from tests.builders import (
    NOW,
    OWNER,
    STRANGER,
    a_failure,
    a_project,
    a_result,
    a_segmentation,
    a_viewer,
    an_id,
    an_image,
)
from tests.fakes import InMemoryImages, InMemoryProjects, InMemoryRevisions, InMemorySegmentations
from tests.fakes.batches import InMemoryBatches


@dataclass(frozen=True)
class Store:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    batches: BatchReads

    def project(self, **changes: Any) -> Project:
        project = a_project(**changes)
        self.projects.add(project)
        return project

    def found(self, project: Project, user_id: str = OWNER, **query: Any) -> list[Image]:
        """All of a list, read two at a time; the same is found where many projects are read at once."""
        asked, viewer = ImageQuery(**query), a_viewer(user_id)
        seen: list[Image] = []
        while True:
            after = asked.key_of(seen[-1]) if seen else None
            page = self.images.search(viewer, project.id, asked, after, 2)
            together = self.batches.images_of_projects(viewer, [project.id, an_id()], asked, after, 2)
            assert list(together.get(project.id, ())) == list(page)
            assert not any(images for id_, images in together.items() if id_ != project.id)
            if not page:
                return seen
            seen.extend(page)


@pytest.fixture(params=["in_memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "postgres":
        database = request.getfixturevalue("database")
        segmentations = PostgresSegmentations(database)
        return Store(PostgresProjects(database), PostgresImages(database), segmentations, PostgresBatches(database))
    projects = InMemoryProjects()
    in_memory = InMemorySegmentations(projects=projects)
    images = InMemoryImages(in_memory)
    return Store(
        projects, images, in_memory, InMemoryBatches(projects, images, in_memory, InMemoryRevisions(in_memory))
    )


def some_images(store: Store) -> tuple[Project, list[Image]]:
    """Five images, the oldest first, and one of another project that all filters would take."""
    project, other = store.project(), store.project()
    images = [
        an_image(
            project, name="Well A1 čaj.tif", size_bytes=300, tags=("control", "a"), sample=Sample("P1", "A01", "x")
        ),
        an_image(project, name="well B2.TIF", size_bytes=100, tags=("b",), sample=Sample("P1", "B02", "y")),
        an_image(project, name="100%_sure.png", size_bytes=200, sample=Sample(well="A01")),
        an_image(project, status=ImageStatus.AWAITING_UPLOAD, name="a", size_bytes=None),
        an_image(project, status=ImageStatus.REFUSED, name="well A1", size_bytes=300),
    ]
    images = [replace(image, created_at=NOW + timedelta(minutes=index // 2)) for index, image in enumerate(images)]
    store.images.add_many(images)
    store.images.add_many([an_image(other, name="well A1", tags=("control",), sample=Sample("P1", "A01", "x"))])
    return project, images


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {0, 1, 2, 3, 4}),
        ({"name": "WELL A1"}, {0, 4}),
        ({"name": "ČAJ"}, {0}),
        ({"name": "b2"}, {1}),
        ({"name": "%_"}, {2}),
        ({"name": "a"}, {0, 3, 4}),
        ({"name": "no such"}, set()),
        ({"tag": "control"}, {0}),
        ({"tag": "cont"}, set()),
        ({"plate": "P1"}, {0, 1}),
        ({"well": "A01"}, {0, 2}),
        ({"condition": "y"}, {1}),
        ({"size_from": 200}, {0, 2, 4}),
        ({"size_to": 200}, {1, 2}),
        ({"created_from": NOW + timedelta(minutes=1)}, {2, 3, 4}),
        ({"created_before": NOW + timedelta(minutes=1)}, {0, 1}),
        ({"well": "A01", "tag": "control", "name": "well", "size_to": 300}, {0}),
        ({"status": ImageState.AWAITING_UPLOAD}, {3}),
        ({"status": ImageState.REFUSED}, {4}),
        ({"status": ImageState.WITHOUT_SEGMENTATION}, {0, 1, 2}),
    ],
    ids=str,
)
def test_filters_take_what_they_say(store: Store, query: dict[str, Any], expected: set[int]) -> None:
    project, images = some_images(store)
    assert {image.id for image in store.found(project, **query)} == {images[index].id for index in expected}


@pytest.mark.parametrize("sort", list(ImageSort))
def test_every_order_is_read_page_by_page(store: Store, sort: ImageSort) -> None:
    project, images = some_images(store)
    expected = sorted(images, key=lambda image: (sort.value_of(image), image.id), reverse=sort.is_descending)
    assert [image.name for image in store.found(project, sort=sort)] == [image.name for image in expected]


def test_new_images_never_shift_a_page(store: Store) -> None:
    project, _ = some_images(store)
    asked = ImageQuery(sort=ImageSort.NAME)
    first = store.images.search(a_viewer(), project.id, asked, None, 2)
    store.images.add_many([an_image(project, name="0 before all others")])
    second = store.images.search(a_viewer(), project.id, asked, asked.key_of(first[-1]), 2)
    assert [image.name for image in (*first, *second)] == ["100%_sure.png", "a", "well A1", "Well A1 čaj.tif"]


def test_a_strangers_list_is_empty(store: Store) -> None:
    project, _ = some_images(store)
    assert store.found(project, STRANGER) == []


def test_the_status_is_that_of_the_latest_run(store: Store) -> None:
    project = store.project()
    image = an_image(project)
    store.images.add_many([image])
    versions = [store.images.get(image.id).version]

    def is_in(state: ImageState) -> bool:
        versions.append(store.images.get(image.id).version)
        return [found.id for found in store.found(project, status=state)] == [image.id]

    run = a_segmentation(image, queued_at=NOW)
    store.segmentations.add(run)
    assert is_in(ImageState.QUEUED)
    running = run.started(NOW)
    store.segmentations.replace(run, running)
    assert is_in(ImageState.RUNNING)
    store.segmentations.finish(running, running.succeeded(a_result(), NOW), [])
    assert is_in(ImageState.SUCCEEDED)
    later = a_segmentation(image, order=replace(image.order, model="other"), queued_at=NOW + timedelta(seconds=1))
    store.segmentations.add(later)
    store.segmentations.replace(later, later.failed(a_failure(), NOW))
    assert is_in(ImageState.FAILED)
    assert not store.found(project, status=ImageState.SUCCEEDED)
    if isinstance(store.images, PostgresImages):
        assert versions == sorted(set(versions)), "a run that gets somewhere raises its image's version"
