"""work_on_projects: a deleted project leaves nothing behind, however often its work is interrupted or repeated."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import cast
from uuid import UUID, uuid4

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.domain.access import Role
from spheroseg.domain.account_closing import IN_FLIGHT
from spheroseg.domain.administration import Person
from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.project import Project
from spheroseg.domain.project_job import JobStatus, ProjectJob
from spheroseg.domain.segmentation import SegmentationStatus, result_prefix
from spheroseg.errors import SignInUnavailableError, StorageUnavailableError
from spheroseg.messages import AccountClosingRequested, ProjectWorkRequested
from spheroseg.ports import StoredObject
from spheroseg.use_cases.close_account import WorkOnClosing
from spheroseg.use_cases.work_on_project import WORK_FOR, WorkOnProject
from tests.builders import NOW, OWNER, STRANGER, a_spheroid
from tests.events import RecordedContext, failed_ids, sqs_batch
from tests.fakes import InMemoryImageStore
from tests.fakes.administration import InMemoryDirectory
from tests.functions.http_api.world import World
from work_on_projects.entry import create_handler

CONTEXT = cast(LambdaContext, RecordedContext())


@pytest.fixture
def world() -> Iterator[World]:
    """With an event loop for the API's calls, as Lambda's process has one."""
    own = asyncio.new_event_loop()
    asyncio.set_event_loop(own)
    yield World()
    asyncio.set_event_loop(None)
    own.close()


def filled(world: World, images: int = 60) -> ProjectJob:
    """A project with images, results, an upload in parts and inbox files, whose deletion was asked for."""
    project = world.a_project()
    for _ in range(images):
        image = world.an_image(project)
        run = world.a_run(image, status=SegmentationStatus.SUCCEEDED)
        world.store.put(result_prefix(run.id, 1) + "labels.tif", b"labels", "image/tiff")
    waiting = world.an_image(project, status=ImageStatus.AWAITING_UPLOAD, size_bytes=200_000_000)
    upload_id = world.store.begin_parts(original_key(waiting.id))
    world.images.replace(waiting, waiting.with_upload(upload_id))
    world.store.put(f"inbox/{project.id}/late.tif", b"late", "image/tiff")
    answer = world.as_(OWNER).delete(f"/v1/projects/{project.id}")
    assert answer.status_code == 202
    return world.jobs.get(next(iter(world.jobs.rows)))


def work(world: World) -> WorkOnProject:
    return WorkOnProject(world.jobs, world.copies, world.store, world.work, world.clock)


def closing(world: World) -> WorkOnClosing:
    return WorkOnClosing(world.closings, world.directory, world.work, world.clock)


def test_nothing_is_left_of_it_and_all_of_the_others(world: World) -> None:
    kept = world.an_image()
    job = filled(world)
    body = ProjectWorkRequested.of(job).model_dump_json()
    assert world.work.sent == [ProjectWorkRequested.of(job)]

    assert failed_ids(create_handler(work(world), closing(world))(sqs_batch(body), CONTEXT)) == []

    ended = world.as_(OWNER).get(f"/v1/jobs/{job.id}").json()
    assert (ended["status"], ended["done"], ended["total"]) == ("succeeded", 61, 61)
    assert list(world.projects.rows) == [kept.project_id]
    assert list(world.images.rows) == [kept.id]
    assert world.segmentations.rows == {}
    assert list(world.store.objects) == [original_key(kept.id)]
    before = world.state()
    create_handler(work(world), closing(world))(sqs_batch(body), CONTEXT)
    assert world.state() == before


def test_a_long_job_gives_way_and_goes_on(world: World) -> None:
    job = filled(world)
    world.work.sent.clear()
    world.clock.advance(WORK_FOR)

    class Slow(InMemoryImageStore):
        def delete(self, key: str) -> None:
            world.clock.advance(timedelta(seconds=1))
            world.store.delete(key)

        def delete_under(self, prefix: str) -> None:
            world.store.delete_under(prefix)

        def drop_parts(self, key: str, upload_id: str) -> None:
            world.store.drop_parts(key, upload_id)

    slow = WorkOnProject(world.jobs, world.copies, Slow(), world.work, world.clock)
    states: list[ProjectJob] = []
    while not states or not states[-1].status.is_final:
        states.append(slow(job.id))
    assert [state.done for state in states] == [25, 50, 61]
    assert [state.status for state in states] == [JobStatus.RUNNING, JobStatus.RUNNING, JobStatus.SUCCEEDED]
    assert world.work.sent == [ProjectWorkRequested.of(job)] * 2


def test_whatever_fails_in_the_middle_is_made_up_for(world: World) -> None:
    job = filled(world, images=5)

    @contextmanager
    def failing(after: int) -> Iterator[WorkOnProject]:
        calls = 0

        class Failing(InMemoryImageStore):
            def delete(self, key: str) -> None:
                nonlocal calls
                calls += 1
                if calls > after:
                    raise StorageUnavailableError("The store does not answer")
                world.store.delete(key)

            delete_under = staticmethod(world.store.delete_under)
            drop_parts = staticmethod(world.store.drop_parts)

        yield WorkOnProject(world.jobs, world.copies, Failing(), world.work, world.clock)

    for after in range(4):
        with failing(after) as unlucky, suppress(StorageUnavailableError):
            unlucky(job.id)
    assert not world.jobs.get(job.id).status.is_final
    assert work(world)(job.id).status is JobStatus.SUCCEEDED
    assert world.store.objects == {}
    assert world.images.rows == {}


def test_a_queue_that_does_not_answer_delays_and_nothing_else(world: World) -> None:
    world.work.is_available = False
    job = filled(world, images=1)
    world.work.is_available = True
    world.clock.advance(timedelta(minutes=6))
    assert work(world).resume() == 1
    assert world.work.sent == [ProjectWorkRequested.of(job)]


def test_a_job_that_nobody_knows_is_delivered_again(world: World) -> None:
    body = ProjectWorkRequested(correlation_id="c", job_id=uuid4()).model_dump_json()
    assert failed_ids(create_handler(work(world), closing(world))(sqs_batch(body), CONTEXT)) == ["message-1"]


def to_copy(world: World, images: int = 3, **body: object) -> tuple[Project, ProjectJob]:
    """A project with results whose duplication was asked for."""
    project = world.a_project(name="Day 7")
    for number in range(images):
        image = world.an_image(project, name=f"{number}.tif", etag=hashlib.md5(b"pixels").hexdigest())
        run = world.a_run(image, a_spheroid(1), status=SegmentationStatus.SUCCEEDED)
        for name in ("labels.tif", "outlines.geojson", "preview.jpg"):
            world.store.put(result_prefix(run.id, run.attempt) + name, f"{number} {name}".encode(), "image/tiff")
    answer = world.as_(OWNER).post(f"/v1/projects/{project.id}/duplicate", json=body)
    assert answer.status_code == 202
    return project, world.jobs.get(UUID(answer.json()["id"]))


def objects_of(world: World, project_id: UUID) -> list[bytes]:
    """The objects of a project's images and their runs."""
    images = [row for row in world.images.rows.values() if row.project_id == project_id]
    runs = [row for row in world.segmentations.rows.values() if row.project_id == project_id]
    keys = [original_key(image.id) for image in images]
    prefixes = tuple(result_prefix(run.id, run.attempt) for run in runs)
    keys += [key for key in world.store.objects if key.startswith(prefixes)] if prefixes else []
    return sorted(world.store.objects[key] for key in keys)


