"""What more than one benchmark is held against: the bare network, and the measures of scikit-image."""

from collections.abc import Callable
from typing import Any

from segmentation_worker.models import in_best_precision
from segmentation_worker.onnx_segmenter import OnnxSegmenter
from segmentation_worker.settings import MODEL_DIR
from segmentation_worker.tuning import Tuning
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Parameters
from spheroseg.imaging.windowing import Grey
from spheroseg.model_registry import ModelRegistry

REGISTRY = in_best_precision(ModelRegistry.packaged())
"""The models, by the files of them that the worker runs on this machine."""

DEFAULT = REGISTRY.default

SKIMAGE_MEASURES = [
    "area",
    "perimeter_crofton",
    "solidity",
    "extent",
    "feret_diameter_max",
    "axis_major_length",
    "axis_minor_length",
    "centroid",
    "bbox",
    "equivalent_diameter_area",
]
"""What scikit-image has of our 26 measures."""


def loaded(card: ModelCard, threads: int = 1) -> OnnxSegmenter:
    return OnnxSegmenter(MODEL_DIR / card.file, card, tuning=Tuning(threads=threads))


class RecordingSession:
    """A session that keeps what it is fed."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.feeds: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, names: Any, feed: dict[str, Any]) -> Any:
        self.feeds.append(feed)
        return self.session.run(names, feed)


def bare_runs(pixels: Grey, threads: int = 1, card: ModelCard = DEFAULT) -> Callable[[], None]:
    """All that a model's session does for an image, on tensors that wait in memory."""
    segmenter = loaded(card, threads)
    recording = segmenter._network._session = RecordingSession(segmenter._network._session)
    segmenter.segment(pixels, Parameters())

    def run() -> None:
        for feed in recording.feeds:
            recording.session.run(None, feed)

    return run
