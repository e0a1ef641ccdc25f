"""Runs and their results are read, changes pushed to who watches."""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest

from spheroseg.domain.access import Role
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus, result_prefix
from spheroseg.errors import ImageNotFoundError, NotFinishedError, SegmentationNotFoundError, UnknownTicketError
from spheroseg.messages import SegmentationChanged
from spheroseg.use_cases.push_update import PushUpdate
from spheroseg.use_cases.read_queue_status import ReadQueueStatus
from spheroseg.use_cases.read_segmentations import ReadSegmentations
from spheroseg.use_cases.watch_updates import CONNECTION_LIFETIME, TICKET_LIFETIME, WatchUpdates
from tests.builders import NOW, OWNER, STRANGER, a_project, a_segmentation, a_spheroid, a_viewer, an_image
from tests.fakes import (
    InMemoryClock,
    InMemoryDownloadLinks,
    InMemoryImages,
    InMemoryProjects,
    InMemoryRevisions,
    InMemorySegmentations,
    InMemoryWatchers,
    InMemoryWatcherSockets,
)


@dataclass
class Bench:
    def __post_init__(self) -> None:
        self.clock = InMemoryClock()
        self.projects = InMemoryProjects()
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.images = InMemoryImages(self.segmentations)
        self.watchers = InMemoryWatchers(self.projects)
        self.sockets = InMemoryWatcherSockets()
        self.read = ReadSegmentations(
            self.images,
            self.segmentations,
            InMemoryDownloadLinks(),
            self.clock,
            InMemoryRevisions(self.segmentations),
        )
        self.watch = WatchUpdates(self.watchers, self.clock)
        self.push = PushUpdate(self.watchers, self.sockets)

    def run(self, status: SegmentationStatus = SegmentationStatus.SUCCEEDED) -> Segmentation:
        project = a_project()
        self.projects.add(project)
        image = an_image(project)
        run = a_segmentation(image, status=status)
        self.images.add_many([image])
        self.segmentations.rows[run.id] = run
        return run


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_spheroids_come_in_pages_by_number(bench: Bench) -> None:
    run = bench.run()
    bench.segmentations.found[run.id] = [a_spheroid(number) for number in range(1, 6)]
    first = bench.read.spheroids(a_viewer(), run.id, 0, 3)
    assert [spheroid.number for spheroid in first.spheroids] == [1, 2, 3]
    second = bench.read.spheroids(a_viewer(), run.id, first.next_after or 0, 3)
    assert [spheroid.number for spheroid in second.spheroids] == [4, 5]
    assert second.next_after is None


@pytest.mark.parametrize("status", [status for status in SegmentationStatus if status.value != "succeeded"])
def test_a_run_without_a_result_has_neither_spheroids_nor_links(bench: Bench, status: SegmentationStatus) -> None:
    run = bench.run(status)
    with pytest.raises(NotFinishedError):
        bench.read.spheroids(a_viewer(), run.id, 0, 3)
    assert bench.read.result_links(run) is None


def test_links_lead_to_the_attempt_that_counts(bench: Bench) -> None:
    run = bench.run()
    links = bench.read.result_links(run)
    assert links is not None
    for link in (links.labels, links.outlines, links.preview):
        assert result_prefix(run.id, run.attempt) in link


def test_a_stranger_finds_neither_run_nor_image_nor_spheroids(bench: Bench) -> None:
    run = bench.run()
    stranger = a_viewer(STRANGER)
    with pytest.raises(SegmentationNotFoundError):
        bench.read.one(stranger, run.id)
    with pytest.raises(SegmentationNotFoundError):
        bench.read.spheroids(stranger, run.id, 0, 3)
    with pytest.raises(ImageNotFoundError):
        bench.read.of_image(stranger, run.image_id, None, None, 10)


