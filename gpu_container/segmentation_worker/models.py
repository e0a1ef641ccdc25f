"""The models that this worker can run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnxruntime

from segmentation_worker.choosing import ChoosingSegmenter
from segmentation_worker.onnx_segmenter import CPU, PROVIDERS, OnnxSegmenter
from segmentation_worker.tuning import measured_threads, usable_cores
from spheroseg.domain.model_card import ModelCard, Precision
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
    threads: int | None = None,
    registry: ModelRegistry | None = None,
    *,
    streams: int = 2,
    scratch: Path | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> LoadedModels:
    """Load every registered model, so that a wrong file is found at the start and not with the first image.

    Args:
        folder: Where the ONNX files lie that the cards name.
        threads: Threads of one run on the CPU; measured when it is None.
        registry: The packaged one unless another is given.
        streams: Runs at a time, for that measurement.
        scratch: Where large images lie while they are worked on.
        on_progress: Called every second or so while a large image is worked on.

    Raises:
        ModelUnusableError: a file is missing, altered, or not what its card says.
    """
    registry = in_best_precision(registry or ModelRegistry.packaged())
    if threads is None:
        threads = _threads_for(folder, registry.default, streams)
    loaded = {
        (card.name, card.version): OnnxSegmenter(
            folder / card.file, card, threads=threads, folder=scratch, on_progress=on_progress
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


def _threads_for(folder: Path, card: ModelCard, streams: int) -> int:
    """By measuring one model for all, on the CPU; a GPU needs one thread."""
    if OnnxSegmenter(folder / card.file, card).provider != CPU:
        return 1
    return measured_threads(
        lambda threads: OnnxSegmenter(folder / card.file, card, threads=threads).one_run(), usable_cores(), streams
    )
