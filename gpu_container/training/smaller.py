"""The same network in fewer bits: int8 for CPUs, float16 for GPUs."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

SPANNED_PERCENT = 99.999
"""Share of a map's values that the 8 bits span; the rest saturates. Measured against others, see docs/results.md."""

KEPT = ("Resize",)
"""Kinds of nodes that are not the quantiser's: they move numbers about, so they keep the steps of what they move."""

Ends = Callable[[onnx.NodeProto], Iterable[str]]
"""The names of what goes into a node, or of what comes out of it."""


class Calibration(CalibrationDataReader):
    """Views that a network is run on to see how large its activations get."""

    def __init__(self, views: Sequence[NDArray[np.float32]]) -> None:
        self._views = iter(views)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next view as the network's input, or None at the end."""
        view = next(self._views, None)
        return None if view is None else {"image": view[None, None]}


def to_int8(file: Path, views: Sequence[NDArray[np.float32]], written: Path) -> str:
    """Weights per channel and activations in 8 bits, as QDQ nodes; the first and last convolutions stay in float32.

    The first one has hardly any weights, but rounding them made most of the error of all weights together; the last
    ones answer. What is concatenated shares its steps, so that it is not rounded twice.

    Args:
        file: ONNX model in float32, ``image`` (n, 1, h, w) to ``logits``.
        views: (h, w) float32 views like those that the model will see, of sides that it takes; some hundred.
        written: Where the model in 8 bits goes.

    Returns:
        SHA-256 of the file.

    Source: Jacob, B. et al. (2018), Quantization and training of neural networks, CVPR; percentile calibration: Wu, H.
    et al. (2020), arXiv 2004.09602.
    """
    with tempfile.TemporaryDirectory() as folder:
        inferred = Path(folder) / "inferred.onnx"
        quant_pre_process(str(file), str(inferred), skip_symbolic_shape=True)
        model = onnx.load(str(inferred))
        spans = shared_spans(model.graph, rectified_spans(model, views))
        quantize_static(
            str(inferred),
            str(written),
            Calibration(views),  # for what is not rectified, by its extremes
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=[
                *stems(model.graph),
                *heads(model.graph),
                *(node.name for node in model.graph.node if node.op_type in KEPT),
            ],
            extra_options={
                "ActivationSymmetric": False,
                "TensorQuantOverrides": {
                    name: [{"rmin": np.float32(0), "rmax": np.float32(span)}] for name, span in spans.items()
                },
            },
        )
    return hashlib.sha256(written.read_bytes()).hexdigest()


def rectified_spans(model: onnx.ModelProto, views: Sequence[NDArray[np.float32]]) -> dict[str, float]:
    """Of each rectified map the value that 99.999 % of its values over all views stay below, by the map's name."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    names = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    session = onnxruntime.InferenceSession(watched.SerializeToString(), providers=["CPUExecutionProvider"])
    share, total_px = 1 - SPANNED_PERCENT / 100, sum(view.size for view in views)
    counts = dict.fromkeys(names, 0)
    largest: dict[str, NDArray[np.float32]] = {name: np.empty(0, np.float32) for name in names}
    for view in views:
        for name, values in zip(names, session.run(names, {"image": view[None, None]}), strict=True):
            counts[name] += values.size
            # Those that could be beyond the percentile of all views; a map's size goes with the view's.
            most = 1 + int(np.ceil(share * total_px * values.size / view.size))
            together = np.concatenate([largest[name], values.ravel()])
            largest[name] = together if together.size <= most else np.partition(together, -most)[-most:]
    return {name: float(np.sort(largest[name])[-1 - int(share * counts[name])]) for name in names}


def shared_spans(graph: onnx.GraphProto, spans: dict[str, float]) -> dict[str, float]:
    """The same with what maps become when they are enlarged or concatenated: all of them the largest of their spans."""
    groups = {name: [name] for name in spans}
    for node in graph.node:  # in order of their computation
        sources = [name for name in node.input if name in groups]
        if node.op_type == "Resize" and sources:
            together = groups[sources[0]]
        elif node.op_type == "Concat" and len(sources) == len(node.input):
            together = list(dict.fromkeys(name for source in sources for name in groups[source]))
        else:
            continue
        together.append(node.output[0])
        groups.update((name, together) for name in together)
    return {name: max(spans[member] for member in together if member in spans) for name, together in groups.items()}


def stems(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions that no other precedes: one, or one for each member of an ensemble."""
    return _outermost(graph.node, lambda node: node.input, lambda node: node.output)


def heads(graph: onnx.GraphProto) -> list[str]:
    """Names of the convolutions that no other follows: one, or one for each member of an ensemble."""
    return _outermost(reversed(graph.node), lambda node: node.output, lambda node: node.input)


def _outermost(nodes: Iterable[onnx.NodeProto], near: Ends, far: Ends) -> list[str]:
    """The convolutions that are met before any other, walking from an end: a graph's nodes stand in order."""
    beyond: set[str] = set()
    found = []
    for node in nodes:
        is_convolution = node.op_type == "Conv"
        is_beyond = bool(beyond.intersection(near(node)))
        if is_convolution and not is_beyond:
            found.append(node.name)
        if is_convolution or is_beyond:
            beyond.update(far(node))
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
