"""Images for benchmarks, drawn anew each time."""

import io
from typing import Any

import cv2
import numpy as np
import tifffile
from numpy.typing import NDArray


def spheroids_tiff(side_px: int = 1024, *, count: int = 6, seed: int = 0, dtype: type = np.uint8) -> bytes:
    """Dark grainy discs on a noisy bright ground, as an uncompressed TIFF."""
    random = np.random.default_rng(seed)
    top = float(np.iinfo(dtype).max)
    noise = random.normal(0, 0.02, (min(side_px, 1024), min(side_px, 1024)))
    repeats = -(-side_px // noise.shape[0])
    pixels: NDArray[Any] = np.empty((side_px, side_px), dtype)
    for start in range(0, side_px, noise.shape[0]):
        rows = min(noise.shape[0], side_px - start)
        pixels[start : start + rows] = top * (0.7 + np.tile(noise[:rows], (1, repeats))[:, :side_px])
    columns = int(np.ceil(np.sqrt(count)))
    step = side_px / columns
    for number in range(count):
        row, column = divmod(number, columns)
        radius = step * random.uniform(0.25, 0.4)
        centre = (int((column + 0.5) * step), int((row + 0.5) * step))
        box = [slice(max(0, int(c - radius)), min(side_px, int(c + radius) + 1)) for c in (centre[1], centre[0])]
        y, x = np.ogrid[box[0], box[1]]
        depth = np.sqrt(np.clip(1 - ((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius**2, 0, 1))
        grain = cv2.resize(random.random((64, 64)), depth.shape[::-1])
        part = pixels[box[0], box[1]]
        part[...] = np.clip(part - top * depth * (0.3 + 0.15 * grain), 0, top).astype(dtype)
    file = io.BytesIO()
    tifffile.imwrite(file, pixels)
    return file.getvalue()


def unet_31m(random: np.random.Generator) -> Any:
    """An ONNX model of the published U-Net (Ronneberger et al. 2015, padded convolutions), with random weights.

    Input ``image`` (n, 1, h, w) with h and w multiples of 16, output ``logits`` (n, 2, h, w); 31.0 million parameters.
    """
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    weights: list[Any] = []

    def weight(name: str, *shape: int) -> str:
        values = random.normal(0, 0.02, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def convolved(source: str, name: str, inside: int, outside: int, size: int = 3, *, relu: bool = True) -> str:
        parts = [source, weight(f"{name}.w", outside, inside, size, size), weight(f"{name}.b", outside)]
        nodes.append(helper.make_node("Conv", parts, [name], pads=[size // 2] * 4))
        if not relu:
            return name
        nodes.append(helper.make_node("Relu", [name], [f"{name}.relu"]))
        return f"{name}.relu"

    widths = [64, 128, 256, 512, 1024]
    latest, channels, skipped = "image", 1, []
    for level, width in enumerate(widths):
        latest = convolved(convolved(latest, f"down{level}a", channels, width), f"down{level}b", width, width)
        channels = width
        if level < len(widths) - 1:
            skipped.append(latest)
            nodes.append(helper.make_node("MaxPool", [latest], [f"pool{level}"], kernel_shape=[2, 2], strides=[2, 2]))
            latest = f"pool{level}"
    for level in reversed(range(len(widths) - 1)):
        width = widths[level]
        parts = [latest, weight(f"up{level}.w", channels, width, 2, 2), weight(f"up{level}.b", width)]
        nodes.append(helper.make_node("ConvTranspose", parts, [f"up{level}"], strides=[2, 2]))
        nodes.append(helper.make_node("Concat", [skipped[level], f"up{level}"], [f"joined{level}"], axis=1))
        latest = convolved(convolved(f"joined{level}", f"up{level}a", 2 * width, width), f"up{level}b", width, width)
        channels = width
    convolved(latest, "logits", channels, 2, 1, relu=False)
    graph = helper.make_graph(
        nodes,
        "unet",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, "h", "w"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2, "h", "w"])],
        weights,
    )
    assert 30_900_000 < sum(int(np.prod(one.dims)) for one in weights) < 31_200_000
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
