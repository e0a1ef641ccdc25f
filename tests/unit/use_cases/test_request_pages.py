"""Runs over many pages of a stack."""

from dataclasses import replace
from uuid import UUID

import pytest

from spheroseg.domain.image import ImageStatus
from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Parameters, Priority, SegmentationStatus, segmentation_id
from spheroseg.errors import (
    ImageNotFoundError,
    InvalidPagesError,
    NotStoredYetError,
    PageNotFoundError,
    PagesNotCountedError,
    TooManyPagesError,
)
from spheroseg.use_cases.request_pages import PageRuns, RequestPages
from tests.builders import STRANGER, a_failure, a_viewer, an_image, an_order
from tests.fakes import InMemoryClock, InMemoryImages, InMemorySegmentationQueue, InMemorySegmentations

ORDER = an_order(parameters=Parameters(threshold=0.6, page=77))


class Bench:
    def __init__(self, pages: Pages | None, status: ImageStatus = ImageStatus.STORED) -> None:
        self.segmentations = InMemorySegmentations()
        images = InMemoryImages(self.segmentations)
        self.image = an_image(status=status, pages=pages)
        images.add_many([self.image])
        self.queue = InMemorySegmentationQueue()
        self.request = RequestPages(images, self.segmentations, self.queue, InMemoryClock())

    def ask(self, choice: str, channel: int | None = None, viewer: str | None = None) -> PageRuns:
        return self.request(
            a_viewer(viewer) if viewer else a_viewer(), self.image.id, choice, channel, ORDER, "correlation"
        )

    def sent(self) -> list[UUID]:
        return [request.segmentation_id for _, request in self.queue.sent]


def pages_of(runs: PageRuns) -> list[int]:
    return [run.order.parameters.page for run in runs.segmentations]


def test_a_run_for_each_page_is_queued_as_if_each_had_been_asked_for() -> None:
    bench = Bench(Pages(6, "TZ", (2, 3)))
    runs = bench.ask("2-3,6")
    assert (pages_of(runs), runs.pages) == ([2, 3, 6], Pages(6, "TZ", (2, 3)))
    for run in runs.segmentations:
        order = replace(ORDER, parameters=Parameters(threshold=0.6, page=run.order.parameters.page))
        assert (run.id, run.order, run.status) == (
            segmentation_id(bench.image.id, order),
            order,
            SegmentationStatus.QUEUED,
        )
    assert sorted(bench.sent()) == sorted(run.id for run in runs.segmentations)


def test_one_channel_is_chosen() -> None:
    assert pages_of(Bench(Pages(6, "TC", (3, 2))).ask("all", channel=2)) == [2, 4, 6]


def test_a_repeat_finds_the_same_runs_and_starts_new_ones_after_those_that_failed() -> None:
    bench = Bench(Pages(4))
    first, second, third, fourth = bench.ask("all").segmentations
    now = first.queued_at
    bench.segmentations.rows |= {
        first.id: first.started(now),
        second.id: second.started(now).failed(a_failure(), now),
        third.id: third.cancelled(now),
    }
    bench.queue.sent.clear()
    again = bench.request(a_viewer(), bench.image.id, "1-4", None, replace(ORDER, priority=Priority.HIGH), "c")
    assert [(run.first_id, run.repeat, run.status.value, run.order.priority.value) for run in again.segmentations] == [
        (first.id, 0, "running", "normal"),
        (second.id, 1, "queued", "high"),
        (third.id, 1, "queued", "high"),
        (fourth.id, 0, "queued", "normal"),
    ]
    assert sorted(bench.sent()) == sorted(run.id for run in again.segmentations[1:3])
    assert bench.ask("all").segmentations == again.segmentations
    assert len(bench.segmentations.rows) == 6


@pytest.mark.parametrize(
    ("pages", "choice", "error", "words"),
    [
        (None, "all", PagesNotCountedError, "not decoded yet"),
        (Pages(15), "1-16", PageNotFoundError, "The file has 15 pages, page 16"),
        (Pages(15), "first", InvalidPagesError, "'first' is no page"),
        (Pages(1001), "all", TooManyPagesError, "1001 pages were asked for; at most 1000"),
    ],
)
def test_what_cannot_be_started_starts_nothing(
    pages: Pages | None, choice: str, error: type[Exception], words: str
) -> None:
    bench = Bench(pages)
    with pytest.raises(error, match=words):
        bench.ask(choice)
    assert (bench.segmentations.rows, bench.sent()) == ({}, [])


def test_a_file_that_has_not_arrived_has_no_pages_and_a_strangers_image_is_not_found() -> None:
    with pytest.raises(NotStoredYetError):
        Bench(None, ImageStatus.AWAITING_UPLOAD).ask("all")
    with pytest.raises(ImageNotFoundError):
        Bench(Pages(2)).ask("all", viewer=STRANGER)
