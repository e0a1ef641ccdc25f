from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from spheroseg.errors import (
    EmptyUploadError,
    ImageTooLargeError,
    InvalidInputError,
    PageNotFoundError,
    UndecodableImageError,
    UnsupportedImageError,
)
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.labels import labels_tiff
from tests.unit.imaging.shapes import drawn

LABELS = drawn("11.2 11.2 .... 3333")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int32", "int64", "float32"])
def test_a_tiff_of_any_number_type_keeps_its_numbers(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", (LABELS * 40).astype(dtype), photometric="minisblack")
    read = read_labels(tmp_path / "a.tif")
    assert read.dtype == np.int32
    assert np.array_equal(read, LABELS * 40)


def test_our_own_label_files_are_read_and_the_suffix_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(labels_tiff(LABELS * 30_000))
    assert np.array_equal(read_labels(tmp_path / "a.png"), LABELS * 30_000)


@pytest.mark.parametrize(("dtype", "factor"), [("uint8", 80), ("uint16", 20_000)])
def test_a_png_keeps_its_numbers(tmp_path: Path, dtype: str, factor: int) -> None:
    Image.fromarray((LABELS * factor).astype(dtype)).save(tmp_path / "a.png")
    assert np.array_equal(read_labels(tmp_path / "a.png"), LABELS * factor)


def test_the_indices_of_a_palette_are_the_numbers(tmp_path: Path) -> None:
    image = Image.fromarray(LABELS.astype(np.uint8)).convert("P")
    image.putdata(LABELS.ravel().tolist())
    image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_labels(tmp_path / "a.png"), LABELS)


def test_pages_that_are_all_the_same_count_as_one(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([LABELS] * 3).astype(np.uint16), photometric="minisblack")
    assert np.array_equal(read_labels(tmp_path / "a.tif"), LABELS)
    tifffile.imwrite(tmp_path / "b.tif", np.stack([LABELS, LABELS * 2]).astype(np.uint16), imagej=True)
    with pytest.raises(UnsupportedImageError, match="2 pages or channels that differ"):
        read_labels(tmp_path / "b.tif")


def a_tiff(samples: Any, **how: Any) -> Callable[[Path], object]:
    return lambda path: tifffile.imwrite(path, samples, **how)


@pytest.mark.parametrize(
    ("write", "error", "words"),
    [
        (a_tiff(np.full((4, 4), 0.5, np.float32)), UnsupportedImageError, "fractions"),
        (a_tiff(np.full((4, 4), np.nan, np.float32)), UnsupportedImageError, "fractions"),
        (a_tiff(np.full((4, 4), -1, np.int16)), UnsupportedImageError, "from 0 to"),
        (a_tiff(np.full((4, 4), 2**31, np.uint32)), UnsupportedImageError, "from 0 to"),
        (a_tiff(np.zeros((8, 8, 3), np.uint8), photometric="rgb"), UnsupportedImageError, "colours"),
        (lambda path: Image.new("RGB", (4, 4)).save(path, "PNG"), UnsupportedImageError, "colours"),
        (lambda path: Image.new("L", (4, 4)).save(path, "JPEG"), UnsupportedImageError, "this is JPEG"),
        (lambda path: path.write_bytes(b""), EmptyUploadError, "no bytes"),
        (lambda path: path.write_bytes(b"II*\x00" + bytes(200)), UndecodableImageError, "holds no image|damaged"),
        (lambda path: path.write_text("text"), UndecodableImageError, "no PNG"),
    ],
    ids=["fractions", "nan", "negative", "above", "rgb tiff", "rgb png", "jpeg", "empty", "damaged", "text"],
)
def test_what_is_no_label_image_is_refused_with_a_reason(
    tmp_path: Path, write: Callable[[Path], object], error: type[InvalidInputError], words: str
) -> None:
    write(tmp_path / "a")
    with pytest.raises(error, match=words):
        read_labels(tmp_path / "a")


