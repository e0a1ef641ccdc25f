import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from spheroseg.domain.pages import Pages
from spheroseg.errors import (
    InvalidPixelsError,
    PageNotFoundError,
    UnsupportedImageError,
)
from spheroseg.imaging.decode import decode, read_header
from spheroseg.imaging.header import Format
from tests.unit.imaging.files import (
    COLOURS,
    GREY,
    GREY16,
    LUMINANCE,
    RANDOM,
    SMOOTH,
    SOUND,
    decoded,
    png,
    tiff,
    written,
)

BAD_IMAGES = Path(__file__).parents[4] / "shared/bad_images"


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_8_bit_grey_is_read_as_stored(kind: str, tmp_path: Path) -> None:
    page = decoded(written(Image.fromarray(GREY), kind), tmp_path)
    assert np.array_equal(page.pixels, GREY)
    assert page.pixels.dtype == np.uint8
    assert (page.pixel_type, page.pages) == ("uint8", Pages(1))


@pytest.mark.parametrize("samples", [GREY16, GREY16 >> 4, np.full((9, 9), 300, np.uint16)])
def test_16_bit_grey_is_neither_clipped_nor_collapsed(samples: np.ndarray, tmp_path: Path) -> None:
    for content in (png(samples), tiff(samples), tiff(samples, byteorder=">"), tiff(samples, bigtiff=True)):
        page = decoded(content, tmp_path)
        assert page.pixels.dtype == np.uint16
        assert page.pixels.dtype.isnative
        assert np.array_equal(page.pixels, samples)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
