"""Many runs by one call: what the repository does, in memory and in PostgreSQL."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.run_batches import PostgresRunBatches
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.project import Project
from spheroseg.domain.run_batch import Outcome, RunBatch, Selection, Told
from spheroseg.domain.segmentation import Parameters, Segmentation, SegmentationStatus
from spheroseg.errors import RunBatchNotFoundError, StaleStateError
from spheroseg.ports import RunBatchRepository, SegmentationRepository
from tests.builders import (
    NOW,
    STRANGER,
    a_failure,
    a_project,
    a_result,
    a_run_batch,
    a_segmentation,
    a_viewer,
    an_id,
    an_image,
    an_order,
)
from tests.fakes import InMemoryImages, InMemoryRunBatches

QUEUED, RUNNING = SegmentationStatus.QUEUED, SegmentationStatus.RUNNING


@dataclass
class Shelf:
    """A project with images, and where its runs are kept."""

    batches: RunBatchRepository
    segmentations: SegmentationRepository
    project: Project
    add: Callable[[Sequence[Image]], None]

    def images(self, count: int, **changes: object) -> list[Image]:
        images = [an_image(self.project, **changes) for _ in range(count)]  # type: ignore[arg-type]
        self.add(images)
        return images

    def started(self, images: Sequence[Image], **changes: object) -> tuple[RunBatch, list[Segmentation]]:
        batch_id = an_id()
        changes = {"queued_at": NOW, "correlation_id": "together", "batch_id": batch_id, **changes}
        runs = [a_segmentation(image, **changes) for image in images]  # type: ignore[arg-type]
        batch = a_run_batch(self.project, runs, id=batch_id)
        return self.batches.start(batch, runs), runs

    def moved(self, before: Segmentation, after: Segmentation) -> Segmentation:
        self.segmentations.replace(before, after)
        return after


@pytest.fixture(params=["in_memory", "postgres"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    project = a_project()
    if request.param == "in_memory":
        images = InMemoryImages()
        images.projects.add(project)
        return Shelf(InMemoryRunBatches(images), images.segmentations, project, images.add_many)
    database: Database = request.getfixturevalue("database")
    PostgresProjects(database).add(project)
    segmentations, stored = PostgresSegmentations(database), PostgresImages(database)
    return Shelf(PostgresRunBatches(database), segmentations, project, stored.add_many)


def test_candidates_are_a_projects_images(shelf: Shelf) -> None:
    first, second = shelf.images(2)
    (waiting,) = shelf.images(1, status=ImageStatus.AWAITING_UPLOAD)
    found = shelf.batches.candidates(shelf.project.id, None, 10)
    assert [(one.image_id, one.is_stored) for one in found] == [
        (waiting.id, False),
        (second.id, True),
        (first.id, True),
    ]
    assert len(shelf.batches.candidates(shelf.project.id, None, 2)) == 2
    named = shelf.batches.candidates(shelf.project.id, [first.id, an_id(), waiting.id], 10)
    assert [one.image_id for one in named] == [first.id, waiting.id]
    assert shelf.batches.candidates(an_id(), [first.id], 10) == []
    assert shelf.batches.candidates(shelf.project.id, [], 10) == []


def test_a_batch_is_stored_with_its_runs_and_once(shelf: Shelf) -> None:
    images = shelf.images(3)
    order = an_order(parameters=Parameters(threshold=0.7, min_diameter_px=12.5, holes=False, out_of_focus=True))
    told = (Told(an_id(), Outcome.NOT_FOUND), Told(an_id(), Outcome.ALREADY_DONE, an_id()))
    runs = [
        a_segmentation(image, order=order, urgency=9, requested_by=STRANGER, queued_at=NOW, correlation_id="c")
        for image in images
    ]
    batch = a_run_batch(shelf.project, runs, told=told)
    runs = [replace(run, batch_id=batch.id) for run in runs]
    assert shelf.batches.start(batch, runs) == batch
    assert shelf.batches.find(batch.id) == shelf.batches.one(a_viewer(), batch.id) == batch
    assert [shelf.segmentations.get(run.id) for run in runs] == runs

    again = replace(batch, fingerprint="0" * 64)
    assert shelf.batches.start(again, runs[:1]) == batch
    assert shelf.batches.find(an_id()) is None


def test_a_batch_of_another_project_is_not_found(shelf: Shelf) -> None:
    batch, _ = shelf.started(shelf.images(1))
    for viewer, id_ in ((a_viewer(STRANGER), batch.id), (a_viewer(), an_id())):
        with pytest.raises(RunBatchNotFoundError):
            shelf.batches.one(viewer, id_)


def test_a_run_that_another_call_started_meanwhile_is_told_not_doubled(shelf: Shelf) -> None:
    images = shelf.images(3)
    shelf.started(images[:1])
    batch, runs = shelf.started(images)
    assert batch.counts == {Outcome.STARTED: 2, Outcome.ALREADY_ACTIVE: 1}
    assert batch.told == (Told(images[0].id, Outcome.ALREADY_ACTIVE, runs[0].id),)
    assert shelf.batches.find(batch.id) == batch
    assert shelf.segmentations.get(runs[0].id).batch_id != batch.id


def test_all_of_a_batch_is_stored_or_nothing(shelf: Shelf) -> None:
    runs = [a_segmentation(image, queued_at=NOW) for image in shelf.images(1)]
    batch = a_run_batch(shelf.project, runs)
    with pytest.raises(StaleStateError):
        shelf.batches.start(batch, [*runs, a_segmentation(an_image(shelf.project), queued_at=NOW)])
    assert shelf.batches.find(batch.id) is None
    assert shelf.segmentations.latest_repeats([runs[0].id]) == {}


def test_a_selection_is_cancelled_and_late_words_change_nothing(shelf: Shelf) -> None:
    images = shelf.images(4)
    batch, (waiting, taken, done, other) = shelf.started(images)
    running = shelf.moved(taken, taken.started(NOW))
    done = shelf.moved(done, done.failed(a_failure(), NOW))
    chosen = Selection(segmentation_ids=frozenset({waiting.id, taken.id, done.id, an_id()}))
    assert shelf.batches.active(shelf.project.id, chosen) == 2
    at = NOW + timedelta(minutes=1)
    cancelled = shelf.batches.cancel(shelf.project.id, chosen, at, 10)
    assert {run.id: run for run in cancelled} == {waiting.id: waiting.cancelled(at), taken.id: running.cancelled(at)}
    assert shelf.segmentations.get(done.id) == done
    assert shelf.segmentations.get(other.id).status is QUEUED
    with pytest.raises(StaleStateError):
        shelf.segmentations.finish(running, running.succeeded(a_result(), NOW), [])
    with pytest.raises(StaleStateError):
        shelf.segmentations.keep_alive(running, NOW)
    assert shelf.batches.cancel(an_id(), chosen, at, 10) == []
    assert shelf.batches.cancel(shelf.project.id, Selection(image_ids=frozenset()), at, 10) == []
    assert [run.id for run in shelf.batches.cancel(shelf.project.id, Selection(batch_id=batch.id), at, 10)] == [
        other.id
    ]


def test_what_is_cancelled_in_steps_is_counted(shelf: Shelf) -> None:
    shelf.started(shelf.images(5))
    everything = Selection()
    assert len(shelf.batches.cancel(shelf.project.id, everything, NOW, 3)) == 3
    assert shelf.batches.active(shelf.project.id, everything) == 2


def test_failed_runs_are_found_until_they_are_repeated(shelf: Shelf) -> None:
    images = shelf.images(3)
    _, (first, second, third) = shelf.started(images)
    first, second = (shelf.moved(run, run.failed(a_failure(), NOW)) for run in (first, second))
    shelf.moved(third, third.cancelled(NOW))
    everything, of_first = Selection(), Selection(image_ids=frozenset({images[0].id}))
    found = shelf.batches.failed(shelf.project.id, everything, 10)
    assert {run.id: run for run in found} == {first.id: first, second.id: second}
    assert len(shelf.batches.failed(shelf.project.id, everything, 1)) == 1

    again = a_segmentation(images[0], queued_at=NOW).after(first)
    shelf.batches.start(a_run_batch(shelf.project, [again]), [again])
    assert shelf.segmentations.get(again.id) == again
    assert shelf.segmentations.get(first.id) == first
    assert shelf.batches.failed(shelf.project.id, of_first, 10) == []
    failed_again = shelf.moved(again, again.failed(a_failure(), NOW))
    assert shelf.batches.failed(shelf.project.id, of_first, 10) == [failed_again]


def test_progress_is_counted_by_status(shelf: Shelf) -> None:
    empty = shelf.batches.progress(shelf.project.id, None, NOW)
    assert (empty.total, empty.ended, empty.before, empty.held) == (0, 0, 0, 0)
    images = shelf.images(6)
    batch, runs = shelf.started(images[:4])
    shelf.started(images[4:])
    shelf.moved(runs[0], runs[0].started(NOW))
    shelf.moved(runs[1], runs[1].failed(a_failure(), NOW))
    of_batch = shelf.batches.progress(shelf.project.id, batch.id, NOW)
    assert of_batch.counts == {RUNNING: 1, SegmentationStatus.FAILED: 1, QUEUED: 2}
    assert (of_batch.total, of_batch.ended, of_batch.held) == (4, 1, 2)
    of_project = shelf.batches.progress(shelf.project.id, None, NOW)
    assert (of_project.total, of_project.held, of_project.before) == (6, 4, 4)
    shelf.segmentations.release(NOW)
    sent = shelf.batches.progress(shelf.project.id, batch.id, NOW)
    assert (sent.held, sent.before, sent.backlog.held) == (0, 4, 0)


def test_others_go_before_by_turns_and_not_by_their_number(shelf: Shelf) -> None:
    mine, _ = shelf.started(shelf.images(2))
    shelf.started(shelf.images(7), requested_by=STRANGER)
    others, _ = shelf.started(shelf.images(1), requested_by="carl")
    assert shelf.batches.progress(shelf.project.id, mine.id, NOW).before == 2 + 2 + 1
    assert shelf.batches.progress(shelf.project.id, others.id, NOW).before == 1 + 1 + 1
