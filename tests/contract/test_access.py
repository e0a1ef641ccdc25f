"""Roles reach everything below a project, in memory and in PostgreSQL; each answer takes one statement."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.domain.access import Access, Role
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import PLACES, Project
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import ImageNotFoundError, ProjectNotFoundError, SegmentationNotFoundError, StaleStateError
from spheroseg.ports import (
    ImageRepository,
    ProjectRepository,
    ProjectStatisticsSource,
    SegmentationRepository,
    WatcherRepository,
)
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image, an_order
from tests.fakes import (
    InMemoryImages,
    InMemoryProjects,
    InMemoryProjectStatistics,
    InMemorySegmentations,
    InMemoryWatchers,
)

MEMBER = "6f1c1d1e-0000-4000-8000-00000000000c"


@dataclass(frozen=True)
class Shared:
    """One project with an image that has a finished run, and how somebody gets a role in it."""

    projects: ProjectRepository
    images: ImageRepository
    segmentations: SegmentationRepository
    watchers: WatcherRepository
    statistics: ProjectStatisticsSource
    set_role: Callable[[Project, str, Role], None]
    set_flag: Callable[[Project, str], None]
    project: Project
    image: Image
    run: Segmentation


def shared_in_memory() -> Shared:
    projects = InMemoryProjects()
    segmentations = InMemorySegmentations(projects=projects)

    def set_role(project: Project, user_id: str, role: Role) -> None:
        projects.members[project.id, user_id] = role

    def set_flag(project: Project, flag: str) -> None:
        if flag == "deleted":
            projects.deleted.add(project.id)
        else:
            projects.rows[project.id] = replace(projects.rows[project.id], archived_at=NOW)

    images = InMemoryImages(segmentations)
    statistics = InMemoryProjectStatistics(images)
    return filled(projects, images, segmentations, InMemoryWatchers(projects), statistics, set_role, set_flag)


def shared_in_postgres(database: Database) -> Shared:
    def set_role(project: Project, user_id: str, role: Role) -> None:
        values = {"id": project.id, "user_id": user_id, "role": role.value, "at": project.created_at}
        statement = "INSERT INTO project_members VALUES (%(id)s, %(user_id)s, %(role)s, NULL, %(at)s, %(at)s)"
        database.run(statement, values)

    def set_flag(project: Project, flag: str) -> None:
        database.run(f"UPDATE projects SET {flag}_at = now() WHERE id = %(id)s", {"id": project.id})

    return filled(
        PostgresProjects(database),
        PostgresImages(database),
        PostgresSegmentations(database),
        PostgresWatchers(database),
        PostgresProjectStatistics(database),
        set_role,
        set_flag,
    )


def filled(
    projects: ProjectRepository,
    images: ImageRepository,
    segmentations: SegmentationRepository,
    watchers: WatcherRepository,
    statistics: ProjectStatisticsSource,
    set_role: Callable[[Project, str, Role], None],
    set_flag: Callable[[Project, str], None],
) -> Shared:
    project = a_project()
    projects.add(project)
    image = an_image(project)
    images.add_many([image])
    running = a_segmentation(image, status=SegmentationStatus.RUNNING)
    segmentations.add(running)
    done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
    segmentations.finish(running, done, [a_spheroid()])
    return Shared(projects, images, segmentations, watchers, statistics, set_role, set_flag, project, image, done)


@pytest.fixture(params=["in_memory", "postgres"])
def shared(request: pytest.FixtureRequest) -> Shared:
    if request.param == "in_memory":
        return shared_in_memory()
    return shared_in_postgres(request.getfixturevalue("database"))


def seen_by(shared: Shared, user_id: str) -> dict[str, object]:
    """Everything that somebody is told about the project; None: not found."""
    viewer = a_viewer(user_id)

    def found(read: Callable[[], object]) -> object:
        try:
            return read()
        except (ProjectNotFoundError, ImageNotFoundError, SegmentationNotFoundError):
            return None

    project_id, image_id, run_id = shared.project.id, shared.image.id, shared.run.id
    return {
        "project": found(lambda: shared.projects.one(viewer, project_id).item),
        "projects": shared.projects.page(viewer, None, 10),
        "image": found(lambda: shared.images.one(viewer, image_id)),
        "images": shared.images.page(viewer, project_id, None, 10),
        "run": found(lambda: shared.segmentations.one(viewer, run_id)),
        "runs": shared.segmentations.of_image(viewer, image_id),
        "latest runs": shared.segmentations.latest_of_images(viewer, [image_id]),
        "spheroids": shared.segmentations.spheroids(viewer, run_id, 0, 10),
    }


def access_of(shared: Shared, user_id: str) -> set[Access]:
    """What somebody may do, as each way to it says."""
    viewer = a_viewer(user_id)
    return {
        shared.projects.one(viewer, shared.project.id).access,
        shared.projects.accessible(viewer, shared.project.id).access,
        shared.projects.page(viewer, None, 10)[0].access,
        shared.images.accessible(viewer, shared.image.id).access,
        shared.segmentations.accessible(viewer, shared.run.id).access,
    }


@pytest.mark.parametrize("role", [Role.EDITOR, Role.VIEWER])
def test_a_member_sees_what_the_owner_sees_in_another_role(shared: Shared, role: Role) -> None:
    shared.set_role(shared.project, MEMBER, role)
    owner, member = seen_by(shared, OWNER), seen_by(shared, MEMBER)
    assert all(owner.values())
    assert {key: value for key, value in member.items() if key != "projects"} == {
        key: value for key, value in owner.items() if key != "projects"
    }
    assert access_of(shared, OWNER) == {Access(Role.OWNER)}
    assert access_of(shared, MEMBER) == {Access(role)}


def test_a_stranger_sees_nothing(shared: Shared) -> None:
    shared.set_role(shared.project, MEMBER, Role.EDITOR)
    assert not any(seen_by(shared, STRANGER).values())
    for read in (
        lambda viewer: shared.projects.accessible(viewer, shared.project.id),
        lambda viewer: shared.images.accessible(viewer, shared.image.id),
        lambda viewer: shared.segmentations.accessible(viewer, shared.run.id),
    ):
        with pytest.raises((ProjectNotFoundError, ImageNotFoundError, SegmentationNotFoundError)):
            read(a_viewer(STRANGER))


def test_a_role_in_one_project_opens_no_other(shared: Shared) -> None:
    other = a_project(owner_id=STRANGER)
    shared.projects.add(other)
    shared.set_role(other, MEMBER, Role.EDITOR)
    assert [found.item for found in shared.projects.page(a_viewer(MEMBER), None, 10)] == [other]
    assert not any(value for key, value in seen_by(shared, MEMBER).items() if key != "projects")


def test_archived_is_told_everywhere(shared: Shared) -> None:
    shared.set_role(shared.project, MEMBER, Role.EDITOR)
    shared.set_flag(shared.project, "archived")
    assert access_of(shared, OWNER) == {Access(Role.OWNER, is_archived=True)}
    assert access_of(shared, MEMBER) == {Access(Role.EDITOR, is_archived=True)}


def test_nobody_finds_anything_in_a_project_that_is_being_deleted(shared: Shared) -> None:
    shared.set_role(shared.project, MEMBER, Role.EDITOR)
    for number, person in enumerate((OWNER, MEMBER)):
        shared.watchers.add(f"connection-{number}", person, NOW)
    shared.set_flag(shared.project, "deleted")
    assert not any(seen_by(shared, OWNER).values())
    assert not any(seen_by(shared, MEMBER).values())
    assert shared.watchers.of_project(shared.project.id) == []
    with pytest.raises(ProjectNotFoundError):
        shared.projects.get(shared.project.id)


def test_changes_are_heard_by_all_who_have_a_role(shared: Shared) -> None:
    for person in (OWNER, MEMBER, STRANGER):
        shared.watchers.add(f"of {person}", person, NOW)
    shared.set_role(shared.project, MEMBER, Role.VIEWER)
    assert shared.watchers.of_project(shared.project.id) == [f"of {OWNER}", f"of {MEMBER}"]
    assert shared.watchers.of_person(shared.project.id, MEMBER) == [f"of {MEMBER}"]
    assert shared.watchers.of_person(shared.project.id, STRANGER) == []


def test_own_and_shared_projects_make_one_list_page_by_page(shared: Shared) -> None:
    def key(project: Project) -> tuple[object, UUID]:
        return project.created_at, project.id

    made = []
    for number in range(6):
        owner = STRANGER if number % 2 else MEMBER
        project = a_project(owner_id=owner, created_at=NOW + timedelta(hours=1, microseconds=number // 3))
        shared.projects.add(project)
        if owner == STRANGER:
            shared.set_role(project, MEMBER, Role.VIEWER)
        made.append(project)
    seen: list[Project] = []
    after: PageKey | None = None
    while page := shared.projects.page(a_viewer(MEMBER), after, 2):
        seen += [found.item for found in page]
        after = PageKey(seen[-1].created_at, seen[-1].id)
    assert seen == sorted(made, key=key, reverse=True)


def test_a_project_is_changed_from_the_version_that_was_read(shared: Shared) -> None:
    before = shared.projects.get(shared.project.id)
    after = before.changed({"name": "Day 8", "description": "a\nb", "tags": ("x", "y"), "pixel_size_um": 0.5}, NOW)
    assert (after.version, after.updated_at, after.changed({"name": "Day 8"}, NOW) is after) == (2, NOW, True)
    shared.projects.replace(before, after)
    assert shared.projects.get(before.id) == after
    with pytest.raises(StaleStateError):
        shared.projects.replace(before, before.changed({"name": "too late"}, NOW))


def test_projects_are_listed_by_tag_and_archive(shared: Shared) -> None:
    tagged = a_project(tags=("control",))
    archived = a_project(tags=("control", "old"), archived_at=NOW)
    for project in (tagged, archived):
        shared.projects.add(project)
    shared.set_role(archived, MEMBER, Role.VIEWER)

    def listed(person: str, **wanted: object) -> list[UUID]:
        return [found.item.id for found in shared.projects.page(a_viewer(person), None, 10, **wanted)]  # type: ignore[arg-type]

    assert listed(OWNER, tag="control") == [archived.id, tagged.id]
    assert listed(OWNER, tag="control", archived=False) == [tagged.id]
    assert listed(OWNER, archived=True) == listed(MEMBER, tag="old") == [archived.id]
    assert listed(MEMBER, archived=False) == []


def test_statistics_count_what_the_viewer_may_see(shared: Shared) -> None:
    waiting = an_image(shared.project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=5)
    bare = an_image(shared.project, size_bytes=7)
    shared.images.add_many([waiting, bare])
    again = a_segmentation(shared.image, order=an_order(model="other"), queued_at=NOW + timedelta(hours=1))
    shared.segmentations.add(again)
    counts = shared.statistics.of(a_viewer(), shared.project.id)
    assert {place: count for place, count in counts.images.items() if count} == {
        "awaiting_upload": 1,
        "without_segmentation": 1,
        "queued": 1,
    }
    assert set(counts.images) == set(PLACES)
    assert (counts.size_bytes, counts.spheroids) == ((shared.image.size_bytes or 0) + 7, 1)
    # A run that ended before another one was queued is older than the images' own times.
    assert counts.last_activity_at == max(waiting.created_at, bare.created_at, bare.stored_at or NOW)
    with pytest.raises(ProjectNotFoundError):
        shared.statistics.of(a_viewer(STRANGER), shared.project.id)


def test_an_empty_project_has_statistics(shared: Shared) -> None:
    empty = a_project()
    shared.projects.add(empty)
    counts = shared.statistics.of(a_viewer(), empty.id)
    assert (set(counts.images.values()), counts.size_bytes, counts.spheroids) == ({0}, 0, 0)
    assert counts.last_activity_at == empty.created_at
