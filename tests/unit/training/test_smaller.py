"""Networks in fewer bits, on a small one made here."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from training.smaller import (
    SPANNED_PERCENT,
    heads,
    largest_difference,
    rectified_spans,
    shared_spans,
    stems,
    to_float16,
    to_int8,
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Three convolutions over a grey image, with enough weights that 8 bits show in the file's size."""
    random = np.random.default_rng(0)
    shapes = {"first": (48, 1, 3, 3), "second": (48, 48, 3, 3), "head": (2, 48, 1, 1)}
    weights = [
        numpy_helper.from_array((random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    nodes = [
        helper.make_node("Conv", ["image", "first"], ["a"], "conv1", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], "relu1"),
        helper.make_node("Conv", ["b", "second"], ["c"], "conv2", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["d"], "relu2"),
        helper.make_node("Conv", ["d", "head"], ["logits"], "conv3"),
    ]
    free: list[str | int | None] = ["n", 1, "h", "w"]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, free)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        weights,
    )
    file = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(file))
    return file


@pytest.fixture
def views() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.uniform(-0.2, 1.2, (64, 96)).astype(np.float32) for _ in range(4)]


@pytest.mark.filterwarnings("ignore")  # onnxruntime's quantisation warns of its own old calls
def test_8_bits_take_about_a_quarter_and_say_about_the_same(
    model: Path, views: list[np.ndarray], tmp_path: Path
) -> None:
    small = tmp_path / "int8.onnx"
    digest = to_int8(model, views, small)
    assert len(digest) == 64
    assert small.stat().st_size < 0.4 * model.stat().st_size
    assert largest_difference(model, small, views) < 0.05
    kinds = [node.op_type for node in onnx.load(str(small)).graph.node]
    assert "QuantizeLinear" in kinds
    assert "DequantizeLinear" in kinds


def test_half_precision_takes_half_and_says_the_same(model: Path, views: list[np.ndarray], tmp_path: Path) -> None:
    small = tmp_path / "half.onnx"
    to_float16(model, small)
    assert small.stat().st_size < 0.6 * model.stat().st_size
    assert 0 < largest_difference(model, small, views) < 2e-3


def test_each_member_of_an_ensemble_has_a_head() -> None:
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], "stem"),
        helper.make_node("Conv", ["a", "w"], ["b"], "one"),
        helper.make_node("Relu", ["a"], ["c"], "relu"),
        helper.make_node("Conv", ["c", "w"], ["d"], "other"),
        helper.make_node("Add", ["b", "d"], ["logits"], "sum"),
    ]
    assert sorted(heads(helper.make_graph(nodes, "net", [], []))) == ["one", "other"]
    assert stems(helper.make_graph(nodes, "net", [], [])) == ["stem"]


def test_the_span_of_a_map_leaves_out_one_value_of_a_hundred_thousand(model: Path, views: list[np.ndarray]) -> None:
    """The same number as from all values of all views at once, though only the largest are kept; views differ in size."""
    several = [*views, *(view[:32, :64] for view in views)]
    graph = onnx.load(str(model))
    spans = rectified_spans(graph, several)
    assert set(spans) == {"b", "d"}
    graph.graph.output.extend(onnx.ValueInfoProto(name=name) for name in spans)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    maps = [session.run(list(spans), {"image": view[None, None]}) for view in several]
    for place, (name, span) in enumerate(spans.items()):
        values = np.concatenate([found[place].ravel() for found in maps])
        above = np.count_nonzero(values > span)
        assert above == int(len(values) * (1 - SPANNED_PERCENT / 100)) > 0, name
        assert span in values, name


def test_what_is_concatenated_shares_the_largest_span() -> None:
    nodes = [
        helper.make_node("Relu", ["a"], ["high"]),
        helper.make_node("Relu", ["b"], ["low"]),
        helper.make_node("Relu", ["c"], ["alone"]),
        helper.make_node("Resize", ["low", "", "scales"], ["enlarged"]),
        helper.make_node("Concat", ["high", "enlarged"], ["both"], axis=1),
        helper.make_node("Concat", ["both", "answer"], ["unknown"], axis=1),
        helper.make_node("Resize", ["answer", "", "scales"], ["logits"]),
    ]
    spans = shared_spans(helper.make_graph(nodes, "net", [], []), {"high": 9.0, "low": 4.0, "alone": 2.0})
    assert spans == {"high": 9.0, "low": 9.0, "enlarged": 9.0, "both": 9.0, "alone": 2.0}


@pytest.mark.filterwarnings("ignore")  # onnxruntime's quantisation warns of its own old calls
def test_the_first_and_last_convolutions_stay_as_they_are(model: Path, views: list[np.ndarray], tmp_path: Path) -> None:
    to_int8(model, views, tmp_path / "int8.onnx")
    small = onnx.load(str(tmp_path / "int8.onnx")).graph
    kinds = {one.name: one.data_type for one in small.initializer}
    assert kinds["first"] == kinds["head"] == TensorProto.FLOAT
    assert kinds["second_quantized"] == TensorProto.INT8
