"""The port Segmenter on ONNX Runtime."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from segmentation_worker.instances import Postprocessing, Probability, Seen, draw_objects, enlarged, find_objects
from segmentation_worker.preparation import Preprocessing, padded, prepared
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Parameters
from spheroseg.errors import ModelUnusableError
from spheroseg.imaging.windowing import Grey
from spheroseg.ports import SegmentedPixels

PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
"""Fastest first."""


class OnnxSegmenter:
    """A model file that is as its card says; loaded once, used by any thread.

    One thread at a time is at the network, which then has all of the processor that is meant for it; another one may
    prepare the next image or draw the objects of the last meanwhile.

    An image is looked at as a whole at a small scale first, and closer while the objects look small there: that costs
    little for the usual few large spheroids and still finds many small ones. Sides and limits stand in the card.

    Args:
        path: The ONNX file.
        card: What it must be.
        threads: Threads of one run on the CPU.
        providers: Execution providers to try in this order; those that are not there are left out.

    Raises:
        ModelUnusableError: the file is missing, altered, or has other inputs and outputs than its card says.
    """

    def __init__(self, path: Path, card: ModelCard, *, threads: int = 1, providers: Sequence[str] = PROVIDERS) -> None:
        self.card = card
        try:
            self._preprocessing = Preprocessing.model_validate(card.preprocessing)
            self._postprocessing = Postprocessing.model_validate(card.postprocessing)
        except ValidationError as error:
            raise ModelUnusableError(f"The card of {card.name} {card.version} has settings of another kind") from error
        self._session = _session(path, card, threads, providers)
        _check_shapes(self._session, card, self._preprocessing.multiple_px)
        self._input = self._session.get_inputs()[0].name
        self._turn = Lock()

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return str(self._session.get_providers()[0])

    def segment(self, pixels: Grey, parameters: Parameters) -> SegmentedPixels:
        """Objects of a grey image, (height, width), at its own size.

        Raises:
            InvalidPixelsError: all pixels are equal.
        """
        height, width = pixels.shape
        seen, foreground = self._looked_at(pixels, parameters)
        probability = enlarged(foreground, (height, width))
        # Where small holes were filled, objects are drawn from another map than the one that is given back.
        solid = probability if seen.foreground is foreground else enlarged(seen.foreground, (height, width))
        labels = draw_objects(
            seen, solid > parameters.threshold, parameters.min_diameter_px or 0.0, holes=parameters.holes
        )
        return SegmentedPixels(labels=labels, probability=probability)

    def _looked_at(self, pixels: Grey, parameters: Parameters) -> tuple[Seen, Probability]:
        """The closest look that was needed, and its foreground probability."""
        settings = self._preprocessing
        long_side = max(pixels.shape)
        latest: tuple[Seen, Probability] | None = None
        for side, enough in zip(settings.sides_px, (*settings.enough_px, 0.0), strict=True):
            view = prepared(pixels, min(side, long_side), settings)
            foreground, core = self._probabilities(view)
            # A diameter that the user gives is in pixels of the image and is held to there.
            min_diameter_px = self._postprocessing.min_diameter_px if parameters.min_diameter_px is None else 0.0
            seen = find_objects(foreground, core, parameters.threshold, min_diameter_px, self._postprocessing)
            if latest is None or seen.count or not latest[0].count:
                latest = seen, foreground
            if side >= long_side or seen.typical_diameter_px >= enough:
                break
        assert latest is not None  # noqa: S101 - the card has at least one side
        return latest

    def _probabilities(self, view: NDArray[np.float32]) -> tuple[Probability, Probability]:
        """Foreground and core, each (h, w) float32 from 0 to 1."""
        height, width = view.shape
        batch = padded(view, self._preprocessing.multiple_px)[None, None]
        with self._turn:
            logits = self._session.run(None, {self._input: batch})[0]
        probability = 1 / (1 + np.exp(-logits[0, :, :height, :width]))
        return np.ascontiguousarray(probability[0]), np.ascontiguousarray(probability[1])


def _session(path: Path, card: ModelCard, threads: int, providers: Sequence[str]) -> onnxruntime.InferenceSession:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusableError(f"The file of model {card.name} {card.version} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelUnusableError(f"The file of model {card.name} {card.version} is not the one that its card describes")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    available = onnxruntime.get_available_providers()
    try:
        return onnxruntime.InferenceSession(
            content, options, providers=[provider for provider in providers if provider in available]
        )
    except Exception as error:  # ONNX Runtime raises many kinds, all of which mean the same here
        raise ModelUnusableError(f"Model {card.name} {card.version} cannot be loaded: {error}") from error


def _check_shapes(session: onnxruntime.InferenceSession, card: ModelCard, multiple_px: int) -> None:
    """One small run: what goes in and comes out must be as this segmenter expects."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    shape: list[Any] = list(inputs[0].shape) if len(inputs) == 1 else []
    if len(outputs) != 1 or len(shape) != 4 or shape[1] != 1 or inputs[0].type != "tensor(float)":
        raise ModelUnusableError(f"Model {card.name} {card.version} does not take one grey image")
    size = 2 * multiple_px
    (output,) = session.run(None, {inputs[0].name: np.zeros((1, 1, size, size), np.float32)})
    if output.shape != (1, 2, size, size) or not np.isfinite(output).all():
        raise ModelUnusableError(f"Model {card.name} {card.version} does not answer with foreground and core")
