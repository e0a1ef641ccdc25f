"""Projects are made, files announced, images read and deleted."""

from dataclasses import dataclass, replace
from uuid import UUID

import pytest

from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.account import UNTOLD_BYTES, Profile
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.segmentation import PixelSizeSource, Segmentation, SegmentationStatus, result_prefix
from spheroseg.errors import ImageNotFoundError, ImageTooLargeError, ProjectNotFoundError
from spheroseg.use_cases.create_project import CreateProject
from spheroseg.use_cases.delete_image import DeleteImage
from spheroseg.use_cases.read_images import ReadImages
from spheroseg.use_cases.read_projects import ReadProjects
from spheroseg.use_cases.request_upload import MAX_SIZE_BYTES, AnnouncedFile, RequestUpload
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_viewer, an_image, an_order
from tests.fakes import (
    InMemoryAccounts,
    InMemoryClock,
    InMemoryIds,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryProjects,
    InMemoryProjectStatistics,
    InMemorySegmentations,
)


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.images = InMemoryImages(self.segmentations)
        self.accounts = InMemoryAccounts(self.images)
        self.store = InMemoryImageStore(self.clock)
        self.project = a_project()
        self.projects.add(self.project)
        self.create = CreateProject(self.projects, self.accounts, self.clock, InMemoryIds())
        self.request = RequestUpload(self.projects, self.images, self.store, self.clock, InMemoryIds())
        self.delete = DeleteImage(self.images, self.segmentations, self.store)
        self.read = ReadImages(self.projects, self.images, self.segmentations)

    def image(self) -> Image:
        image = an_image(self.project)
        self.images.add_many([image])
        self.store.put(original_key(image.id), b"a file", "image/tiff")
        return image

    def run(self, image: Image, status: SegmentationStatus) -> Segmentation:
        run = a_segmentation(image, status=status)
        self.segmentations.rows[run.id] = run
        return run


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_project_belongs_to_who_made_it(bench: Bench) -> None:
    project = bench.create(a_viewer(), "Day 7", 0.65)
    read = ReadProjects(bench.projects, InMemoryProjectStatistics(bench.images))
    assert read.one(a_viewer(), project.id) == Accessible(project, Access(Role.OWNER))
    with pytest.raises(ProjectNotFoundError):
        read.one(a_viewer(STRANGER), project.id)


@pytest.mark.parametrize(
    ("usual", "said", "expected"),
    [
        (0.65, None, (0.65, PixelSizeSource.PROFILE)),
        (None, None, (None, None)),
        (0.65, 0.5, (0.5, PixelSizeSource.PROJECT)),
    ],
)
def test_a_new_project_takes_the_pixel_size_of_the_profile_when_none_is_said(
    bench: Bench, usual: float | None, said: float | None, expected: tuple[float | None, PixelSizeSource | None]
) -> None:
    bench.accounts.replace_profile(OWNER, Profile(pixel_size_um=usual))
    project = bench.create(a_viewer(), "Day 7", said, by_profile=said is None)
    assert (project.pixel_size_um, project.pixel_size_source) == expected
    unknown = bench.create(a_viewer(), "Day 7", None)
    assert (unknown.pixel_size_um, unknown.pixel_size_source) == (None, None), "null was said, which is something"
    own = project.changed({"pixel_size_um": project.pixel_size_um}, NOW)
    assert own.pixel_size_source is (PixelSizeSource.PROJECT if project.pixel_size_um else None)
    assert project.changed({"name": "Day 8"}, NOW).pixel_size_source is expected[1]


def test_pages_of_projects_hold_each_once_newest_first(bench: Bench) -> None:
    made = [bench.project, *(a_project() for _ in range(4))]
    for project in made[1:]:
        bench.projects.add(project)
    bench.projects.add(a_project(owner_id=STRANGER))
    read = ReadProjects(bench.projects, InMemoryProjectStatistics(bench.images))
    first = read.page(a_viewer(), None, 2)
    second = read.page(a_viewer(), first.next, 2)
    third = read.page(a_viewer(), second.next, 2)
    assert [found.item for found in [*first.items, *second.items, *third.items]] == made[::-1]
    assert third.next is None


