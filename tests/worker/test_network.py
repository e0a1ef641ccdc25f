"""A model file, its run in several ways, and what providers are told of it."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnxruntime import GraphOptimizationLevel

from segmentation_worker.models import in_best_precision
from segmentation_worker.network import KEPT_SHAPES, Network, optimization_of, provider_options
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import ModelCard
from spheroseg.model_registry import ModelRegistry

CARDS = in_best_precision(ModelRegistry.packaged()).all()


@pytest.fixture(scope="module", params=CARDS, ids=lambda card: card.name)
def network(request: pytest.FixtureRequest) -> Network:
    card: ModelCard = request.param
    return Network(MODEL_DIR / card.file, card)


def views_of(count: int, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(count).random((count, 1, height, width)).astype(np.float32)


def test_a_batch_is_answered_as_its_views_are_alone(network: Network) -> None:
    views = views_of(3)
    together = network.run(views)
    assert together.shape == (3, 2, 64, 96)
    np.testing.assert_array_equal(together, np.concatenate([network.run(views[at : at + 1]) for at in range(3)]))


def test_kept_buffers_give_the_same_answers(network: Network) -> None:
    first, second = views_of(1), views_of(2)[1:]
    answer = network.run_bound(first)
    again = network.run_bound(second)  # into the same buffers
    np.testing.assert_array_equal(answer, network.run(first))
    np.testing.assert_array_equal(again, network.run(second))
    np.testing.assert_array_equal(network.run_bound(first[:, :, ::-1]), network.run(first[:, :, ::-1].copy()))


def test_buffers_are_kept_for_the_latest_shapes_alone(network: Network) -> None:
    shapes = [(1, 1, 64, 32 * width) for width in range(1, KEPT_SHAPES + 3)]
    for shape in [*shapes, shapes[-2]]:
        network.run_bound(np.zeros(shape, np.float32))
    kept = network._bindings._kept
    assert len(kept) == KEPT_SHAPES
    assert list(kept)[-2:] == [shapes[-1], shapes[-2]]
    assert shapes[0] not in kept


def test_any_thread_may_run_it(network: Network) -> None:
    views = [views_of(count) for count in range(1, 5)]
    with ThreadPoolExecutor(4) as pool:
        for one, answer in zip(views, pool.map(network.run, views), strict=True):
            np.testing.assert_array_equal(answer, network.run(one))


def test_the_views_that_it_is_measured_with_fit_its_card(network: Network) -> None:
    views = network.smallest_views(2)
    assert network.run(views).shape == (2, 2, *views.shape[2:])


def test_eight_bits_are_not_laid_out_for_thirty_two() -> None:
    card = ModelRegistry.packaged().default
    assert optimization_of(card) == GraphOptimizationLevel.ORT_ENABLE_ALL
    assert optimization_of(card.in_precision("int8")) == GraphOptimizationLevel.ORT_ENABLE_EXTENDED


def test_tensorrt_is_told_every_shape_that_views_can_have() -> None:
    card = ModelRegistry.packaged().default
    options = provider_options("TensorrtExecutionProvider", card, most=8)
    least, usual, largest = (
        [int(part) for part in options[f"trt_profile_{name}_shapes"].removeprefix("image:").split("x")]
        for name in ("min", "opt", "max")
    )
    step = card.preprocessing["multiple_px"]
    assert least == [1, 1, step, step]
    assert usual[0] == largest[0] == 8
    assert usual[2] in card.preprocessing["sides_px"]
    assert largest[2] >= max(card.preprocessing["sides_px"])
    # An engine for other shapes is another engine.
    one_by_one = provider_options("TensorrtExecutionProvider", card)
    assert one_by_one["trt_engine_cache_path"] != options["trt_engine_cache_path"]
    assert provider_options("CPUExecutionProvider", card) == {}
