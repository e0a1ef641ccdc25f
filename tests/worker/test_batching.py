"""Views of several threads meet in one run; each gets its own answer, and nobody waits for somebody who will not come."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Barrier, Event, Lock

import numpy as np
import pytest

from segmentation_worker.batching import Batching
from segmentation_worker.models import in_best_precision
from segmentation_worker.network import Logits, Views
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.settings import MODEL_DIR
from segmentation_worker.tuning import Tuning
from spheroseg.domain.segmentation import Parameters
from spheroseg.model_registry import ModelRegistry
from tests.worker.drawn import drawn_spheroids

FOREVER_S = 60.0
"""A wait that no test outlasts: what passes does not wait for it to end."""


class Device:
    """Answers each view with twice and three times itself, and remembers what came together."""

    def __init__(self, refuses: Callable[[int], bool] = lambda _: False) -> None:
        self.batches: list[int] = []
        self.is_free = Event()
        self.is_free.set()
        self.is_asked = Event()
        self._refuses = refuses
        self._noting = Lock()

    def __call__(self, views: Views) -> Logits:
        self.is_asked.set()
        self.is_free.wait()
        with self._noting:
            self.batches.append(len(views))
        if self._refuses(len(views)):
            raise MemoryError(f"{len(views)} views")
        return np.concatenate([2 * views, 3 * views], axis=1)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def a_view(value: float, side: int = 4, count: int = 1) -> Views:
    return np.full((count, 1, side, side), value, np.float32)


def asked_together(threads: ThreadPoolExecutor, batching: Batching, views: list[Views]) -> list[Logits]:
    """All threads look before the first one asks."""
    all_look = Barrier(len(views))

    def ask(views: Views) -> Logits:
        with batching.looking():
            all_look.wait()
            return batching.logits(views)

    return list(threads.map(ask, views))


def is_answer(answer: Logits, views: Views) -> bool:
    return np.array_equal(answer, np.concatenate([2 * views, 3 * views], axis=1))


def test_views_of_one_shape_are_run_together_and_answered_each(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=4, wait_s=FOREVER_S, turn=Lock())
    views = [a_view(value) for value in range(4)]
    answers = asked_together(threads, batching, views)
    assert device.batches == [4]
    assert all(is_answer(*pair) for pair in zip(answers, views, strict=True))


def test_views_of_other_shapes_do_not_meet(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=2, wait_s=FOREVER_S, turn=Lock())
    views = [a_view(1, side=4), a_view(2, side=8), a_view(3, side=4), a_view(4, side=8)]
    answers = asked_together(threads, batching, views)
    assert device.batches == [2, 2]
    assert all(is_answer(*pair) for pair in zip(answers, views, strict=True))


def test_whoever_is_alone_does_not_wait() -> None:
    device = Device()
    batching = Batching(device, size=8, wait_s=FOREVER_S, turn=Lock())
    with batching.looking():
        assert is_answer(batching.logits(a_view(5)), a_view(5))
    assert device.batches == [1]


def test_nobody_waits_for_one_that_has_finished_looking(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=2, wait_s=FOREVER_S, turn=Lock())
    with batching.looking():
        with batching.looking():
            waits = threads.submit(batching.logits, a_view(1))
            assert not device.is_asked.wait(0.05)
        assert is_answer(waits.result(timeout=5), a_view(1))


def test_the_wait_ends_where_nobody_comes(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=2, wait_s=0.05, turn=Lock())
    with batching.looking(), batching.looking():
        begun = time.monotonic()
        assert is_answer(threads.submit(batching.logits, a_view(1)).result(timeout=5), a_view(1))
        assert time.monotonic() - begun >= 0.05


def test_while_the_device_is_busy_others_join(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=4, wait_s=0.0, turn=Lock())
    device.is_free.clear()
    first = threads.submit(batching.logits, a_view(1))
    assert device.is_asked.wait(5)
    others = [threads.submit(batching.logits, a_view(value)) for value in (2, 3, 4)]
    while batching._waiting < 4:
        time.sleep(0.001)
    device.is_free.set()
    assert is_answer(first.result(5), a_view(1))
    assert [is_answer(other.result(5), a_view(value)) for other, value in zip(others, (2, 3, 4), strict=True)]
    assert device.batches == [1, 3]


def test_more_views_than_a_batch_holds_are_run_in_parts(threads: ThreadPoolExecutor) -> None:
    device = Device()
    batching = Batching(device, size=4, wait_s=FOREVER_S, turn=Lock())
    mirrored = [a_view(1, count=3), a_view(2, count=3), a_view(3, count=9)]
    answers = asked_together(threads, batching, mirrored)
    assert sum(device.batches) == 15
    assert max(device.batches) <= 4
    assert all(is_answer(*pair) for pair in zip(answers, mirrored, strict=True))


def test_of_a_batch_that_fails_each_image_answers_for_itself(threads: ThreadPoolExecutor) -> None:
    device = Device(refuses=lambda count: count > 1)
    batching = Batching(device, size=2, wait_s=FOREVER_S, turn=Lock())
    views = [a_view(1), a_view(2)]
    answers = asked_together(threads, batching, views)
    assert sorted(device.batches) == [1, 1, 2]
    assert all(is_answer(*pair) for pair in zip(answers, views, strict=True))
    broken = Batching(Device(refuses=lambda _: True), size=2, wait_s=FOREVER_S, turn=Lock())
    with broken.looking(), broken.looking():
        waiting = [threads.submit(broken.logits, view) for view in views]
        outcomes = [one.exception(timeout=5) for one in waiting]
    assert [str(outcome) for outcome in outcomes] == ["1 views", "1 views"]


def test_a_batch_of_one_runs_side_by_side_with_others(threads: ThreadPoolExecutor) -> None:
    device = Device()
    device.is_free.clear()
    batching = Batching(device, size=1, wait_s=FOREVER_S, turn=nullcontext())
    waiting = [threads.submit(batching.logits, a_view(value)) for value in (1, 2)]
    device.is_free.set()
    assert [is_answer(one.result(5), a_view(value)) for one, value in zip(waiting, (1, 2), strict=True)]
    assert device.batches == [1, 1]


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_an_image_is_segmented_alike_in_whichever_company(threads: ThreadPoolExecutor, name: str) -> None:
    registry = in_best_precision(ModelRegistry.packaged())
    card = next(card for card in registry.all() if card.name == name)
    alone = OnnxSegmenter(MODEL_DIR / card.file, card)
    together = OnnxSegmenter(MODEL_DIR / card.file, card, tuning=Tuning(streams=4, batch=4, wait_s=1.0))
    images = [drawn_spheroids((300, 320), (80, 90, 40), (150, 160 + 5 * shift, 30)) for shift in range(4)]
    sizes: list[int] = []
    run = together._batching._run

    def counted(views: Views) -> Logits:
        sizes.append(len(views))
        return run(views)

    together._batching._run = counted
    for _ in range(50):  # on a busy machine each may come when the one before has gone
        found = list(threads.map(lambda pixels: together.segment(pixels, Parameters()), images))
        if max(sizes) > 1:
            break
    assert max(sizes) > 1
    for pixels, segmented in zip(images, found, strict=True):
        expected = alone.segment(pixels, Parameters())
        np.testing.assert_array_equal(segmented.labels, expected.labels)
        np.testing.assert_array_equal(segmented.view.probability, expected.view.probability)
