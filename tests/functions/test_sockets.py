"""watch_updates and push_updates: who listens, and what they hear."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from push_updates.entry import create_handler as create_push_handler
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.messages import ExportChanged, ImportChanged, SegmentationChanged
from spheroseg.use_cases.dispatch_runs import DispatchRuns
from spheroseg.use_cases.push_update import PushUpdate
from spheroseg.use_cases.watch_updates import WatchUpdates
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_viewer, an_export, an_image, an_import
from tests.events import RecordedContext, failed_ids, sqs_batch
from tests.fakes import (
    InMemoryClock,
    InMemoryProjects,
    InMemorySegmentationQueue,
    InMemorySegmentations,
    InMemoryWatchers,
    InMemoryWatcherSockets,
)
from watch_updates.entry import create_handler as create_watch_handler

CONTEXT = cast(LambdaContext, RecordedContext())


def socket_event(route: str, connection_id: str = "c1", ticket: str | None = None) -> dict[str, Any]:
    event: dict[str, Any] = {"requestContext": {"routeKey": route, "connectionId": connection_id}}
    return event | ({"queryStringParameters": {"ticket": ticket}} if ticket else {})


def test_a_ticket_opens_one_socket_once() -> None:
    watchers, clock = InMemoryWatchers(), InMemoryClock()
    watch = WatchUpdates(watchers, clock)
    handler = create_watch_handler(watch)
    ticket = watch.issue_ticket(a_viewer()).text

    assert handler(socket_event("$connect", "c1", ticket), CONTEXT) == {"statusCode": 200}
    assert handler(socket_event("$connect", "c2", ticket), CONTEXT) == {"statusCode": 403}
    assert watchers.of_owner(OWNER) == ["c1"]
    assert ticket not in watchers.tickets


def test_a_socket_without_a_ticket_or_with_an_old_one_is_refused() -> None:
    watchers, clock = InMemoryWatchers(), InMemoryClock()
    watch = WatchUpdates(watchers, clock)
    handler = create_watch_handler(watch)
    ticket = watch.issue_ticket(a_viewer()).text
    clock.advance(timedelta(minutes=2))

    assert handler(socket_event("$connect", "c1"), CONTEXT) == {"statusCode": 403}
    assert handler(socket_event("$connect", "c1", ticket), CONTEXT) == {"statusCode": 403}
    assert watchers.of_owner(OWNER) == []


def test_a_closed_socket_is_forgotten_and_words_of_clients_change_nothing() -> None:
    watchers, clock = InMemoryWatchers(), InMemoryClock()
    handler = create_watch_handler(WatchUpdates(watchers, clock))
    watchers.add("c1", OWNER, NOW)

    assert handler(socket_event("$default"), CONTEXT) == {"statusCode": 200}
    assert watchers.of_owner(OWNER) == ["c1"]
    assert handler(socket_event("$disconnect"), CONTEXT) == {"statusCode": 200}
    assert watchers.of_owner(OWNER) == []


def test_a_change_reaches_all_sockets_of_its_owner_and_nobody_else() -> None:
    project = a_project()
    watchers, sockets = (
        InMemoryWatchers(InMemoryProjects({project.id: project})),
        InMemoryWatcherSockets(gone={"closed"}),
    )
    for connection_id, owner in {"c1": OWNER, "c2": OWNER, "closed": OWNER, "other": STRANGER}.items():
        watchers.add(connection_id, owner, NOW)
    run = a_segmentation(an_image(project), status=SegmentationStatus.SUCCEEDED)
    body = SegmentationChanged.of(run, NOW).model_dump_json()

    answer = create_push_handler(PushUpdate(watchers, sockets), list)(sqs_batch(body), CONTEXT)

    assert failed_ids(answer) == []
    assert [connection_id for connection_id, _ in sockets.sent] == ["c1", "c2"]
    pushed = json.loads(sockets.sent[0][1])
    assert (pushed["segmentation_id"], pushed["status"], pushed["spheroid_count"]) == (str(run.id), "succeeded", 1)
    assert "owner_id" not in pushed
    assert watchers.of_owner(OWNER) == ["c1", "c2"]


@pytest.mark.parametrize(
    ("told_of", "kind", "status"),
    [
        (lambda project, who: ExportChanged.of(an_export(project, requested_by=who), NOW), "export_changed", "queued"),
        (
            lambda project, who: ImportChanged.of(an_import(project, requested_by=who), NOW),
            "import_changed",
            "awaiting_upload",
        ),
    ],
)
def test_how_far_a_job_is_reaches_whoever_asked_for_it_and_no_other_member(
    told_of: Callable[[Project, str], ExportChanged | ImportChanged], kind: str, status: str
) -> None:
    project = a_project()
    projects, sockets = InMemoryProjects({project.id: project}), InMemoryWatcherSockets()
    watchers = InMemoryWatchers(projects)
    for connection_id, owner in {"mine": OWNER, "stranger's": STRANGER}.items():
        watchers.add(connection_id, owner, NOW)
    bodies = [
        told_of(project, person).model_dump_json()
        for person in (OWNER, STRANGER)  # who lost the role meanwhile hears nothing more
    ]
    answer = create_push_handler(PushUpdate(watchers, sockets), list)(sqs_batch(*bodies), CONTEXT)
    assert failed_ids(answer) == []
    ((connection_id, content),) = sockets.sent
    assert connection_id == "mine"
    pushed = json.loads(content)
    assert (pushed["type"], pushed["status"], pushed["done"]) == (kind, status, 0)
    assert "requested_by" not in pushed


def test_the_end_of_a_run_gives_the_next_one_its_turn_and_a_beginning_does_not() -> None:
    watchers, sockets = InMemoryWatchers(), InMemoryWatcherSockets()
    runs, queue = InMemorySegmentations(), InMemorySegmentationQueue()
    ended, waiting = a_segmentation(status=SegmentationStatus.SUCCEEDED), a_segmentation()
    runs.add(waiting)
    dispatch = DispatchRuns(runs, queue, InMemoryClock())
    body = SegmentationChanged.of(ended, NOW).model_dump_json()

    begun = a_segmentation(status=SegmentationStatus.RUNNING)
    handler = create_push_handler(PushUpdate(watchers, sockets), dispatch)

    handler(sqs_batch(SegmentationChanged.of(begun, NOW).model_dump_json()), CONTEXT)
    assert queue.sent == []
    handler(sqs_batch(body, body), CONTEXT)
    assert [message.segmentation_id for _, message in queue.sent] == [waiting.id]


def test_a_change_is_pushed_once_when_no_turn_can_be_given() -> None:
    runs, queue = InMemorySegmentations(), InMemorySegmentationQueue(is_available=False)
    runs.add(a_segmentation())
    body = SegmentationChanged.of(a_segmentation(status=SegmentationStatus.FAILED), NOW).model_dump_json()
    dispatch = DispatchRuns(runs, queue, InMemoryClock())
    push = PushUpdate(InMemoryWatchers(), InMemoryWatcherSockets())

    assert failed_ids(create_push_handler(push, dispatch)(sqs_batch(body), CONTEXT)) == []
    assert runs.backlog(NOW).held == 1
