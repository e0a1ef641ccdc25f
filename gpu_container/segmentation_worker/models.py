"""The models that this worker can run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import onnxruntime

from segmentation_worker.choosing import ChoosingSegmenter
from segmentation_worker.network import CPU, PROVIDERS, Network
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.tuning import (
    ONE_BY_ONE,
    STREAMS_ON_CPU,
    STREAMS_ON_GPU,
    Tuning,
    best_batch,
    best_threads,
    runs_per_s,
    usable_cores,
)
from spheroseg.domain.model_card import Precision
from spheroseg.domain.segmentation import Order
from spheroseg.errors import ModelNotFoundError
from spheroseg.model_registry import ModelRegistry
from spheroseg.ports import Segmenter

BEST_PRECISION: dict[str, Precision] = {CPU: "int8"}
"""What a model runs in where it has a file of that kind; on a GPU in float16. Measured in docs/results.md."""


@dataclass(frozen=True)
class LoadedModels:
    """The port Segmenters: every registered model, loaded and checked, and the rules that choose between them."""

    by_name_and_version: Mapping[tuple[str, str], Segmenter]

    def of(self, order: Order) -> Segmenter:
        """The ordered model, or raise ``ModelNotFoundError``."""
        try:
            return self.by_name_and_version[order.model, order.model_version]
        except KeyError:
            raise ModelNotFoundError(f"This worker has no model {order.model}, version {order.model_version}") from None


def load_segmenters(
    folder: Path,
    tuning: Tuning = ONE_BY_ONE,
    registry: ModelRegistry | None = None,
    *,
    scratch: Path | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> LoadedModels:
    """Load every registered model, so that a wrong file is found at the start and not with the first image.

    Args:
        folder: Where the ONNX files lie that the cards name.
        tuning: How they are run.
        registry: The packaged one unless another is given.
        scratch: Where large images lie while they are worked on.
        on_progress: Called every second or so while a large image is worked on.

    Raises:
        ModelUnusableError: a file is missing, altered, or not what its card says.
    """
    registry = in_best_precision(registry or ModelRegistry.packaged())
    loaded = {
        (card.name, card.version): OnnxSegmenter(
            folder / card.file, card, tuning=tuning, folder=scratch, on_progress=on_progress
        )
        for card in registry.all()
    }
    choosing = {
        (model.name, model.version): ChoosingSegmenter(
            model.choice, *(loaded[card.name, card.version] for card in model.members)
        )
        for model in registry.choosing()
    }
    return LoadedModels({**loaded, **choosing})


def in_best_precision(registry: ModelRegistry) -> ModelRegistry:
    """Every model by the file that suits the processor at hand."""
    fastest = next(provider for provider in PROVIDERS if provider in onnxruntime.get_available_providers())
    precision = BEST_PRECISION.get(fastest, "float16")
    return replace(registry, cards=tuple(card.in_precision(precision) for card in registry.all()))


def measured_tuning(
    folder: Path,
    registry: ModelRegistry | None = None,
    *,
    threads: int | None = None,
    streams: int | None = None,
    batch: int | None = None,
) -> Tuning:
    """How models run best here, by measuring the usual one for all; what is given is not measured.

    Raises:
        ModelUnusableError: its file is missing, altered, or not what its card says.
    """
    card = in_best_precision(registry or ModelRegistry.packaged()).default

    @cache
    def loaded(count: int) -> Network:
        most = max(streams or STREAMS_ON_GPU, batch or 1)
        return Network(folder / card.file, card, threads=count, most=most)

    on_cpu = loaded(1).provider == CPU
    at_once = streams or (STREAMS_ON_CPU if on_cpu else STREAMS_ON_GPU)

    def with_threads(count: int) -> float:
        return runs_per_s(_one_run(loaded(count), 1), at_once)

    if threads is None:
        threads = best_threads(with_threads, usable_cores(), at_once) if on_cpu else 1
    network = loaded(threads if on_cpu else 1)
    # On a CPU there is nowhere to copy to; several threads may run the network, and share no buffers.
    is_bound = not on_cpu and runs_per_s(_one_run(network, 1, is_bound=True)) > runs_per_s(_one_run(network, 1))

    def in_batches(size: int) -> float:
        """On a CPU, batches of several images compete with as many single ones side by side."""
        at_a_time = max(1, at_once // size) if on_cpu else 1
        return size * runs_per_s(_one_run(network, size, is_bound=is_bound), at_a_time)

    size = best_batch(in_batches, at_once) if batch is None else batch
    wait_s = 0.0 if size == 1 else 1 / runs_per_s(_one_run(network, 1, is_bound=is_bound))
    return Tuning(threads=threads, streams=at_once, batch=size, wait_s=wait_s, is_bound=is_bound)


def _one_run(network: Network, size: int, *, is_bound: bool = False) -> Callable[[], object]:
    views = network.smallest_views(size)
    run = network.run_bound if is_bound else network.run
    return lambda: run(views)