@pytest.mark.parametrize("mode", ["RGB", "P", "RGBA"])
def test_colours_become_luminance(kind: str, mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(SMOOTH)
    image = image.quantize(200) if mode == "P" else image.convert(mode)
    expected = np.asarray(image.convert("RGB")) @ LUMINANCE
    pixels = decoded(written(image, kind), tmp_path).pixels
    assert np.abs(pixels - expected).max() <= 1


def test_equal_red_green_and_blue_are_just_that_grey(tmp_path: Path) -> None:
    for samples in (GREY, GREY16):
        colours = np.dstack([samples] * 3)
        for content in (png(colours), tiff(colours, photometric="rgb")):
            assert np.array_equal(decoded(content, tmp_path).pixels, samples)


def test_16_bit_colours_keep_their_depth(tmp_path: Path) -> None:
    colours = RANDOM.integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    for content in (
        png(colours),
        tiff(colours, photometric="rgb"),
        tiff(np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate"),
    ):
        page = decoded(content, tmp_path)
        assert page.pixels.dtype == np.uint16
        assert np.abs(page.pixels - colours @ LUMINANCE).max() <= 2


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_refused_and_opaque_alpha_ignored(kind: str, mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS).convert(mode)
    grey = decoded(written(image, kind), tmp_path).pixels
    assert np.abs(grey - COLOURS @ LUMINANCE).max() <= 1
    image.putpixel((5, 5), (*((10,) * (len(mode) - 1)), 254))
    with pytest.raises(UnsupportedImageError, match="transparent"):
        decoded(written(image, kind), tmp_path)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_are_stretched_to_the_whole_range(bits: int, tmp_path: Path) -> None:
    levels = RANDOM.integers(0, 2**bits, (16, 24)).astype(np.uint8)
    packed = np.packbits(np.unpackbits(levels[..., None], axis=2)[..., -bits:].reshape(16, -1), axis=1)
    header = struct.pack(">IIBBBBB", 24, 16, bits, 0, 0, 0, 0)
    rows = b"".join(b"\x00" + row.tobytes() for row in packed)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    expected = levels * (255 // (2**bits - 1))
    assert np.array_equal(decoded(content, tmp_path).pixels, expected)
    if bits == 1:
        page = decoded(tiff(levels.astype(bool), photometric="minisblack"), tmp_path)
        assert np.array_equal(page.pixels, expected)
        assert page.pixel_type == "bool"


@pytest.mark.parametrize(
    "compression", ["none", "zlib", "lzw", "zstd", "packbits", "lzma", "png", "jpegxl", "jpeg2000"]
)
@pytest.mark.parametrize("options", [{}, {"tile": (16, 32)}, {"rowsperstrip": 5}, {"predictor": True}], ids=str)
def test_every_usual_compression_of_tiff_is_read(compression: str, options: dict[str, Any], tmp_path: Path) -> None:
    if options.get("predictor") and compression in {"none", "packbits", "png", "jpegxl", "jpeg2000"}:
        pytest.skip("takes no predictor")
    for samples in (GREY, GREY16):
        content = tiff(samples, compression=compression, **options)
        assert np.array_equal(decoded(content, tmp_path).pixels, samples)


def test_jpeg_in_tiff_is_read_as_another_decoder_does(tmp_path: Path) -> None:
    for photometric, samples in (("minisblack", SMOOTH[..., 0]), ("ycbcr", SMOOTH), ("rgb", SMOOTH)):
        content = tiff(samples, compression="jpeg", photometric=photometric)
        expected = np.asarray(Image.open(io.BytesIO(content)).convert("L")).astype(int)
        assert np.abs(decoded(content, tmp_path).pixels - expected).max() <= 3


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(np.int8, np.float32), (np.int16, np.float32), (np.int32, np.float32), (np.float16, np.float32)],
)
def test_signed_samples_keep_their_values(dtype: type, expected: type, tmp_path: Path) -> None:
    samples: np.ndarray = RANDOM.integers(-100, 100, (20, 30)).astype(dtype)
    page = decoded(tiff(samples), tmp_path)
    assert page.pixels.dtype == expected
    assert np.array_equal(page.pixels, samples.astype(np.float64))
    assert page.pixel_type == np.dtype(dtype).name


@pytest.mark.parametrize("dtype", [np.int16, np.uint32, np.int32, np.int64])
def test_integers_that_fit_are_16_bit(dtype: type, tmp_path: Path) -> None:
    samples: np.ndarray = RANDOM.integers(0, 30_000, (20, 30)).astype(dtype)
    page = decoded(tiff(samples), tmp_path)
    assert page.pixels.dtype == np.uint16
    assert np.array_equal(page.pixels, samples)


def test_large_values_are_rounded_only_where_nothing_is_lost(tmp_path: Path) -> None:
    wide = np.linspace(0, 2**32 - 1, 600).reshape(20, 30).astype(np.uint32)
    assert np.allclose(decoded(tiff(wide), tmp_path).pixels, wide, rtol=1e-7)
    with pytest.raises(UnsupportedImageError, match="told apart"):
        decoded(tiff((wide % 200 + 4_000_000_000).astype(np.uint32)), tmp_path)
    doubles = RANDOM.random((20, 30))
    assert np.allclose(decoded(tiff(doubles), tmp_path).pixels, doubles, rtol=1e-7)
    with pytest.raises(UnsupportedImageError, match="told apart"):
        decoded(tiff(doubles + 1e9), tmp_path)
    with pytest.raises(UnsupportedImageError, match="beyond"):
        decoded(tiff(doubles * 1e300), tmp_path)
    with pytest.raises(UnsupportedImageError, match="complex"):
        decoded(tiff(doubles.astype(np.complex64)), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_no_numbers_are_refused_and_told(value: float, tmp_path: Path) -> None:
    samples = RANDOM.random((20, 50)).astype(np.float32)
    assert np.array_equal(decoded(tiff(samples), tmp_path).pixels, samples)
    samples[3, 4] = value
    with pytest.raises(InvalidPixelsError, match="1 of 1,000 samples"):
        decoded(tiff(samples), tmp_path)


def test_min_is_white_is_turned_round(tmp_path: Path) -> None:
    for samples, largest in ((GREY, 255), (GREY16, 65535)):
        assert np.array_equal(decoded(tiff(samples, photometric="miniswhite"), tmp_path).pixels, largest - samples)
    with pytest.raises(UnsupportedImageError, match="white"):
        decoded(tiff(GREY.astype(np.float32), photometric="miniswhite"), tmp_path)


def test_fax_compression_is_read_as_another_decoder_does(tmp_path: Path) -> None:
    image = Image.fromarray(SMOOTH[..., 0] > 127)
    for compression in ("group3", "group4"):
        content = written(image, "TIFF", compression=compression)
        assert np.array_equal(decoded(content, tmp_path).pixels > 0, np.asarray(image))


@pytest.mark.parametrize("samples", [2, 4, 5])
def test_several_channels_are_refused_and_not_taken_for_colours(samples: int, tmp_path: Path) -> None:
    content = tiff(
        RANDOM.integers(0, 255, (20, 30, samples)).astype(np.uint8),
        photometric="minisblack",
        planarconfig="contig",
        extrasamples=[0] * (samples - 1),
    )
    with pytest.raises(UnsupportedImageError, match=f"{samples} channels"):
        decoded(content, tmp_path)


def test_colours_for_printing_are_refused(tmp_path: Path) -> None:
    image = Image.fromarray(COLOURS).convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        with pytest.raises(UnsupportedImageError, match="print"):
            decoded(written(image, kind), tmp_path)


def test_pages_are_read_by_number(tmp_path: Path) -> None:
    stack = RANDOM.integers(0, 4096, (5, 20, 30)).astype(np.uint16)
    content = tiff(stack, photometric="minisblack", metadata={"axes": "ZYX"}, compression="zlib")
    for number in range(1, 6):
        page = decoded(content, tmp_path, number)
        assert np.array_equal(page.pixels, stack[number - 1])
        assert page.pages == Pages(5, "Z", (5,))
    for number in (0, -1, 6, 10**9):
        with pytest.raises(PageNotFoundError):
            decoded(content, tmp_path, number)
    with pytest.raises(PageNotFoundError):
        decoded(png(GREY), tmp_path, 2)


def test_previews_are_no_pages(tmp_path: Path) -> None:
    path = tmp_path / "pyramid"
    with tifffile.TiffWriter(path) as writer:
        writer.write(GREY)
        writer.write(GREY[::2, ::2], subfiletype=1)
        writer.write(GREY16)
    assert decode(path).pages == Pages(2)
    assert np.array_equal(decode(path, 2).pixels, GREY16)
    assert read_header(path).pages == 2


def test_pixels_are_taken_as_stored_whatever_the_orientation_tag_says(tmp_path: Path) -> None:
    content = tiff(GREY, extratags=[(274, "H", 1, 6, True)])
    assert np.array_equal(decoded(content, tmp_path).pixels, GREY)
    exif = Image.Exif()
    exif[274] = 6
    image = Image.fromarray(SMOOTH[..., 0])
    turned = decoded(written(image, "JPEG", exif=exif, quality=95), tmp_path)
    assert np.array_equal(turned.pixels, decoded(written(image, "JPEG", quality=95), tmp_path).pixels)


@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_luminance_is_that_of_its_colours(progressive: bool, tmp_path: Path) -> None:
    content = written(Image.fromarray(SMOOTH), "JPEG", quality=95, subsampling=0, progressive=progressive)
    colours = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    assert colours is not None
    assert np.abs(decoded(content, tmp_path).pixels - colours @ LUMINANCE).max() <= 3


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_bmp_is_read_as_another_decoder_does(mode: str, tmp_path: Path) -> None:
    image = Image.fromarray(SMOOTH).convert(mode)
    content = written(image, "BMP")
    expected = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert expected is not None
    assert np.abs(decoded(content, tmp_path).pixels.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("content", "kind", "pixel_type", "channels"),
    [
        (SOUND["png"], Format.PNG, "uint16", 1),
        (SOUND["png-colours"], Format.PNG, "uint8", 3),
        (SOUND["tiff-tiles"], Format.TIFF, "uint8", 1),
        (SOUND["bmp"], Format.BMP, "uint8", 1),
        (SOUND["jpeg"], Format.JPEG, "uint8", 3),
        (tiff(GREY.astype(np.float32)), Format.TIFF, "float32", 1),
    ],
)
def test_a_header_tells_the_kind_and_the_size(
    content: bytes, kind: Format, pixel_type: str, channels: int, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    header = read_header(path)
    assert (header.format, header.width_px, header.height_px, header.pages) == (kind, 53, 37, 1)
    assert (header.pixel_type, header.channels) == (pixel_type, channels)


ODD = ["made__bigtiff.tif", "made__uint16_12bit_range.tif", "made__wide_1x20000.tif", "made__one_pixel.tif"]
ODD += ["pillow__12in16bit.tif", "pillow__16_bit_noise.tif", "pillow__16bit.MM.cropped.tif", "pillow__hopper2.tif"]
ODD += ["pillow__hopper_gray_4bpp.tif", "pillow__uint16_1_4660.tif", "made__bool.tif", "made__jpeg_named.tif"]
ODD += ["made__jpeg_trailing_zip.jpg", "pillow__pil168.tif", "pillow__multipage.tiff", "pillow__exif_typeerror.jpg"]


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_read_as_another_decoder_does(name: str) -> None:
    path = BAD_IMAGES / name
    if not path.exists():
        pytest.skip(f"the odd images are not beside the repository: {BAD_IMAGES}")
    with Image.open(path) as image:
        expected = np.asarray(image.convert("L") if image.mode in {"RGB", "P", "1"} else image).astype(float)
    assert np.abs(decode(path).pixels - expected).max() <= 3 * (path.suffix == ".jpg" or "jpeg" in name) + 1


@pytest.mark.parametrize("name", ["made__int16_negative.tif", "made__uint32.tif", "made__float64.tif"])
def test_odd_sample_types_are_read_as_another_decoder_does(name: str) -> None:
    path = BAD_IMAGES / name
    if not path.exists():
        pytest.skip(f"the odd images are not beside the repository: {BAD_IMAGES}")
    expected = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert expected is not None
    assert np.allclose(decode(path).pixels, expected, rtol=1e-7)
