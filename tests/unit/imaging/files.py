"""Small images as files of each kind."""

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image

from spheroseg.imaging.decode import DecodedPage, decode

RANDOM = np.random.default_rng(5)
GREY = RANDOM.integers(0, 256, (37, 53)).astype(np.uint8)
GREY16 = RANDOM.integers(0, 65536, (37, 53)).astype(np.uint16)
COLOURS = RANDOM.integers(0, 256, (37, 53, 3)).astype(np.uint8)
SMOOTH = cv2.GaussianBlur(COLOURS, (0, 0), 4)
LUMINANCE = np.array([0.299, 0.587, 0.114])


def decoded(content: bytes, tmp_path: Path, page: int = 1) -> DecodedPage:
    path = tmp_path / "upload"  # no suffix: the kind is told by content
    path.write_bytes(content)
    return decode(path, page)


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(samples: np.ndarray[Any, Any], **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, samples, **options)
    return file.getvalue()


def png(samples: np.ndarray[Any, Any]) -> bytes:
    """By OpenCV, which takes channels as blue, green, red."""
    if samples.ndim == 3:
        samples = samples[..., [2, 1, 0, *range(3, samples.shape[2])]]
    fine, content = cv2.imencode(".png", samples)
    assert fine
    return content.tobytes()


SOUND = {
    "png": png(GREY16),
    "png-colours": png(SMOOTH),
    "tiff": tiff(GREY16),
    "tiff-zlib": tiff(GREY16, compression="zlib", rowsperstrip=9),
    "tiff-lzw": tiff(GREY, compression="lzw"),
    "tiff-tiles": tiff(GREY, tile=(16, 16), compression="zstd"),
    "bmp": written(Image.fromarray(GREY), "BMP"),
    "jpeg": written(Image.fromarray(SMOOTH), "JPEG", quality=90),
}