def test_only_a_waiting_run_waits_for_others(bench: Bench) -> None:
    first, second = bench.run(SegmentationStatus.QUEUED), bench.run(SegmentationStatus.QUEUED)
    before_second = bench.read.backlog_before(second)
    assert before_second is not None
    assert before_second.ahead == 1
    before_first = bench.read.backlog_before(first)
    assert before_first is not None
    assert before_first.ahead == 0
    assert bench.read.backlog_before(bench.run()) is None


def test_the_queue_status_estimates_from_what_was_measured_and_never_guesses(bench: Bench) -> None:
    status = ReadQueueStatus(bench.segmentations, bench.clock)
    bench.run(SegmentationStatus.QUEUED)
    assert status().estimated_wait_s is None
    bench.run()
    bench.run(SegmentationStatus.QUEUED)
    bench.clock.advance(timedelta(seconds=5))
    backlog = status()
    assert (backlog.queued, backlog.running, backlog.finished_recently) == (2, 0, 1)
    assert backlog.estimated_wait_s == pytest.approx(2 * 2.0)


def test_a_ticket_lets_one_socket_in_once(bench: Bench) -> None:
    ticket = bench.watch.issue_ticket(a_viewer())
    bench.watch.connect("first", ticket.text)
    with pytest.raises(UnknownTicketError):
        bench.watch.connect("second", ticket.text)
    assert bench.watchers.of_owner(OWNER) == ["first"]


def test_a_ticket_that_is_too_old_or_made_up_lets_nobody_in(bench: Bench) -> None:
    ticket = bench.watch.issue_ticket(a_viewer())
    bench.clock.advance(TICKET_LIFETIME)
    for text in (ticket.text, "made up"):
        with pytest.raises(UnknownTicketError):
            bench.watch.connect("first", text)
    assert bench.watchers.connections == {}


def test_only_the_hash_of_a_ticket_is_kept(bench: Bench) -> None:
    ticket = bench.watch.issue_ticket(a_viewer())
    assert ticket.text not in str(bench.watchers)


def test_a_change_reaches_all_who_have_a_role_in_its_project_and_nobody_else(bench: Bench) -> None:
    for connection, viewer in (("a", OWNER), ("b", OWNER), ("c", STRANGER), ("d", "a member")):
        bench.watch.connect(connection, bench.watch.issue_ticket(a_viewer(viewer)).text)
    run = bench.run()
    bench.projects.members[run.project_id, "a member"] = Role.VIEWER
    assert bench.push(SegmentationChanged.of(run, NOW)) == 3
    assert [connection for connection, _ in bench.sockets.sent] == ["a", "b", "d"]
    del bench.projects.members[run.project_id, "a member"]
    assert bench.push(SegmentationChanged.of(run, NOW)) == 2
    sent = json.loads(bench.sockets.sent[0][1])
    assert (sent["segmentation_id"], sent["status"], sent["spheroid_count"]) == (str(run.id), "succeeded", 1)
    assert "owner_id" not in sent


def test_a_closed_socket_is_forgotten_and_the_others_are_served(bench: Bench) -> None:
    for connection in ("a", "b"):
        bench.watch.connect(connection, bench.watch.issue_ticket(a_viewer()).text)
    bench.sockets.gone.add("a")
    assert bench.push(SegmentationChanged.of(bench.run(), NOW)) == 1
    assert bench.watchers.of_owner(OWNER) == ["b"]


def test_a_disconnected_socket_is_forgotten(bench: Bench) -> None:
    bench.watch.connect("a", bench.watch.issue_ticket(a_viewer()).text)
    bench.watch.disconnect("a")
    bench.watch.disconnect("a")
    assert bench.watchers.of_owner(OWNER) == []


def test_sockets_older_than_the_gateway_lets_them_become_are_forgotten(bench: Bench) -> None:
    bench.watch.connect("old", bench.watch.issue_ticket(a_viewer()).text)
    bench.clock.advance(CONNECTION_LIFETIME)
    bench.watch.connect("new", bench.watch.issue_ticket(a_viewer()).text)
    bench.clock.advance(timedelta(seconds=1))
    assert bench.watch.forget_closed() == 1
    assert bench.watchers.of_owner(OWNER) == ["new"]