def test_a_png_whose_checksum_is_wrong_is_damaged(tmp_path: Path) -> None:
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    place = content.index(b"IDAT") + 6
    content[place] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UndecodableImageError):
        read_labels(tmp_path / "a.png")


def test_too_large_a_png_is_told_from_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4)
    with pytest.raises(ImageTooLargeError):
        read_labels(tmp_path / "a.png")


def test_the_page_that_is_meant_is_read(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.stack([LABELS, LABELS * 2]).astype(np.uint16), photometric="minisblack")
    assert np.array_equal(read_labels(tmp_path / "a.tif", page=2), LABELS * 2)
    for page in (0, 3):
        with pytest.raises(PageNotFoundError, match=f"2 pages, page {page} was asked for"):
            read_labels(tmp_path / "a.tif", page=page)
    Image.fromarray(LABELS.astype(np.uint8)).save(tmp_path / "b.png")
    assert np.array_equal(read_labels(tmp_path / "b.png", page=1), LABELS)
    with pytest.raises(PageNotFoundError, match="1 page, page 2 was asked for"):
        read_labels(tmp_path / "b.png", page=2)


@pytest.mark.parametrize(("value", "shown"), [(1.5, "1.5"), (np.nan, "nan"), (-3.0, "-3")])
def test_the_first_pixel_that_is_wrong_is_named(tmp_path: Path, value: float, shown: str) -> None:
    samples = LABELS.astype(np.float32)
    samples[2, 1] = samples[3, 0] = value
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack")
    with pytest.raises(UnsupportedImageError, match=f"first at column 1, row 2: {shown};"):
        read_labels(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["uint16", "int64", "float16", "float32"])
def test_an_array_of_numpy_keeps_its_numbers(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", (LABELS * 40).astype(dtype))
    assert np.array_equal(read_labels(tmp_path / "a.npy"), LABELS * 40)
    np.save(tmp_path / "b.npy", np.asfortranarray(np.stack([LABELS, LABELS * 2])[:, None]))
    assert np.array_equal(read_labels(tmp_path / "b.npy", 2), LABELS * 2)
    with pytest.raises(UnsupportedImageError, match="2 pages or channels that differ"):
        read_labels(tmp_path / "b.npy")


@pytest.mark.parametrize(
    ("array", "message"),
    [
        ({"masks": LABELS, "outlines": LABELS}, "save the masks as PNG"),
        (LABELS.ravel(), "shape is"),
        (np.stack([LABELS] * 3, axis=-1), "shape is"),
        (np.array(["a", "b"])[None], "whole numbers"),
        (LABELS - 0.5, "fractions"),
    ],
)
def test_an_array_that_is_no_label_image_says_why(tmp_path: Path, array: Any, message: str) -> None:
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(UnsupportedImageError, match=message):
        read_labels(tmp_path / "a.npy")


def test_an_array_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", LABELS)
    whole = (tmp_path / "a.npy").read_bytes()
    for length in (8, 60, len(whole) - 1):
        (tmp_path / "a.npy").write_bytes(whole[:length])
        with pytest.raises(UndecodableImageError, match="damaged"):
            read_labels(tmp_path / "a.npy")


def test_floats_are_taken_up_to_the_largest_number_and_not_beyond(tmp_path: Path) -> None:
    for dtype, largest in (("float16", 65_504), ("float32", 2**31 - 128), ("float64", 2**31 - 1)):
        tifffile.imwrite(tmp_path / "a.tif", np.where(LABELS > 0, largest, 0).astype(dtype), photometric="minisblack")
        assert read_labels(tmp_path / "a.tif").max() == largest
    for dtype in ("float32", "float64"):
        tifffile.imwrite(tmp_path / "a.tif", np.where(LABELS > 0, 2.0**31, 0).astype(dtype), photometric="minisblack")
        with pytest.raises(UnsupportedImageError, match="from 0 to 2147483647"):
            read_labels(tmp_path / "a.tif")
