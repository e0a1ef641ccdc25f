"""Runs of known speed stand in for a model."""

import time
from collections.abc import Callable

import pytest

from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.settings import MODEL_DIR
from segmentation_worker.tuning import measured_threads, usable_cores
from spheroseg.model_registry import ModelRegistry


def lasting(milliseconds: dict[int, float]) -> Callable[[int], Callable[[], object]]:
    return lambda threads: lambda: time.sleep(milliseconds[threads] / 1000)


@pytest.mark.parametrize(
    ("milliseconds", "best"),
    [({1: 4, 2: 4, 4: 4}, 4), ({1: 2, 2: 4, 4: 8}, 1), ({1: 8, 2: 3, 4: 6}, 2)],
    ids=["as good: the most", "threads cost", "in between"],
)
def test_the_most_threads_are_taken_that_get_through_as_much(milliseconds: dict[int, float], best: int) -> None:
    assert measured_threads(lasting(milliseconds), cores=4, streams=2) == best


def test_one_core_needs_no_measuring() -> None:
    def never(_: int) -> Callable[[], object]:
        raise AssertionError("it was measured")

    assert measured_threads(never, cores=1, streams=2) == 1
    assert usable_cores() >= 1


def test_a_real_model_is_measured_in_less_than_a_second() -> None:
    card = ModelRegistry.packaged().default

    def run_with(threads: int) -> Callable[[], object]:
        return OnnxSegmenter(MODEL_DIR / card.file, card, threads=threads).one_run()

    begun = time.process_time()
    assert measured_threads(run_with, cores=2, streams=2) in {1, 2}
    assert time.process_time() - begun < 2  # of two cores