def test_a_duplicate_has_all_objects_and_survives_its_original(world: World) -> None:
    project, job = to_copy(world, images=30, name="Mine")
    body = ProjectWorkRequested.of(job).model_dump_json()
    assert failed_ids(create_handler(work(world), closing(world))(sqs_batch(body), CONTEXT)) == []
    ended = world.as_(OWNER).get(f"/v1/jobs/{job.id}").json()
    assert (ended["status"], ended["done"], ended["total"]) == ("succeeded", 30, 30)
    assert world.as_(OWNER).get(f"/v1/projects/{ended['target_project_id']}").json()["name"] == "Mine"
    assert len(objects_of(world, project.id)) == 120
    assert objects_of(world, UUID(ended["target_project_id"])) == objects_of(world, project.id)
    state = world.state()
    create_handler(work(world), closing(world))(sqs_batch(body), CONTEXT)
    assert world.state() == state, "a message may come twice"

    world.as_(OWNER).delete(f"/v1/projects/{project.id}")
    deletion = world.work.sent[-1]
    assert isinstance(deletion, ProjectWorkRequested)
    work(world)(deletion.job_id)
    assert len(objects_of(world, UUID(ended["target_project_id"]))) == 120
    assert len(world.store.objects) == 120


def test_a_duplication_that_dies_half_way_is_made_up_for(world: World) -> None:
    project, job = to_copy(world, images=4)

    def failing(after: int) -> WorkOnProject:
        calls = 0
        store = world.store

        class Failing(InMemoryImageStore):
            def copy_under(self, source_prefix: str, prefix: str) -> Sequence[str]:
                nonlocal calls
                calls += 1
                if calls > after:
                    raise StorageUnavailableError("The store does not answer")
                return store.copy_under(source_prefix, prefix)

            copy = staticmethod(store.copy)

        return WorkOnProject(world.jobs, world.copies, Failing(), world.work, world.clock)

    for after in range(3):
        with pytest.raises(StorageUnavailableError):
            failing(after)(job.id)
        assert world.jobs.get(job.id).status is JobStatus.RUNNING
    assert work(world)(job.id).status is JobStatus.SUCCEEDED
    assert objects_of(world, job.doomed_id) == objects_of(world, project.id)
    assert world.accounts.get(OWNER).usage.stored_images == 8
    assert world.accounts.get(OWNER).usage.announced_images == 0


