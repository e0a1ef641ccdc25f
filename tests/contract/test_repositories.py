"""Projects, images and watchers: what every repository does, in memory and in PostgreSQL."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import Parameters
from spheroseg.errors import (
    ConflictError,
    ImageNotFoundError,
    ProjectNotFoundError,
    SegmentationNotFoundError,
    StaleStateError,
    UnknownTicketError,
)
from spheroseg.ports import ImageRepository, ProjectRepository, SegmentationRepository, WatcherRepository
from tests.builders import (
    NOW,
    OWNER,
    STRANGER,
    a_failure,
    a_project,
    a_segmentation,
    a_spheroid,
    a_viewer,
    an_id,
    an_image,
    an_order,
)
from tests.fakes import InMemoryImages, InMemoryProjects, InMemorySegmentations, InMemoryWatchers


@dataclass(frozen=True)
class Repositories:
    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    watchers: WatcherRepository

    def stored(self, image: Image | None = None, project: Project | None = None) -> Image:
        """The image, stored together with its project."""
        project = project or a_project()
        self.projects.add(project)
        image = replace(image, project_id=project.id) if image else an_image(project)
        self.images.add_many([image])
        return image


@pytest.fixture(params=["in_memory", "postgres"])
def repositories(request: pytest.FixtureRequest) -> Repositories:
    if request.param == "in_memory":
        projects = InMemoryProjects()
        segmentations = InMemorySegmentations(projects=projects)
        return Repositories(projects, InMemoryImages(segmentations), segmentations, InMemoryWatchers(projects))
    database = request.getfixturevalue("database")
    return Repositories(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresWatchers(database),
    )


def key_of(row: Project | Image) -> PageKey:
    return PageKey(created_at=row.created_at, id=row.id)


# Projects


def test_a_project_is_read_as_it_was_added(repositories: Repositories) -> None:
    project = a_project(name="Žluťoučký kůň 🧫", pixel_size_um=0.325)
    repositories.projects.add(project)
    assert repositories.projects.get(project.id) == project
    assert repositories.projects.one(a_viewer(), project.id) == Accessible(project, Access(Role.OWNER))
    assert repositories.projects.accessible(a_viewer(), project.id).item == project


def test_an_id_is_taken_once(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    with pytest.raises(ConflictError):
        repositories.projects.add(replace(project, name="Another"))
    assert repositories.projects.get(project.id).name == project.name


def test_a_foreign_project_is_not_found(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    with pytest.raises(ProjectNotFoundError) as foreign:
        repositories.projects.one(a_viewer(STRANGER), project.id)
    with pytest.raises(ProjectNotFoundError) as absent:
        repositories.projects.one(a_viewer(STRANGER), other := an_id())
    assert str(foreign.value).replace(str(project.id), "") == str(absent.value).replace(str(other), "")
    with pytest.raises(ProjectNotFoundError):
        repositories.projects.get(other)


def test_projects_are_listed_from_the_newest_page_by_page(repositories: Repositories) -> None:
    projects = [a_project(created_at=NOW + timedelta(microseconds=number // 2)) for number in range(7)]
    for project in [*projects, a_project(owner_id=STRANGER)]:
        repositories.projects.add(project)
    expected = sorted(projects, key=lambda row: (row.created_at, row.id), reverse=True)

    first = repositories.projects.page(a_viewer(), None, 3)
    second = repositories.projects.page(a_viewer(), key_of(first[-1].item), 3)
    third = repositories.projects.page(a_viewer(), key_of(second[-1].item), 3)

    assert [found.item for found in [*first, *second, *third]] == expected
    assert repositories.projects.page(a_viewer(), key_of(expected[-1]), 3) == []


# Images


@pytest.mark.parametrize("status", list(ImageStatus))
def test_an_image_is_read_as_it_was_added(repositories: Repositories, status: ImageStatus) -> None:
    order = an_order(parameters=Parameters(min_diameter_px=12.5, holes=False, page=3, out_of_focus=True))
    image = repositories.stored(an_image(status=status, pixel_size_um=1.3, order=order, name="a/b\\c'\";--.tif"))
    assert repositories.images.get(image.id) == image
    assert repositories.images.one(a_viewer(), image.id) == image


def test_images_are_added_all_or_none(repositories: Repositories) -> None:
    there = repositories.stored()
    new = replace(there, id=an_id())
    with pytest.raises(ConflictError):
        repositories.images.add_many([new, there])
    with pytest.raises(ImageNotFoundError):
        repositories.images.get(new.id)


def test_a_thousand_images_are_added_at_once(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    repositories.images.add_many([an_image(project) for _ in range(1000)])
    assert len(repositories.images.page(a_viewer(), project.id, None, 1001)) == 1000


def test_a_foreign_image_is_not_found(repositories: Repositories) -> None:
    image = repositories.stored()
    with pytest.raises(ImageNotFoundError):
        repositories.images.one(a_viewer(STRANGER), image.id)
    assert repositories.images.page(a_viewer(STRANGER), image.project_id, None, 10) == []


def test_images_are_listed_from_the_newest_page_by_page(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    images = [an_image(project, created_at=NOW + timedelta(microseconds=number // 3)) for number in range(10)]
    repositories.images.add_many(images)
    repositories.stored()  # of another project
    seen: list[Image] = []
    while page := repositories.images.page(a_viewer(), project.id, key_of(seen[-1]) if seen else None, 4):
        seen.extend(page)
    assert seen == sorted(images, key=lambda row: (row.created_at, row.id), reverse=True)


def test_an_image_moves_only_from_where_it_was_read(repositories: Repositories) -> None:
    waiting = repositories.stored(an_image(status=ImageStatus.AWAITING_UPLOAD))
    refused = waiting.refused(a_failure())
    repositories.images.replace(waiting, refused)
    with pytest.raises(StaleStateError):
        repositories.images.replace(waiting, waiting.stored(size_bytes=1, etag="e", at=NOW))
    assert repositories.images.get(waiting.id) == refused


def test_pages_are_noted_once(repositories: Repositories) -> None:
    image = repositories.stored()
    noted, plain = Pages(6, "TZ", (2, 3)), Pages(1)
    repositories.images.note_pages(image.id, noted)
    repositories.images.note_pages(image.id, plain)
    assert repositories.images.get(image.id).pages == noted
    assert repositories.images.one(a_viewer(), image.id).pages == noted
    another = repositories.stored()
    repositories.images.note_pages(another.id, plain)
    assert repositories.images.get(another.id).pages == plain
    repositories.images.note_pages(an_id(), plain)


def test_an_image_that_is_gone_cannot_be_replaced(repositories: Repositories) -> None:
    waiting = an_image(status=ImageStatus.AWAITING_UPLOAD)
    with pytest.raises(StaleStateError):
        repositories.images.replace(waiting, waiting.refused(a_failure()))


def test_accepting_stores_image_and_run_together_and_once(repositories: Repositories) -> None:
    waiting = repositories.stored(an_image(status=ImageStatus.AWAITING_UPLOAD))
    stored = waiting.stored(size_bytes=7, etag="tag", at=NOW)
    run = a_segmentation(stored)
    repositories.images.accept(waiting, stored, run)
    assert repositories.images.get(stored.id) == stored
    assert repositories.segmentations.get(run.id) == run
    with pytest.raises(StaleStateError):
        repositories.images.accept(waiting, stored, run)


def test_nothing_is_accepted_for_an_image_that_moved(repositories: Repositories) -> None:
    waiting = repositories.stored(an_image(status=ImageStatus.AWAITING_UPLOAD))
    repositories.images.replace(waiting, waiting.refused(a_failure()))
    run = a_segmentation(waiting)
    with pytest.raises(StaleStateError):
        repositories.images.accept(waiting, waiting.stored(size_bytes=7, etag="tag", at=NOW), run)
    with pytest.raises(SegmentationNotFoundError):
        repositories.segmentations.get(run.id)


def test_an_image_goes_with_all_that_was_made_of_it(repositories: Repositories) -> None:
    image, other = repositories.stored(), repositories.stored()
    running = a_segmentation(image).started(NOW)
    kept = a_segmentation(other)
    repositories.segmentations.add(running)
    repositories.segmentations.add(kept)
    repositories.segmentations.finish(running, running.failed(a_failure(), NOW), [a_spheroid()])

    repositories.images.delete(image)
    repositories.images.delete(image)

    with pytest.raises(ImageNotFoundError):
        repositories.images.get(image.id)
    with pytest.raises(SegmentationNotFoundError):
        repositories.segmentations.get(running.id)
    assert repositories.segmentations.spheroids(a_viewer(), running.id, 0, 10) == []
    assert repositories.segmentations.get(kept.id) == kept


def test_images_whose_file_is_awaited_too_long_are_listed(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    late = [
        an_image(project, status=ImageStatus.AWAITING_UPLOAD, created_at=NOW - timedelta(minutes=number))
        for number in range(10, 15)
    ]
    fresh = an_image(project, status=ImageStatus.AWAITING_UPLOAD, created_at=NOW - timedelta(minutes=5))
    done = an_image(project, created_at=NOW - timedelta(hours=1))
    repositories.images.add_many([*late, fresh, done])
    limit = NOW - timedelta(minutes=5)

    first = repositories.images.awaiting_upload(limit, None, 3)
    rest = repositories.images.awaiting_upload(limit, key_of(first[-1]), 3)

    assert [*first, *rest] == late


# Watchers


def test_a_ticket_lets_in_once(repositories: Repositories) -> None:
    repositories.watchers.add_ticket("hash", OWNER, NOW + timedelta(seconds=30))
    assert repositories.watchers.redeem_ticket("hash", NOW) == OWNER
    with pytest.raises(UnknownTicketError):
        repositories.watchers.redeem_ticket("hash", NOW)


def test_an_old_ticket_lets_nobody_in(repositories: Repositories) -> None:
    repositories.watchers.add_ticket("hash", OWNER, NOW)
    with pytest.raises(UnknownTicketError):
        repositories.watchers.redeem_ticket("hash", NOW)


def test_a_made_up_ticket_lets_nobody_in(repositories: Repositories) -> None:
    with pytest.raises(UnknownTicketError):
        repositories.watchers.redeem_ticket("made up", NOW)


def test_connections_are_known_by_their_project_until_removed(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    for connection_id, owner in (("b", OWNER), ("a", OWNER), ("c", STRANGER)):
        repositories.watchers.add(connection_id, owner, NOW)
    repositories.watchers.add("a", OWNER, NOW)
    assert repositories.watchers.of_project(project.id) == ["a", "b"]
    assert repositories.watchers.of_project(an_id()) == []
    repositories.watchers.remove("a")
    repositories.watchers.remove("a")
    assert repositories.watchers.of_project(project.id) == ["b"]


def test_old_connections_and_tickets_are_forgotten(repositories: Repositories) -> None:
    project = a_project()
    repositories.projects.add(project)
    repositories.watchers.add("old", OWNER, NOW - timedelta(hours=3))
    repositories.watchers.add("new", OWNER, NOW)
    repositories.watchers.add_ticket("expired", OWNER, NOW - timedelta(hours=3))
    repositories.watchers.add_ticket("good", OWNER, NOW + timedelta(seconds=30))
    assert repositories.watchers.remove_older_than(NOW - timedelta(hours=2)) == 1
    assert repositories.watchers.of_project(project.id) == ["new"]
    assert repositories.watchers.redeem_ticket("good", NOW) == OWNER
    with pytest.raises(UnknownTicketError):
        repositories.watchers.redeem_ticket("expired", NOW - timedelta(hours=4))
