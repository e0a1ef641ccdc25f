"""What ONNX Runtime can be told, each way against the one that is in use; processor time of a view, all ways in turns."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
import pytest

from segmentation_worker import network
from segmentation_worker.network import INPUT, OUTPUT, Network
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import ModelCard, Precision
from spheroseg.model_registry import ModelRegistry
from tests.benchmarks.conftest import Record

pytestmark = pytest.mark.benchmark

SIDES_PX = (192, 512)
ROUNDS = 12

LEVELS = {
    "no arena": {"enable_cpu_mem_arena": False},
    "no memory pattern": {"enable_mem_pattern": False},
    "graph optimised to the basic level": {
        "graph_optimization_level": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    },
    "graph optimised to the extended level": {
        "graph_optimization_level": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    },
    "graph optimised to the last level": {
        "graph_optimization_level": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    },
}


def session_with(card: ModelCard, settings: Mapping[str, Any]) -> Callable[[np.ndarray], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = network.optimization_of(card)
    for name, value in settings.items():
        setattr(options, name, value)
    session = onnxruntime.InferenceSession(MODEL_DIR / card.file, options, providers=[network.CPU])
    return lambda views: session.run([OUTPUT], {INPUT: views})


def in_turns(ways: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median processor time of each, in ms."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way()
    for _ in range(ROUNDS):
        for name, way in ways.items():
            begun = time.process_time()
            way()
            times[name].append(1000 * (time.process_time() - begun))
    return {name: float(np.median(taken)) for name, taken in times.items()}


@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_what_the_runtime_is_told(record: Record, name: str, precision: Precision) -> None:
    card = next(card for card in ModelRegistry.packaged().all() if card.name == name).in_precision(precision)
    used = Network(MODEL_DIR / card.file, card)
    for side in SIDES_PX:
        views = np.random.default_rng(side).random((4, 1, side, side)).astype(np.float32)
        ways: dict[str, Callable[[], object]] = {
            "as in use": partial(used.run, views[:1]),
            "with IO binding": partial(used.run_bound, views[:1]),
            "in batches of 2": partial(used.run, views[:2]),
            "in batches of 4": partial(used.run, views),
        }
        ways |= {what: partial(session_with(card, settings), views[:1]) for what, settings in LEVELS.items()}
        taken = in_turns(ways)
        taken["in batches of 2"] /= 2
        taken["in batches of 4"] /= 4
        for what, milliseconds in taken.items():
            if what != "as in use":
                record(
                    f"a view of {side}² by {name} in {precision}, {what}, processor time",
                    milliseconds,
                    "ms",
                    "the same as in use",
                    taken["as in use"],
                )
