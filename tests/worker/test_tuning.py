"""How a network is run follows from what is measured."""

import time

import pytest

from segmentation_worker.models import measured_tuning
from segmentation_worker.settings import MODEL_DIR
from segmentation_worker.tuning import MEASURED_FOR_S, Tuning, best_batch, best_threads, runs_per_s, usable_cores


@pytest.mark.parametrize(
    ("rates", "best"),
    [({1: 100, 2: 98, 4: 96}, 4), ({1: 100, 2: 60, 4: 30}, 1), ({1: 50, 2: 90, 4: 70}, 2)],
    ids=["as good: the most", "threads cost", "in between"],
)
def test_the_most_threads_are_taken_that_get_through_as_much(rates: dict[int, float], best: int) -> None:
    assert best_threads(rates.__getitem__, cores=4, streams=2) == best


@pytest.mark.parametrize(
    ("rates", "best"),
    [({1: 98, 2: 100, 4: 101}, 1), ({1: 100, 2: 150, 4: 240}, 4), ({1: 100, 2: 190, 4: 120}, 2)],
    ids=["no gain: single", "the more the better", "memory ends at two"],
)
def test_the_smallest_batch_is_taken_that_gets_through_as_much(rates: dict[int, float], best: int) -> None:
    assert best_batch(rates.__getitem__, streams=5) == best


def test_what_leaves_no_choice_is_not_measured() -> None:
    def never(_: int) -> float:
        raise AssertionError("it was measured")

    assert best_threads(never, cores=1, streams=2) == 1
    assert best_batch(never, streams=1) == 1
    assert usable_cores() >= 1


def test_runs_of_all_threads_are_counted() -> None:
    runs = []
    rate = runs_per_s(lambda: runs.append(1), at_a_time=2)
    assert 0 < rate * MEASURED_FOR_S <= len(runs)


def test_a_real_model_is_measured_in_less_than_two_seconds() -> None:
    begun = time.process_time()
    tuning = measured_tuning(MODEL_DIR)
    assert time.process_time() - begun < 4  # of two cores
    assert tuning.threads in range(1, usable_cores() + 1)
    assert tuning.batch in range(1, tuning.streams + 1)
    assert (tuning.wait_s > 0) == (tuning.batch > 1)


def test_what_is_given_is_taken() -> None:
    tuning = measured_tuning(MODEL_DIR, threads=2, streams=4, batch=4)
    assert tuning == Tuning(threads=2, streams=4, batch=4, wait_s=tuning.wait_s)
    assert 0 < tuning.wait_s < 5
    assert measured_tuning(MODEL_DIR, threads=1, streams=3, batch=1) == Tuning(threads=1, streams=3)
