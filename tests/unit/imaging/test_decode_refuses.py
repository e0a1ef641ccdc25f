from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from spheroseg.errors import (
    EmptyUploadError,
    ImageTooLargeError,
    InvalidInputError,
    UndecodableImageError,
    UnsupportedImageError,
)
from spheroseg.imaging.decode import decode, read_header
from spheroseg.imaging.header import DecodeLimits
from tests.unit.imaging.files import SOUND, decoded, tiff


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", EmptyUploadError),
        (b"\x89", UndecodableImageError),
        (b"<svg/>" * 40, UndecodableImageError),
        (b"GIF89a" + bytes(100), UnsupportedImageError),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(100), UnsupportedImageError),
        (b"II*\x00", UndecodableImageError),
        (b"II*\x00\xff\xff\xff\x7f" + bytes(100), UndecodableImageError),
        (b"\xff\xd8\xff" + b"\xff" * 500, UndecodableImageError),
        (b"BM" + bytes(10), UndecodableImageError),
    ],
)
def test_what_is_no_image_is_refused_by_content(content: bytes, error: type[InvalidInputError], tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(content)
    for read in (decode, read_header):
        with pytest.raises(error):
            read(path)


@pytest.mark.parametrize("name", SOUND)
def test_a_file_cut_off_anywhere_is_refused_or_complete_never_filled_up(name: str, tmp_path: Path) -> None:
    whole = decoded(SOUND[name], tmp_path).pixels
    length = len(SOUND[name])
    for cut in {*np.linspace(1, length - 1, 60).astype(int).tolist(), *range(length - 12, length)}:
        try:
            pixels = decoded(SOUND[name][:cut], tmp_path).pixels
        except InvalidInputError:
            continue
        assert np.array_equal(pixels, whole), cut


@pytest.mark.parametrize("name", ["png", "png-colours", "tiff-zlib", "tiff-lzw", "tiff-tiles", "bmp", "jpeg"])
def test_damage_ends_in_a_refusal_or_in_an_image_of_the_same_kind(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    whole = decoded(SOUND[name], tmp_path).pixels
    unnoticed = 0
    for _ in range(120):
        damaged = bytearray(SOUND[name])
        for place in random.integers(0, len(damaged), 3):
            damaged[place] ^= 1 << random.integers(8)
        try:
            pixels = decoded(bytes(damaged), tmp_path).pixels
        except InvalidInputError:
            continue
        assert pixels.ndim == 2
        unnoticed += not np.array_equal(pixels, whole)
    if name.startswith("png"):
        assert unnoticed == 0  # checksums


def test_limits_are_checked_before_anything_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    for content in SOUND.values():
        path.write_bytes(content)
        for limits in (
            DecodeLimits(max_pixels=1000),
            DecodeLimits(max_decoded_bytes=1000),
            DecodeLimits(max_file_bytes=9),
        ):
            with pytest.raises(ImageTooLargeError):
                decode(path, limits=limits)
    path.write_bytes(tiff(np.zeros((9, 8, 8), np.uint8), photometric="minisblack"))
    with pytest.raises(ImageTooLargeError, match="pages"):
        decode(path, limits=DecodeLimits(max_pages=8))


@pytest.mark.parametrize("name", ["jpeg", "bmp"])
def test_a_librarys_own_limit_does_not_stand_in_the_way(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decoded(SOUND[name], tmp_path).pixels.shape == (37, 53)
