"""What owners say of their images: stored, read and followed by runs, in memory and in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.account import Quota
from spheroseg.domain.image import Image
from spheroseg.domain.project import Project
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import PixelSizeSource, Result, Segmentation, SegmentationStatus
from spheroseg.errors import QuotaExceededError, SegmentationNotFoundError, StaleStateError
from spheroseg.ports import ImageRepository, ProjectRepository, RunOfImage, SegmentationRepository
from tests.builders import NOW, STRANGER, a_project, a_result, a_segmentation, a_viewer, an_id, an_image
from tests.fakes import InMemoryImages, InMemoryProjects, InMemorySegmentations
from tests.postgres import Servers

SAMPLE = Sample(plate="P7", well="B03", condition='10 µM; "x"', time_point_h=0.1, replicate=2)


@dataclass(frozen=True)
class Store:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository

    def project(self, **changes: Any) -> Project:
        project = a_project(**changes)
        self.projects.add(project)
        return project

    def image(self, project: Project, **changes: Any) -> Image:
        image = an_image(project, **changes)
        self.images.add_many([image])
        return image

    def succeeded(self, image: Image, **changes: Any) -> Segmentation:
        run = a_segmentation(image)
        self.segmentations.add(run)
        running = run.started(run.queued_at)
        self.segmentations.replace(run, running)
        done = running.succeeded(a_result(**changes), run.queued_at)
        self.segmentations.finish(running, done, [])
        return done

    def result(self, run: Segmentation) -> Result:
        result = self.segmentations.get(run.id).result
        assert result
        return result


def in_postgres(database: Database) -> Store:
    return Store(PostgresProjects(database), PostgresImages(database), PostgresSegmentations(database))


@pytest.fixture(params=["in_memory", "postgres"])
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "postgres":
        return in_postgres(request.getfixturevalue("database"))
    projects = InMemoryProjects()
    segmentations = InMemorySegmentations(projects=projects)
    return Store(projects, InMemoryImages(segmentations), segmentations)


def test_what_was_said_when_an_image_was_added_is_read(store: Store) -> None:
    image = store.image(store.project(), tags=("a", "b"), sample=SAMPLE)
    read = store.images.get(image.id)
    assert (read, read.version) == (image, 1)


def test_what_is_changed_is_read_and_raises_the_version(store: Store) -> None:
    project = store.project()
    image, other = store.image(project), store.image(project)
    fields = {"name": "x", "tags": ("ü", 'a"b'), "well": "B03", "time_point_h": 0.1, "pixel_size_um": 0.65}
    [changed] = store.images.change_many([image.id], lambda current: current.described(fields))
    assert changed == image.described(fields) == store.images.get(image.id)
    assert store.images.get(image.id).version > 1
    assert store.images.get(other.id).version == 1
    assert store.images.change_many([image.id], lambda current: current.described(fields)) == []
    store.images.change_many([image.id], lambda current: current.described({"well": None, "tags": ()}))
    assert store.images.get(image.id).sample == Sample(time_point_h=0.1)


def test_changes_of_many_are_made_together_or_not_at_all(store: Store) -> None:
    project = store.project()
    image = store.image(project)
    with pytest.raises(StaleStateError):
        store.images.change_many([image.id, an_id()], lambda current: current.described({"well": "A01"}))
    assert store.images.get(image.id) == image


def test_runs_move_along(store: Store) -> None:
    project, target = store.project(), store.project(owner_id=STRANGER, pixel_size_um=2.0)
    image = store.image(project)
    run = store.succeeded(image, pixel_size_um=None, pixel_size_source=None)
    fields = {"project_id": target.id, "owner_id": target.owner_id}
    store.images.change_many([image.id], lambda current: current.described(fields))
    moved = store.segmentations.get(run.id)
    assert (moved.project_id, moved.owner_id) == (target.id, STRANGER)
    assert (store.result(run).pixel_size_um, store.result(run).pixel_size_source) == (2.0, PixelSizeSource.PROJECT)
    assert store.images.page(a_viewer(), project.id, None, 10) == []


def test_pixel_sizes_of_runs_follow_in_the_order_of_who_knows_best(store: Store) -> None:
    image = store.image(store.project(pixel_size_um=3.0))
    told = store.succeeded(image, pixel_size_um=0.5, file_pixel_size_um=0.5)
    for said, expected in ((0.7, (0.7, PixelSizeSource.USER)), (None, (0.5, PixelSizeSource.FILE))):
        fields = {"pixel_size_um": said}
        store.images.change_many([image.id], partial(Image.described, changes=fields))
        result = store.result(told)
        assert (result.pixel_size_um, result.pixel_size_source) == expected
    other = store.image(store.project(pixel_size_um=3.0), pixel_size_um=0.7)
    untold = store.succeeded(other, pixel_size_um=0.7, written_pixel_size_um=0.7)
    store.images.change_many([other.id], lambda current: current.described({"pixel_size_um": None}))
    result = store.result(untold)
    assert (result.pixel_size_um, result.pixel_size_source) == (3.0, PixelSizeSource.PROJECT)
    assert result.written_pixel_size_um == 0.7, "files stay as they were written"


def test_what_comes_from_a_profile_says_so_until_somebody_says_it_of_the_project(store: Store) -> None:
    project = store.project(pixel_size_um=3.0, is_pixel_size_of_profile=True)
    assert store.projects.get(project.id) == project
    image = store.image(project, pixel_size_um=0.7)
    run = store.succeeded(image, pixel_size_um=0.7)
    store.images.change_many([image.id], lambda current: current.described({"pixel_size_um": None}))
    assert (store.result(run).pixel_size_um, store.result(run).pixel_size_source) == (3.0, PixelSizeSource.PROFILE)
    store.projects.replace(project, project.changed({"pixel_size_um": 3.0}, NOW))
    assert store.projects.get(project.id).pixel_size_source is PixelSizeSource.PROJECT


def test_several_are_read_at_once_by_id_and_by_name(store: Store) -> None:
    project = store.project()
    mine = [store.image(project, name="a.tif"), store.image(project, name="a.tif"), store.image(project, name="b.tif")]
    foreign = store.image(store.project(owner_id=STRANGER), name="a.tif")
    found = store.images.accessible_many(a_viewer(), [*(image.id for image in mine), foreign.id, an_id()])
    assert {image_id: each.item for image_id, each in found.items()} == {image.id: image for image in mine}
    named = store.images.named(project.id, ["a.tif", "c.tif"])
    assert {image.id for image in named} == {image.id for image in mine[:2]}


def test_a_move_to_another_owner_needs_room_there() -> None:
    images = InMemoryImages()
    images.add_many([image := an_image(a_project(), size_bytes=10)])
    images.quotas[STRANGER] = Quota(size_bytes=9)
    with pytest.raises(QuotaExceededError):
        images.change_many([image.id], lambda current: replace(current, owner_id=STRANGER))
    assert images.get(image.id) == image


def test_a_move_to_another_owner_needs_room_there_in_postgres(database: Database) -> None:
    store = in_postgres(database)
    target = store.project(owner_id=STRANGER)
    image = store.image(store.project(), size_bytes=10)
    database.run("INSERT INTO accounts (user_id, quota_bytes) VALUES (%(id)s, 9)", {"id": STRANGER})
    fields = {"project_id": target.id, "owner_id": STRANGER}
    with pytest.raises(QuotaExceededError):
        store.images.change_many([image.id], lambda current: current.described(fields))
    assert store.images.get(image.id) == image


def test_no_change_at_the_same_time_is_lost(servers: Servers, database: Database) -> None:
    store = in_postgres(database)
    image = store.image(store.project())
    writers = [servers.database() for _ in range(4)]

    def add_tag(number: int) -> None:
        images = PostgresImages(writers[number % 4])
        images.change_many([image.id], lambda current: replace(current, tags=(*current.tags, str(number))))

    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add_tag, range(10)))
    finally:
        for writer in writers:
            writer.close()
    assert sorted(store.images.get(image.id).tags, key=int) == [str(number) for number in range(10)]


@pytest.mark.parametrize("status", [SegmentationStatus.QUEUED])
def test_a_run_without_a_result_has_no_pixel_size(store: Store, status: SegmentationStatus) -> None:
    image = store.image(store.project())
    run = a_segmentation(image, status=status)
    store.segmentations.add(run)
    store.images.change_many([image.id], lambda current: current.described({"pixel_size_um": 0.7}))
    assert store.segmentations.get(run.id) == run


def test_many_go_together_with_their_runs(store: Store) -> None:
    project = store.project()
    done, waiting, kept = (store.image(project) for _ in range(3))
    finished, queued = store.succeeded(done), a_segmentation(waiting)
    store.segmentations.add(queued)
    assert store.images.runs_of([done.id, waiting.id, kept.id, an_id()]) == {
        done.id: [RunOfImage(finished.id, is_open=False)],
        waiting.id: [RunOfImage(queued.id, is_open=True)],
    }
    store.images.delete_many([done.id, waiting.id, an_id()])
    store.images.delete_many([])
    assert store.images.page(a_viewer(), project.id, None, 10) == [kept]
    with pytest.raises(SegmentationNotFoundError):
        store.segmentations.get(queued.id)
