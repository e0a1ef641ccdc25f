"""The same network in fewer bits: int8 for CPUs, float16 for GPUs."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

CALIBRATION_PERCENTILE = 99.99
"""Share of activations that the 8 bits span; the rest saturates. Measured against the extremes, see docs/results.md."""

KEPT = ("Resize",)
"""Kinds of nodes that stay in float32: they move numbers about, and would only round them once more."""


class Calibration(CalibrationDataReader):
    """Views that a network is run on to see how large its activations get."""

    def __init__(self, views: Sequence[NDArray[np.float32]]) -> None:
        self._views = iter(views)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next view as the network's input, or None at the end."""
        view = next(self._views, None)
        return None if view is None else {"image": view[None, None]}


def to_int8(file: Path, views: Sequence[NDArray[np.float32]], written: Path) -> str:
    """Weights per channel and activations in 8 bits, as QDQ nodes; the last convolutions stay in float32.

    Args:
        file: ONNX model in float32, ``image`` (n, 1, h, w) to ``logits``.
        views: (h, w) float32 views like those that the model will see, of sides that it takes; some dozens.
        written: Where the model in 8 bits goes.

    Returns:
        SHA-256 of the file.

    Source: Jacob, B. et al. (2018), Quantization and training of neural networks, CVPR; percentile calibration: Wu, H.
    et al. (2020), arXiv 2004.09602.
    """
    with tempfile.TemporaryDirectory() as folder:
        inferred = Path(folder) / "inferred.onnx"
        quant_pre_process(str(file), str(inferred), skip_symbolic_shape=True)
        graph = onnx.load(str(inferred)).graph
        quantize_static(
            str(inferred),
            str(written),
            Calibration(views),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            nodes_to_exclude=[*heads(graph), *(node.name for node in graph.node if node.op_type in KEPT)],
            extra_options={"CalibPercentile": CALIBRATION_PERCENTILE, "ActivationSymmetric": False},
        )
    return hashlib.sha256(written.read_bytes()).hexdigest()


def heads(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions that no other follows: one, or one for each member of an ensemble."""
    followed: set[str] = set()
    found = []
    for node in reversed(graph.node):  # a graph's nodes stand in order of their computation
        is_convolution = node.op_type == "Conv"
        if is_convolution and not followed.intersection(node.output):
            found.append(node.name)
        if is_convolution or followed.intersection(node.output):
            followed.update(node.input)
    return found


def to_float16(file: Path, written: Path) -> str:
    """Weights and activations in half precision, input and output still in float32; returns the file's SHA-256."""
    onnx.save(convert_float_to_float16(onnx.load(str(file)), keep_io_types=True), str(written))
    return hashlib.sha256(written.read_bytes()).hexdigest()


def largest_difference(one: Path, other: Path, views: Sequence[NDArray[np.float32]]) -> float:
    """Largest difference between the probabilities of two models over some views, on the CPU."""
    return max(
        float(np.abs(first - second).max())
        for first, second in zip(_probabilities(one, views), _probabilities(other, views), strict=True)
    )


def _probabilities(file: Path, views: Sequence[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    for view in views:
        (logits,) = session.run(["logits"], {"image": view[None, None]})
        yield 1 / (1 + np.exp(-logits))