def test_a_cancelled_duplication_leaves_nothing_behind_even_of_a_worker_that_goes_on(world: World) -> None:
    project, job = to_copy(world)
    before = (dict(world.projects.rows), dict(world.images.rows), dict(world.segmentations.rows))
    objects, store = dict(world.store.objects), world.store
    cancelled: list[int] = []

    class Cancelling(InMemoryImageStore):
        def copy(self, source_key: str, source_etag: str, key: str) -> StoredObject:
            if not cancelled:
                cancelled.append(1)
                answer = world.copies.stop(job.id, None, world.clock.now())
                assert answer.status is JobStatus.UNDOING
                assert work(world)(job.id).status is JobStatus.CANCELLED
            return store.copy(source_key, source_etag, key)

        copy_under, delete = staticmethod(store.copy_under), staticmethod(store.delete)
        delete_under = staticmethod(store.delete_under)

    stopped = WorkOnProject(world.jobs, world.copies, Cancelling(), world.work, world.clock)(job.id)
    assert stopped.status is JobStatus.CANCELLED
    assert dict(world.store.objects) == objects
    del before[0][job.doomed_id]
    assert (dict(world.projects.rows), dict(world.images.rows), dict(world.segmentations.rows)) == before
    assert world.accounts.get(OWNER).usage.images == 3
    (unfinished, *_) = world.copies.unfinished(job)
    world.store.put(original_key(unfinished.id), b"of a worker that died", "image/tiff")
    work(world)(job.id)
    assert dict(world.store.objects) == objects, "its message comes again and clears up"
    assert world.as_(OWNER).post(f"/v1/jobs/{job.id}/cancel").json()["status"] == "cancelled"
    assert objects_of(world, project.id)


def test_a_duplicate_of_what_is_deleted_meanwhile_fails_and_leaves_nothing(world: World) -> None:
    project, job = to_copy(world)
    world.projects.deleted.add(project.id)
    ended = work(world)(job.id)
    assert (ended.status, ended.failure.code if ended.failure else None) == (JobStatus.FAILED, "project-not-found")
    assert job.doomed_id not in world.projects.rows
    assert world.accounts.get(OWNER).usage.announced_images == 0


def test_an_image_that_is_being_deleted_is_left_out(world: World) -> None:
    _, job = to_copy(world)
    run = next(iter(world.segmentations.rows.values()))
    world.store.delete(result_prefix(run.id, run.attempt) + "labels.tif")
    ended = work(world)(job.id)
    assert (ended.status, ended.done, ended.total) == (JobStatus.SUCCEEDED, 2, 2)
    assert len(objects_of(world, job.doomed_id)) == 8


