"""work_on_projects: a deleted project leaves nothing behind, however often its work is interrupted or repeated."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import cast
from uuid import uuid4

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.domain.image import ImageStatus, original_key
from spheroseg.domain.project_job import JobStatus, ProjectJob
from spheroseg.domain.segmentation import SegmentationStatus, result_prefix
from spheroseg.errors import StorageUnavailableError
from spheroseg.messages import ProjectWorkRequested
from spheroseg.use_cases.work_on_project import WORK_FOR, WorkOnProject
from tests.builders import OWNER
from tests.events import RecordedContext, failed_ids, sqs_batch
from tests.fakes import InMemoryImageStore
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
    return WorkOnProject(world.jobs, world.store, world.work, world.clock)


def test_nothing_is_left_of_it_and_all_of_the_others(world: World) -> None:
    kept = world.an_image()
    job = filled(world)
    body = ProjectWorkRequested.of(job).model_dump_json()
    assert world.work.sent == [ProjectWorkRequested.of(job)]

    assert failed_ids(create_handler(work(world))(sqs_batch(body), CONTEXT)) == []

    ended = world.as_(OWNER).get(f"/v1/jobs/{job.id}").json()
    assert (ended["status"], ended["done"], ended["total"]) == ("succeeded", 61, 61)
    assert list(world.projects.rows) == [kept.project_id]
    assert list(world.images.rows) == [kept.id]
    assert world.segmentations.rows == {}
    assert list(world.store.objects) == [original_key(kept.id)]
    before = world.state()
    create_handler(work(world))(sqs_batch(body), CONTEXT)
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

    slow = WorkOnProject(world.jobs, Slow(), world.work, world.clock)
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

        yield WorkOnProject(world.jobs, Failing(), world.work, world.clock)

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
    assert failed_ids(create_handler(work(world))(sqs_batch(body), CONTEXT)) == ["message-1"]


@pytest.mark.parametrize("tag", ['"9.owner"', "rubbish"])
def test_a_project_is_not_deleted_in_another_version(world: World, tag: str) -> None:
    project = world.a_project()
    answer = world.as_(OWNER).delete(f"/v1/projects/{project.id}", headers={"If-Match": tag})
    assert (answer.status_code, answer.json()["code"]) == (412, "version-mismatch")
    assert world.jobs.rows == {}
