"""Which frame of a stack is which page, whoever wrote the stack."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from spheroseg.domain.pages import Pages
from spheroseg.errors import ImageTooLargeError, PageNotFoundError, UndecodableImageError
from spheroseg.imaging import tiff
from spheroseg.imaging.decode import decode, read_header
from spheroseg.imaging.header import DecodeLimits

BAD_IMAGES = Path(__file__).parents[4] / "shared/bad_images"
STACK = np.random.default_rng(5).integers(0, 4096, (3, 4, 2, 16, 24)).astype(np.uint16)
TZC = Pages(24, "TZC", (3, 4, 2))


def written(path: Path, pixels: NDArray[Any], **how: Any) -> Path:
    tifffile.imwrite(path, pixels, **how)
    return path


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("a.tif", {"imagej": True}),
        ("a.tif", {"imagej": True, "truncate": True}),
        ("a.tif", {"imagej": True, "compression": None, "byteorder": ">"}),
        ("a.ome.tif", {}),
        ("a.ome.tif", {"compression": "zlib", "bigtiff": True}),
        ("a.tif", {"photometric": "minisblack"}),
        ("a.tif", {"photometric": "minisblack", "truncate": True, "byteorder": ">"}),
    ],
    ids=["ImageJ", "ImageJ, one directory", "ImageJ, big endian", "OME", "OME, BigTIFF", "tifffile", "one directory"],
)
def test_pages_are_the_frames_of_the_series_in_its_order(tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    path = written(tmp_path / name, STACK, metadata={"axes": "TZCYX"}, **how)
    frames = STACK.reshape(-1, 16, 24)
    for number in (1, 2, 9, 24):
        page = decode(path, number)
        assert np.array_equal(page.pixels, frames[number - 1])
        assert page.pages == TZC
    assert read_header(path).pages == 24
    with pytest.raises(PageNotFoundError, match="The file has 24 pages, page 25 was asked for"):
        decode(path, 25)


def test_the_order_is_the_files_own(tmp_path: Path) -> None:
    by_channel = np.ascontiguousarray(STACK.transpose(2, 1, 0, 3, 4))
    path = written(tmp_path / "a.ome.tif", by_channel, metadata={"axes": "CZTYX"})
    assert decode(path, 4).pages == Pages(24, "CZT", (2, 4, 3))
    assert np.array_equal(decode(path, 4).pixels, STACK[0, 1, 0])


@pytest.mark.parametrize(("axes", "planar"), [("TYXS", None), ("TSYX", "separate")])
@pytest.mark.parametrize("name", ["a.tif", "a.ome.tif"])
def test_colours_are_no_pages(tmp_path: Path, name: str, axes: str, planar: str | None) -> None:
    colours = np.random.default_rng(6).integers(0, 255, (4, 16, 24, 3)).astype(np.uint8)
    pixels = colours if planar is None else np.moveaxis(colours, -1, 1)
    path = written(tmp_path / name, pixels, photometric="rgb", planarconfig=planar, metadata={"axes": axes})
    assert decode(path, 3).pages == Pages(4, "T", (4,))
    assert decode(path, 3).pixels.shape == (16, 24)


def test_without_metadata_pages_are_directories_and_run_over_nobody_knows_what(tmp_path: Path) -> None:
    assert decode(written(tmp_path / "a.tif", STACK[0, :, 0], photometric="minisblack", metadata=None)).pages == Pages(
        4
    )
    assert decode(written(tmp_path / "b.tif", STACK[0, :, 0], photometric="minisblack")).pages == Pages(4)
    assert decode(written(tmp_path / "c.tif", STACK[0, 0, 0])).pages == Pages(1)


def test_several_series_follow_one_another(tmp_path: Path) -> None:
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[0, :, 0], metadata={"axes": "ZYX"})
        writer.write(STACK[:, 0, 1], metadata={"axes": "TYX"})
    assert decode(path, 6).pages == Pages(7)
    assert np.array_equal(decode(path, 6).pixels, STACK[1, 0, 1])


def test_smaller_versions_of_a_series_are_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "pyramid.ome.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(STACK[:, 0, 0], subifds=1, metadata={"axes": "TYX"})
        writer.write(STACK[:, 0, 0, ::2, ::2], subfiletype=1)
    assert decode(path, 2).pages == Pages(3, "T", (3,))
    assert np.array_equal(decode(path, 2).pixels, STACK[1, 0, 0])


def test_metadata_that_lie_are_not_followed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ome.tif", STACK[0, :, 0], metadata={"axes": "ZYX"})
    content = path.read_bytes()
    for told in (b'SizeZ="7"', b'SizeZ="0"', b'SizeZ="x"'):
        path.write_bytes(content.replace(b'SizeZ="4"', told))
        assert np.array_equal(decode(path, 4).pixels, STACK[0, 3, 0])
    path.write_bytes(content.replace(b"</OME>", b"<<OME>"))
    assert decode(path, 4).pages == Pages(4)


def test_other_files_that_metadata_name_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.ome.tif", STACK[0, :2, 0], metadata={"axes": "ZYX"})
    with tifffile.TiffFile(path) as file:
        description = file.pages[0].description.replace('SizeZ="2"', 'SizeZ="4"')  # type: ignore[union-attr]
    there = '<TiffData IFD="{}" FirstZ="{}" PlaneCount="1"><UUID FileName="{}">urn:uuid:{}</UUID></TiffData>'
    planes = "".join(
        there.format(number % 2, number, "ab"[number // 2] + ".ome.tif", number // 2) for number in range(4)
    )
    start, end = description.index("<TiffData"), description.index("</Pixels>")
    described = description[:start] + planes + description[end:]
    tifffile.imwrite(path, STACK[0, :2, 0], description=described, metadata=None, photometric="minisblack")
    written(tmp_path / "b.ome.tif", STACK[0, 2:, 0], metadata=None, photometric="minisblack")
    opened: list[object] = []
    really_open = tifffile.FileHandle.open

    def noting(handle: tifffile.FileHandle) -> None:
        really_open(handle)
        opened.append(handle.name)

    monkeypatch.setattr(tifffile.FileHandle, "open", noting)
    assert np.array_equal(decode(path, 2).pixels, STACK[0, 1, 0])
    assert set(opened) == {"a.ome.tif"}


def test_a_stack_that_is_cut_off_is_damaged_and_one_beyond_all_bounds_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tif", STACK, imagej=True, truncate=True, metadata={"axes": "TZCYX"})
    with pytest.raises(ImageTooLargeError, match="more than 20 pages"):
        tiff.decode_tiff(path, 1, DecodeLimits(max_pages=20))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises((UndecodableImageError, PageNotFoundError)):
        decode(path, 24)


@pytest.mark.skipif(not BAD_IMAGES.is_dir(), reason="the shared files that are hard to read are not here")
def test_the_shared_stack_is_five_times_three_frames() -> None:
    path = BAD_IMAGES / "made__stack_5x3_ome.ome.tif"
    found = [decode(path, number) for number in range(1, 16)]
    assert {page.pages.count for page in found} == {15}
    assert all(np.array_equal(page.pixels, tifffile.imread(path, key=index)) for index, page in enumerate(found))
