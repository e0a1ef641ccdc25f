"""Large pages are written a few rows at a time, and must not differ from what is read at once."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from spheroseg.errors import ImageTooLargeError, InvalidInputError, UndecodableImageError, UnsupportedImageError
from spheroseg.imaging import decode as decoding
from spheroseg.imaging import pieces
from spheroseg.imaging.decode import DecodedPage, WrittenPage, decode, decode_page
from spheroseg.imaging.header import DecodeLimits
from spheroseg.imaging.mapped import mapped, release, steps, zeros_in_file
from tests.unit.imaging.files import COLOURS, GREY, GREY16, SOUND, tiff

FLOATS = GREY16.astype(np.float32) / 7

FILES = {
    "plain": tiff(GREY16),
    "plain in strips": tiff(GREY16, rowsperstrip=5),
    "other byte order": tiff(GREY16, byteorder=">"),
    "floats": tiff(FLOATS),
    "colours": tiff(COLOURS, photometric="rgb"),
    "colours in planes": tiff(np.moveaxis(COLOURS, -1, 0), photometric="rgb", planarconfig="separate"),
    "planes in tiles": tiff(
        np.moveaxis(COLOURS, -1, 0), photometric="rgb", planarconfig="separate", tile=(16, 16), compression="lzw"
    ),
    "colours in tiles": tiff(COLOURS, photometric="rgb", tile=(16, 32), compression="zlib"),
    "strips": tiff(GREY16, rowsperstrip=5, compression="zlib", predictor=True),
    "tiles": tiff(GREY, tile=(16, 16), compression="zstd"),
    "jpeg tiles": tiff(COLOURS, photometric="ycbcr", tile=(16, 16), compression="jpeg"),
    "min is white": tiff(GREY, photometric="miniswhite", rowsperstrip=4, compression="packbits"),
    "black and white": tiff(GREY > 99, rowsperstrip=4),
    "palette": tiff(
        GREY, photometric="palette", colormap=np.random.default_rng(2).integers(0, 65536, (3, 256)).astype(np.uint16)
    ),
    "several pages": tiff(np.stack([GREY16 // 2, GREY16]), photometric="minisblack", compression="zlib"),
}


@pytest.fixture(autouse=True)
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "SPILLED_FROM_PX", 100)
    monkeypatch.setattr(pieces, "BAND_BYTES", 700)


def written(
    content: bytes, folder: Path, page: int = 1, limits: DecodeLimits = decoding.LIMITS
) -> np.ndarray[Any, Any]:
    path = folder / "upload"
    path.write_bytes(content)
    decoded = decode_page(path, page, limits, folder / "pixels")
    assert isinstance(decoded, WrittenPage)
    return mapped(folder / "pixels", *decoded.pixels)


@pytest.mark.parametrize("name", FILES)
def test_a_page_in_pieces_is_the_page_read_at_once(name: str, tmp_path: Path) -> None:
    number = 2 if name == "several pages" else 1
    pixels = written(FILES[name], tmp_path, number)
    whole = decode(tmp_path / "upload", number)
    assert pixels.dtype == whole.pixels.dtype
    assert np.array_equal(pixels, whole.pixels)


@pytest.mark.parametrize("name", [name for name in SOUND if not name.startswith("tiff")])
def test_other_kinds_are_written_as_a_whole(name: str, tmp_path: Path) -> None:
    assert np.array_equal(written(SOUND[name], tmp_path), decode(tmp_path / "upload").pixels)


def test_a_small_page_stays_in_memory(tmp_path: Path) -> None:
    (tmp_path / "upload").write_bytes(tiff(GREY[:9, :9]))
    assert isinstance(decode_page(tmp_path / "upload", spill=tmp_path / "pixels"), DecodedPage)
    assert not (tmp_path / "pixels").exists()


def test_pieces_that_are_too_large_are_refused_and_many_small_ones_are_not(tmp_path: Path) -> None:
    few = DecodeLimits(max_decoded_bytes=1500)
    assert written(tiff(GREY16, rowsperstrip=5, compression="zlib"), tmp_path, limits=few).nbytes > 1500
    with pytest.raises(ImageTooLargeError, match="pieces of 37 rows"):
        written(tiff(GREY16, rowsperstrip=37, compression="zlib"), tmp_path, limits=few)
    with pytest.raises(ImageTooLargeError, match="pixels"):
        written(tiff(GREY16), tmp_path, limits=DecodeLimits(max_pixels=1900))


def test_samples_that_depend_on_the_whole_page_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImageError, match="32-bit float"):
        written(tiff(GREY.astype(np.int32)), tmp_path)


@pytest.mark.parametrize("name", ["plain", "strips", "tiles"])
def test_a_damaged_page_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError):
        written(FILES[name][: len(FILES[name]) * 3 // 4], tmp_path)


def test_a_piece_of_fewer_rows_than_its_share_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(FILES["strips"])
    with tifffile.TiffFile(path) as file:
        tags = file.pages.first.tags
        offsets, counts = tags["StripOffsets"], tags["StripByteCounts"]
    last = offsets.value[-1], counts.value[-1]  # 2 rows, where the first strip has 5
    for tag, value in ((offsets, last[0]), (counts, last[1])):
        size = {3: 2, 4: 4}[int(tag.dtype)]
        content = bytearray(path.read_bytes())
        content[tag.valueoffset : tag.valueoffset + size] = int(value).to_bytes(size, "little")
        path.write_bytes(content)
    with pytest.raises((UndecodableImageError, ImageTooLargeError)):
        decode_page(path, spill=tmp_path / "pixels")


def test_arrays_in_files_behave_like_arrays_and_keep_what_was_written(tmp_path: Path) -> None:
    array = zeros_in_file((1000, 70), np.int32, tmp_path)
    assert list(tmp_path.iterdir()) == []
    seen = []
    for top, bottom in steps(array, step_px=7 * 70 + 3, multiple=5):
        assert not array[top:bottom].any()
        array[top:bottom] = np.arange(top, bottom)[:, None]
        seen.append((top, bottom))
    assert seen[:2] == [(0, 5), (5, 10)]
    assert seen[-1][1] == 1000
    release(array[3:7, 2:9])
    release(np.zeros((3, 3)))
    assert np.array_equal(array, np.repeat(np.arange(1000)[:, None], 70, axis=1))


def test_memory_of_arrays_in_files_is_given_back(tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("how much of a file is mapped is read from /proc")

    def mapped_mb() -> float:
        line = Path("/proc/self/status").read_text().split("RssFile:")[1]
        return int(line.split()[0]) / 1000

    before = mapped_mb()
    array = zeros_in_file((20_000, 1000), np.int32, tmp_path)  # 80 MB
    most = 0.0
    for top, bottom in steps(array, step_px=2**20):
        array[top:bottom] = 1
        most = max(most, mapped_mb())
    for top, bottom in steps(array, step_px=2**20):
        assert array[top:bottom].all()
        most = max(most, mapped_mb())
    assert most - before < 20
    assert mapped_mb() - before < 5
