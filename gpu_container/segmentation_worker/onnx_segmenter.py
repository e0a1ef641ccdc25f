"""The port Segmenter on ONNX Runtime."""

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import ValidationError

from segmentation_worker.enlargement import enlarged
from segmentation_worker.instances import Postprocessing, Probability, Seen, draw_objects, find_objects
from segmentation_worker.preparation import Preprocessing, padded, prepared
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Parameters
from spheroseg.errors import ModelUnusableError
from spheroseg.imaging.windowing import Grey
from spheroseg.ports import SegmentedPixels

CPU = "CPUExecutionProvider"
PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU)
"""Fastest first."""

INPUT, OUTPUT = "image", "logits"
"""Names inside every model file."""


class OnnxSegmenter:
    """A model file that is as its card says; loaded once, used by any thread.

    On a CPU as many threads as come are at the network at a time, which costs nothing where each run has few threads;
    on a GPU one is, while another one prepares the next image or draws the objects of the last.

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
        self._turn = nullcontext() if self.provider == CPU else Lock()

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return str(self._session.get_providers()[0])

    def one_run(self) -> Callable[[], object]:
        """One run of the network alone, on an empty square of the smallest side."""
        side = min(self._preprocessing.sides_px)
        batch = padded(np.zeros((side, side), np.float32), self._preprocessing.multiple_px)[None, None]
        return lambda: self._session.run([OUTPUT], {INPUT: batch})

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
            logits = self._session.run([OUTPUT], {INPUT: batch})[0]
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
    # Threads that wait in a loop take the cores from decoding and outlines: 60 % more processor time for each image.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    chosen = [(provider, provider_options(provider, card)) for provider in providers if provider in available]
    try:
        return onnxruntime.InferenceSession(content, options, providers=chosen)
    except Exception as error:  # ONNX Runtime raises many kinds, all of which mean the same here
        raise ModelUnusableError(f"Model {card.name} {card.version} cannot be loaded: {error}") from error


def provider_options(provider: str, card: ModelCard) -> dict[str, str]:
    """What a provider has to know of the model.

    TensorRT builds an engine for a range of shapes, which takes minutes: it is told the whole range at once, and keeps
    what it built for the next start on the same machine.
    """
    if provider != "TensorrtExecutionProvider":
        return {}
    settings = Preprocessing.model_validate(card.preprocessing)
    middle, largest = sorted(settings.sides_px)[len(settings.sides_px) // 2], max(settings.sides_px)
    largest += -largest % settings.multiple_px
    shapes = {"min": settings.multiple_px, "opt": middle, "max": largest}
    ranges = {f"trt_profile_{name}_shapes": f"{INPUT}:1x1x{side}x{side}" for name, side in shapes.items()}
    cache = Path(tempfile.gettempdir()) / f"spheroseg-engines-{card.sha256[:16]}"
    return ranges | {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(cache)}


def _check_shapes(session: onnxruntime.InferenceSession, card: ModelCard, multiple_px: int) -> None:
    """One small run: what goes in and comes out must be as this segmenter expects."""
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if [one.name for one in inputs] != [INPUT] or [one.name for one in outputs] != [OUTPUT]:
        raise ModelUnusableError(f"Model {card.name} {card.version} has other inputs and outputs than image and logits")
    shape: list[Any] = list(inputs[0].shape)
    if len(shape) != 4 or shape[1] != 1 or inputs[0].type != "tensor(float)":
        raise ModelUnusableError(f"Model {card.name} {card.version} does not take one grey image")
    size = 2 * multiple_px
    (output,) = session.run([OUTPUT], {INPUT: np.zeros((1, 1, size, size), np.float32)})
    if output.shape != (1, 2, size, size) or not np.isfinite(output).all():
        raise ModelUnusableError(f"Model {card.name} {card.version} does not answer with foreground and core")
