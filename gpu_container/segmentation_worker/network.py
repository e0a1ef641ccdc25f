"""A model file on ONNX Runtime: views in, logits out."""

import hashlib
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime import GraphOptimizationLevel

from segmentation_worker.preparation import Preprocessing, settings_of
from spheroseg.domain.model_card import ModelCard
from spheroseg.errors import ModelUnusableError

CPU = "CPUExecutionProvider"
PROGRAM = f"onnxruntime {onnxruntime.__version__}"

PROVIDERS = ("TensorrtExecutionProvider", "CUDAExecutionProvider", CPU)
"""Fastest first."""

INPUT, OUTPUT = "image", "logits"
"""Names inside every model file."""

KEPT_SHAPES = 8
"""Shapes of views whose buffers stay on a GPU: a few looks at images of one plate, in a few sizes of batches."""

Views = NDArray[np.float32]
"""(n, 1, h, w); h and w are multiples of what the card says."""

Logits = NDArray[np.float32]
"""(n, 2, h, w): foreground and core, before the sigmoid."""


class Network:
    """A model file that is as its card says; loaded once.

    Args:
        path: The ONNX file.
        card: What it must be.
        threads: Threads of one run on the CPU.
        providers: Execution providers to try in this order; those that are not there are left out.
        most: The most views of one run that will be asked for; only TensorRT has to know.

    Raises:
        ModelUnusableError: the file is missing, altered, or has other inputs and outputs than its card says.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        threads: int = 1,
        providers: Sequence[str] = PROVIDERS,
        most: int = 1,
    ) -> None:
        self._settings = settings_of(card, Preprocessing, card.preprocessing)
        self._session = _session(path, card, threads, providers, most)
        self._bindings = _Bindings(self._session, "cpu" if self.provider == CPU else "cuda")
        _check_shapes(self._session, card, self._settings.multiple_px)

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return str(self._session.get_providers()[0])

    def run(self, views: Views) -> Logits:
        """One run; by any number of threads at a time."""
        logits: Logits = self._session.run([OUTPUT], {INPUT: views})[0]
        return logits

    def run_bound(self, views: Views) -> Logits:
        """The same through buffers that stay where the network runs (IO binding); by one thread at a time."""
        return self._bindings.run(views)

    def smallest_views(self, count: int) -> Views:
        """Empty squares of the smallest side at which this network looks at images."""
        side = min(self._settings.sides_px)
        side += -side % self._settings.multiple_px
        return np.zeros((count, 1, side, side), np.float32)


class _Bindings:
    """Buffers for the shapes that were met last, on the device."""

    def __init__(self, session: onnxruntime.InferenceSession, device: str) -> None:
        self._session = session
        self._device = device
        self._kept: OrderedDict[tuple[int, ...], tuple[Any, Any, Any]] = OrderedDict()

    def run(self, views: Views) -> Logits:
        binding, given, answer = self._of(views.shape)
        given.update_inplace(np.ascontiguousarray(views))
        self._session.run_with_iobinding(binding)
        binding.synchronize_outputs()
        # On the CPU this may be the buffer itself, which the next run writes to.
        return np.array(answer.numpy(), np.float32)

    def _of(self, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
        kept = self._kept.pop(shape, None) or self._made(shape)
        self._kept[shape] = kept
        if len(self._kept) > KEPT_SHAPES:
            self._kept.popitem(last=False)
        return kept

    def _made(self, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
        count, _, height, width = shape
        given, answer = (
            onnxruntime.OrtValue.ortvalue_from_shape_and_type(of, np.float32, self._device)
            for of in (list(shape), [count, 2, height, width])
        )
        binding = self._session.io_binding()
        binding.bind_ortvalue_input(INPUT, given)
        binding.bind_ortvalue_output(OUTPUT, answer)
        return binding, given, answer


def _session(
    path: Path, card: ModelCard, threads: int, providers: Sequence[str], most: int
) -> onnxruntime.InferenceSession:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelUnusableError(f"The file of model {card.name} {card.version} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise ModelUnusableError(f"The file of model {card.name} {card.version} is not the one that its card describes")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = optimization_of(card)
    # Threads that wait in a loop take the cores from decoding and outlines: 60 % more processor time for each image.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    available = onnxruntime.get_available_providers()
    chosen = [(provider, provider_options(provider, card, most)) for provider in providers if provider in available]
    try:
        return onnxruntime.InferenceSession(content, options, providers=chosen)
    except Exception as error:  # ONNX Runtime raises many kinds, all of which mean the same here
        raise ModelUnusableError(f"Model {card.name} {card.version} cannot be loaded: {error}") from error


def optimization_of(card: ModelCard) -> GraphOptimizationLevel:
    """How far the graph is rewritten when it is loaded.

    All the way in general. The last step, another layout of the maps in memory, makes a network of 32-bit convolutions
    1.7 times as fast, but one of 8-bit convolutions slower by 15 % (docs/results.md, tests/benchmarks/test_runtime.py).
    """
    if card.precision == "int8":
        return GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    return GraphOptimizationLevel.ORT_ENABLE_ALL


def provider_options(provider: str, card: ModelCard, most: int = 1) -> dict[str, str]:
    """What a provider has to know of the model.

    TensorRT builds an engine for a range of shapes, which takes minutes: it is told the whole range at once, and keeps
    what it built for the next start on the same machine. It is tuned for the middle side and full batches.

    Args:
        most: Views of one run at most.
    """
    if provider != "TensorrtExecutionProvider":
        return {}
    settings = settings_of(card, Preprocessing, card.preprocessing)
    middle, largest = sorted(settings.sides_px)[len(settings.sides_px) // 2], max(settings.sides_px)
    middle, largest = (side + -side % settings.multiple_px for side in (middle, largest))
    shapes = {"min": (1, settings.multiple_px), "opt": (most, middle), "max": (most, largest)}
    ranges = {f"trt_profile_{name}_shapes": f"{INPUT}:{n}x1x{side}x{side}" for name, (n, side) in shapes.items()}
    cache = Path(tempfile.gettempdir()) / f"spheroseg-engines-{card.sha256[:16]}-{most}"
    return ranges | {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(cache)}


def _check_shapes(session: onnxruntime.InferenceSession, card: ModelCard, multiple_px: int) -> None:
    """One small run: what goes in and comes out must be as the segmenter expects."""
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
