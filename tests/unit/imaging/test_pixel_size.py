import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from spheroseg.imaging.decode import decode, read_header
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.pixel_size import PixelSize, pixel_size_of

PIXELS = np.zeros((8, 9), np.uint16)


def size_in(tmp_path: Path, samples: np.ndarray[Any, Any] = PIXELS, **options: Any) -> float | None:
    path = tmp_path / "upload"
    tifffile.imwrite(path, samples, **options)
    assert read_header(path).pixel_size_um == decode(path).pixel_size_um
    return decode(path).pixel_size_um


def ome(pixels: str, before: str = "") -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>{before}<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">{pixels}</OME>'


@pytest.mark.parametrize(
    ("size", "unit", "expected"),
    [
        (0.65, "µm", 0.65),
        (650, "nm", 0.65),
        (0.00065, "mm", 0.65),
        (6.5e-7, "m", 0.65),
        (6500, "Å", 0.65),
        (0.65, "pixel", None),
        (0.65, "reference frame", None),
    ],
)
def test_ome_states_the_size_with_its_unit(size: float, unit: str, expected: float | None, tmp_path: Path) -> None:
    metadata = {"axes": "YX", "PhysicalSizeX": size, "PhysicalSizeXUnit": unit}
    metadata |= {"PhysicalSizeY": size, "PhysicalSizeYUnit": unit}
    read = size_in(tmp_path, ome=True, metadata=metadata)
    assert read == (None if expected is None else pytest.approx(expected))


def test_ome_without_a_unit_means_micrometres(tmp_path: Path) -> None:
    assert size_in(tmp_path, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 1.3, "PhysicalSizeY": 1.3}) == 1.3


def test_pixels_that_are_not_square_have_no_single_edge(tmp_path: Path) -> None:
    assert size_in(tmp_path, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 1.3, "PhysicalSizeY": 1.4}) is None
    assert size_in(tmp_path, resolution=(1e4, 2e4), resolutionunit="CENTIMETER") is None
    header, page = read_header(tmp_path / "upload"), decode(tmp_path / "upload")
    assert header.unequal_edges_um == page.unequal_edges_um == pytest.approx((1.0, 0.5))


@pytest.mark.parametrize(
    ("x", "y"), [("1.3", "1.3"), ("1.3", "1.3005"), ("1.3", "1e9"), ("1e-9", "1.3"), ("1.3", "inf")]
)
def test_only_two_sensible_edges_that_differ_are_told(x: str, y: str) -> None:
    told = pixel_size_of(ome(f'<Pixels PhysicalSizeX="{x}" PhysicalSizeY="{y}"/>'), None, 2)
    assert told.unequal_edges_um is None
    other = pixel_size_of(ome('<Pixels PhysicalSizeX="1.3" PhysicalSizeY="1.4"/>'), None, 2)
    assert other == PixelSize(None, (1.3, 1.4))


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        'PhysicalSizeX="1"',
        'PhysicalSizeX="one" PhysicalSizeY="one"',
        'PhysicalSizeX="inf" PhysicalSizeY="inf"',
        'PhysicalSizeX="0" PhysicalSizeY="0"',
        'PhysicalSizeX="-1" PhysicalSizeY="-1"',
    ],
)
def test_an_incomplete_or_senseless_size_is_none(attributes: str) -> None:
    assert pixel_size_of(ome(f"<Pixels {attributes}/>"), None, 2) == PixelSize()


def test_images_of_different_sizes_in_one_file_leave_it_open() -> None:
    same, other = '<Pixels PhysicalSizeX="2" PhysicalSizeY="2"/>', '<Pixels PhysicalSizeX="3" PhysicalSizeY="3"/>'
    assert pixel_size_of(ome(same + same), None, 2) == PixelSize(2)
    assert pixel_size_of(ome(same + other), None, 2) == PixelSize()
    assert pixel_size_of(ome(same + "<Pixels/>"), None, 2) == PixelSize()


def test_declarations_in_ome_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "1"><!ENTITY b "&a;&a;&a;">]>'
    assert pixel_size_of(ome('<Pixels PhysicalSizeX="1" PhysicalSizeY="1"/>', before=bomb), None, 2) == PixelSize()
    assert pixel_size_of("<OME><Pixels </OME>", None, 2) == PixelSize()


@pytest.mark.parametrize(
    ("unit", "expected"), [("um", 0.5), ("micron", 0.5), ("\\u00B5m", 0.5), ("mm", 500.0), ("pixel", None)]
)
def test_imagej_states_pixels_per_unit(unit: str, expected: float | None, tmp_path: Path) -> None:
    read = size_in(tmp_path, imagej=True, resolution=(2, 2), metadata={"unit": unit})
    assert read == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("per_unit", "unit", "expected"),
    [
        (1e4 / 0.325, "CENTIMETER", 0.325),
        (25_400 / 1.5, "INCH", 1.5),
        (72, "INCH", None),
        (300, "INCH", None),
        (118.11, "CENTIMETER", None),
        (20_000, "NONE", None),
    ],
)
def test_resolution_tags_count_unless_they_are_made_for_paper(
    per_unit: float, unit: str, expected: float | None, tmp_path: Path
) -> None:
    read = size_in(tmp_path, resolution=(per_unit, per_unit), resolutionunit=unit, metadata=None)
    assert read == (None if expected is None else pytest.approx(expected, rel=1e-5))


def test_a_file_without_any_word_of_it_has_no_size(tmp_path: Path) -> None:
    assert size_in(tmp_path) is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_the_print_resolution_of_other_formats_is_no_pixel_size(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    Image.fromarray(np.arange(72, dtype=np.uint8).reshape(8, 9)).save(path, kind, dpi=(25_400, 25_400))
    assert decode(path).pixel_size_um is None


def test_our_own_label_files_tell_their_size(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(io.BytesIO(labels_tiff(PIXELS.astype(np.int32), 0.645)).getvalue())
    assert decode(path).pixel_size_um == pytest.approx(0.645, rel=1e-6)