def test_announced_files_become_images_with_a_form_each(bench: Bench) -> None:
    files = [AnnouncedFile("a.tif", 1_000, None), AnnouncedFile("b.tif", None, 0.5)]
    announced = bench.request(a_viewer(), bench.project.id, files, an_order(), "c")
    assert [(image.name, image.pixel_size_um) for image, _ in announced] == [("a.tif", None), ("b.tif", 0.5)]
    assert [form.fields["key"] for _, form in announced if form] == [original_key(image.id) for image, _ in announced]
    assert [form.fields["policy"] for _, form in announced if form] == ["1 to 1000 bytes", f"1 to {UNTOLD_BYTES} bytes"]
    assert all(bench.images.get(image.id).status is ImageStatus.AWAITING_UPLOAD for image, _ in announced)


def test_one_file_that_is_too_large_announces_none(bench: Bench) -> None:
    files = [AnnouncedFile("a.tif", 1, None), AnnouncedFile("b.tif", MAX_SIZE_BYTES + 1, None)]
    with pytest.raises(ImageTooLargeError, match=r"b\.tif"):
        bench.request(a_viewer(), bench.project.id, files, an_order(), "c")
    assert bench.images.rows == {}


def test_files_for_a_strangers_project_are_refused(bench: Bench) -> None:
    with pytest.raises(ProjectNotFoundError):
        bench.request(a_viewer(STRANGER), bench.project.id, [AnnouncedFile("a.tif", 1, None)], an_order(), "c")
    assert bench.images.rows == {}


def test_an_image_is_read_with_its_latest_run(bench: Bench) -> None:
    image = bench.image()
    assert bench.read.one(a_viewer(), image.id).segmentation is None
    bench.run(image, SegmentationStatus.FAILED)
    later = a_segmentation(image, order=an_order(model_version="2"))
    bench.segmentations.add(later)
    assert bench.read.one(a_viewer(), image.id).segmentation == later


def test_pages_of_images_hold_each_once_newest_first(bench: Bench) -> None:
    images = [bench.image() for _ in range(5)]
    first = bench.read.page(a_viewer(), bench.project.id, None, 3)
    second = bench.read.page(a_viewer(), bench.project.id, first.next, 3)
    assert [view.image for view in [*first.items, *second.items]] == images[::-1]
    assert second.next is None


def test_a_page_that_is_exactly_full_is_the_last(bench: Bench) -> None:
    for _ in range(3):
        bench.image()
    assert bench.read.page(a_viewer(), bench.project.id, None, 3).next is None


def test_a_stranger_reads_neither_image_nor_list(bench: Bench) -> None:
    image = bench.image()
    with pytest.raises(ImageNotFoundError):
        bench.read.one(a_viewer(STRANGER), image.id)
    with pytest.raises(ProjectNotFoundError):
        bench.read.page(a_viewer(STRANGER), bench.project.id, None, 3)


def test_a_deleted_image_takes_runs_spheroids_and_objects_along(bench: Bench) -> None:
    image, other = bench.image(), bench.image()
    run = bench.run(image, SegmentationStatus.SUCCEEDED)
    for attempt in (1, 2):
        bench.store.put(result_prefix(run.id, attempt) + "labels.tif", b"labels", "image/tiff")
    bench.delete(a_viewer(), image.id)
    assert list(bench.images.rows) == [other.id]
    assert bench.segmentations.rows == {}
    assert list(bench.store.objects) == [original_key(other.id)]


def test_a_run_that_ends_while_its_image_is_deleted_leaves_no_objects(bench: Bench) -> None:
    image = bench.image()
    run = bench.run(image, SegmentationStatus.RUNNING)

    class EndsMeanwhile(InMemoryImages):
        def delete(self, image: Image) -> None:
            bench.store.put(result_prefix(run.id, 1) + "labels.tif", b"labels", "image/tiff")
            super().delete(image)

    replace(bench.delete, images=EndsMeanwhile(bench.segmentations, bench.images.rows))(a_viewer(), image.id)
    assert bench.store.objects == {}


def test_a_stranger_deletes_nothing(bench: Bench) -> None:
    image = bench.image()
    with pytest.raises(ImageNotFoundError):
        bench.delete(a_viewer(STRANGER), image.id)
    assert image.id in bench.images.rows


def test_deleting_what_was_deleted_says_so(bench: Bench) -> None:
    with pytest.raises(ImageNotFoundError):
        bench.delete(a_viewer(), UUID(int=7))