def test_the_arrival_of_a_copied_file_starts_nothing(world: World) -> None:
    _, job = to_copy(world, images=1)
    work(world)(job.id)
    (copy,) = [image for image in world.images.rows.values() if image.project_id == job.target_id]
    for run in [run for run in world.segmentations.rows.values() if run.image_id == copy.id]:
        del world.segmentations.rows[run.id]
    before = world.state()
    assert world.use_cases().complete_upload.accept_upload.original(copy.id) == copy
    assert world.state() == before


def deliver(world: World) -> list[object]:
    """Hand over what is in the queue once; what comes back instead."""
    sent = list(world.work.sent)
    world.work.sent.clear()
    bodies = [message.model_dump_json() for message in sent]
    assert failed_ids(create_handler(work(world), closing(world))(sqs_batch(*bodies), CONTEXT)) == []
    return list(world.work.sent)


def test_a_closed_account_is_gone_at_once_and_its_data_follow(world: World) -> None:
    kept = world.an_image(world.a_project(owner_id=STRANGER))
    world.projects.members[kept.project_id, OWNER] = Role.EDITOR
    mine = world.an_image()
    world.directory.people[OWNER] = Person(OWNER, "ada@example.com", True, "CONFIRMED", False, NOW)
    owner = world.as_(OWNER)
    owner.request("PATCH", "/v1/me", json={"name": "Ada"})
    before = world.state()
    for confirm, code in (("", "not-confirmed"), (STRANGER, "not-confirmed")):
        assert owner.delete("/v1/me", params={"confirm": confirm}).json()["code"] == code
    assert owner.delete("/v1/me").json()["code"] == "invalid-request"
    assert world.state() == before
    closed = owner.delete("/v1/me", params={"confirm": OWNER})
    assert (closed.status_code, closed.json()["projects"]) == (202, 1)
    for method, path in (("GET", "/v1/me"), ("POST", "/v1/projects"), ("DELETE", f"/v1/me?confirm={OWNER}")):
        answer = owner.request(method, path, json={"name": "again"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert owner.post("/graphql", json={"query": "{ me { userId } }"}).status_code == 401

    waiting = deliver(world)
    assert not world.directory.people[OWNER].is_enabled
    assert [type(it) for it in waiting] == [AccountClosingRequested], "requests under way may still write"
    assert mine.id not in world.images.rows
    world.clock.advance(IN_FLIGHT)
    assert deliver(world) == []
    assert OWNER not in world.directory.people
    assert list(world.images.rows) == [kept.id]
    assert list(world.store.objects) == [original_key(kept.id)]
    assert OWNER not in repr(world.state())
    ended = world.closings.get(UUID(closed.json()["id"]))
    assert (ended.user_id, ended.projects, ended.finished_at) == (None, 1, world.clock.now())
    assert owner.get("/v1/me").status_code == 401, "tokens stay worthless"
    after = world.state()
    closing(world)(ended.id)
    assert world.state() == after


def test_a_closing_that_dies_half_way_is_made_up_for(world: World) -> None:
    world.an_image()
    world.directory.people[OWNER] = Person(OWNER, None, True, "CONFIRMED", False, NOW)
    world.work.is_available = False
    closed = world.as_(OWNER).delete("/v1/me", params={"confirm": OWNER}).json()
    world.work.is_available = True
    world.clock.advance(timedelta(minutes=6))
    assert world.use_cases().close_account.resume() == 1

    class Failing(InMemoryDirectory):
        def disable(self, user_id: str) -> None:
            world.directory.disable(user_id)

        def get(self, user_id: str) -> Person:
            return world.directory.get(user_id)

        def remove(self, user_id: str) -> None:
            raise SignInUnavailableError("The user pool does not answer")

    assert work(world).resume() == 1
    deliver(world)
    with pytest.raises(SignInUnavailableError):
        WorkOnClosing(world.closings, Failing(), world.work, world.clock)(UUID(closed["id"]))
    assert world.closings.get(UUID(closed["id"])).user_id == OWNER
    assert closing(world)(UUID(closed["id"])).finished_at
    assert world.directory.people == {}


@pytest.mark.parametrize("tag", ['"9.owner"', "rubbish"])
def test_a_project_is_not_deleted_in_another_version(world: World, tag: str) -> None:
    project = world.a_project()
    answer = world.as_(OWNER).delete(f"/v1/projects/{project.id}", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "version-mismatch")
    assert world.jobs.rows == {}
