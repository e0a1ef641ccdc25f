"""What is written and read back: no vertex moves by more than the format's precision; garbage is told where it is."""

import json
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_masks

from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.errors import InvalidExchangeFileError, NotExpressibleError
from spheroseg.exchange.files import FolderFiles
from spheroseg.exchange.formats import FORMATS, READABLE, format_of
from spheroseg.exchange.measured import spheroids_from
from spheroseg.exchange.pixels import labels_of, patch_of
from spheroseg.exchange.results import ReadImage, Result
from spheroseg.exchange.rings import joined, parted, polygons_from
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.labels import outlines_of
from tests.builders import a_spheroid
from tests.unit.exchange.samples import labels, result_of, results

FILES = {
    "coco": "annotations.json",
    "geojson": "{name}.geojson",
    "roi": "{name}_rois.zip",
    "labels": "{name}.ome.tif",
    "yolo": "",
}
FEW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

drawings = arrays(np.int32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3))


def through(format_name: str, result: Result, folder: Path) -> ReadImage:
    """Written and read back."""
    FORMATS[format_name].write([result], FolderFiles(folder))
    (image,) = READABLE[format_name].read(folder / FILES[format_name].format(name=result.name))
    return image


def rings_of(polygons: tuple[Polygon, ...]) -> set[tuple[tuple[float, float], ...]]:
    """Every ring from its smallest corner."""
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.holes)]
    return {(*ring[ring.index(min(ring)) :], *ring[: ring.index(min(ring))]) for ring in rings}


@pytest.mark.parametrize("format_name", FILES)
@FEW
@given(drawing=drawings)
def test_outlines_along_pixel_edges_come_back_exactly(
    format_name: str, drawing: Labels, tmp_path_factory: pytest.TempPathFactory
) -> None:
    result = result_of(drawing, "one.png", "one", None)
    image = through(format_name, result, tmp_path_factory.mktemp("round"))
    assert len(image.objects) == len(list(result.spheroids))
    for one, spheroid in zip(image.objects, result.spheroids, strict=True):
        assert rings_of(one.polygons) == rings_of(spheroid.polygons)
        if one.number is not None:
            assert one.number == spheroid.number
    if image.width_px is not None:
        assert (image.height_px, image.width_px) == drawing.shape
    measured = spheroids_from(image, result.width_px, result.height_px)
    for again, spheroid in zip(measured, result.spheroids, strict=True):
        assert vars(again.measures) == pytest.approx(vars(spheroid.measures))
        assert again.touches_edge == spheroid.touches_edge


PRECISION_PX = {"coco": 0.0, "geojson": 0.0, "yolo": 1e-6, "roi": 300 * 2.0**-24}
"""As docs/formats.md says it, for an image of 300 px."""

corner = st.floats(0, 299, allow_nan=False, allow_subnormal=False)


@pytest.mark.parametrize("format_name", PRECISION_PX)
@FEW
@given(corners=st.lists(st.tuples(corner, corner), min_size=3, max_size=12, unique=True))
def test_no_vertex_moves_by_more_than_the_precision(
    format_name: str, corners: list[tuple[float, float]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    hull = shapely.MultiPoint(corners).convex_hull
    if hull.geom_type != "Polygon" or hull.area < 1 or hull.minimum_clearance < 0.01:
        return
    polygons = polygons_from([list(hull.exterior.coords)])
    result = replace(
        result_of(labels(), "one.png", "one", None),
        width_px=300,
        height_px=300,
        spheroids=[a_spheroid(polygons=polygons)],
    )
    (one,) = through(format_name, result, tmp_path_factory.mktemp("round")).objects
    ours, theirs = np.array(polygons[0].exterior), np.array(one.polygons[0].exterior)
    assert np.abs(ours - theirs).max() <= PRECISION_PX[format_name]


@FEW
@given(drawing=drawings)
def test_bridges_enclose_nothing_and_are_found_again(drawing: Labels) -> None:
    for polygons in outlines_of(drawing).values():
        line = joined(polygons)
        assert rings_of(polygons_from(parted(line))) == rings_of(polygons)


def test_pixels_are_those_whose_centres_lie_inside() -> None:
    triangle = Polygon(((0.0, 0.0), (10.0, 0.0), (0.0, 10.0)))
    patch = patch_of((triangle,), 10, 10)
    centres = np.add.outer(np.arange(10) + 0.5, np.arange(10) + 0.5)
    np.testing.assert_array_equal(patch.mask, centres < 10)


@pytest.mark.parametrize("at_once", [1, 100_000])
def test_what_a_label_image_cannot_hold_is_told(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spheroseg.exchange.pixels.CORNERS_AT_ONCE", at_once)
    one, other = a_spheroid(1), a_spheroid(2)
    with pytest.raises(NotExpressibleError, match="Spheroids 1 and 2 overlap"):
        labels_of([one, other], 100, 100)
    thin = replace(one, polygons=(Polygon(((1.0, 1.6), (9.0, 1.6), (9.0, 2.4), (1.0, 2.4))),))
    with pytest.raises(NotExpressibleError, match="Spheroid 1 covers no pixel's centre"):
        labels_of([thin], 100, 100)


def test_pixels_follow_one_rule_wherever_corners_lie() -> None:
    """The exact rule of edited outlines and that of files, whose corners lie anywhere, also outside of the image."""
    rng = np.random.default_rng(3)
    for corners in (np.round(rng.normal(20, 14, (40, 7, 2)) * 4) / 4, rng.normal(20, 14, (40, 7, 2))):
        for ring in corners:
            polygons = (Polygon(tuple(map(tuple, ring.tolist()))),)
            found = patch_of(polygons, 40, 30)
            height, width = found.mask.shape
            x, y = np.meshgrid(found.left + np.arange(width) + 0.5, found.top + np.arange(height) + 0.5)
            inside = np.zeros(found.mask.shape, bool)
            for (x0, y0), (x1, y1) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                if y0 != y1:  # even-odd along the row; what lies on the line is right of it
                    inside ^= ((y0 <= y) != (y1 <= y)) & (x >= x0 + (y - y0) * (x1 - x0) / (y1 - y0))
            np.testing.assert_array_equal(found.mask, inside)


def test_overlapping_objects_are_measured_each_by_itself(tmp_path: Path) -> None:
    overlapping = [a_spheroid(1), a_spheroid(2)]
    result = replace(result_of(labels(), "one.png", "one", None), width_px=90, height_px=90, spheroids=overlapping)
    found: list[Spheroid] = list(spheroids_from(through("coco", result, tmp_path), 90, 90))
    assert [one.measures.area_px2 for one in found] == [84, 84]
    assert [(one.measures.centroid_x_px, one.measures.centroid_y_px) for one in found] == [(25, 35)] * 2


def test_an_object_outside_of_the_image_is_refused() -> None:
    image = ReadImage("far", READABLE["coco"].read(_coco_file([[0, 0, 200, 0, 200, 50]]))[0].objects)
    with pytest.raises(NotExpressibleError, match=r"Object 1 of far reaches out of the image: a corner at \(200, 0\)"):
        list(spheroids_from(image, 100, 100))


def test_the_name_tells_the_format(tmp_path: Path) -> None:
    written = results()
    for name, file in FILES.items():
        FORMATS[name].write(written, FolderFiles(tmp_path / name))
        assert format_of(tmp_path / name / file.format(name="disks")) == name
    assert format_of(tmp_path / "measures.csv") is None


def test_run_lengths_of_pycocotools_are_read(tmp_path: Path) -> None:
    mask = np.zeros((80, 100), np.uint8)
    mask[3:70, 5:95] = 1
    mask[10:20, 30:60] = 0
    packed = coco_masks.encode(np.asfortranarray(mask))
    segmentation = {"size": packed["size"], "counts": packed["counts"].decode()}
    (one,) = READABLE["coco"].read(_coco_file(segmentation, tmp_path))[0].objects
    np.testing.assert_array_equal(patch_of(one.polygons, 100, 80).mask, mask[3:70, 5:95])


def test_parts_of_a_coco_object_that_overlap_are_one_area() -> None:
    (image,) = READABLE["coco"].read(_coco_file([[0, 0, 6, 0, 6, 6, 0, 6], [4, 4, 10, 4, 10, 10, 4, 10]]))
    (one,) = image.objects
    assert len(one.polygons) == 1
    assert shapely.Polygon(one.polygons[0].exterior).area == 36 + 36 - 4


def _coco_file(segmentation: object, folder: Path | None = None, **changes: object) -> Path:
    import tempfile

    annotation = {"id": 17, "image_id": 1, "category_id": 1, "segmentation": segmentation} | changes
    path = (folder or Path(tempfile.mkdtemp())) / "a.json"
    images = [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}]
    path.write_text(json.dumps({"images": images, "annotations": [annotation], "categories": []}))
    return path


@pytest.mark.parametrize(
    ("segmentation", "changes", "told"),
    [
        ([[1, 2, 3, 4]], {}, "a polygon has 4 numbers"),
        ([[0, 0, 5, 5, 5, 0, 0, 5]], {}, "ring 1 crosses itself"),
        ([[0, 0, 5, "x", 5, 0]], {}, "could not convert string to float"),
        ([], {}, "the segmentation is empty"),
        ([[0, 0, 5, 5, 5, 0]], {"image_id": 9}, "there is no image with id 9"),
        ([[0, 0, 5, 5, 5, 0]], {"iscrowd": 1}, "several objects as one"),
        ({"counts": [5], "size": [80, 100]}, {}, "run lengths cover 5 pixels, the image has 8000"),
        ({"counts": [8000], "size": [80, 100]}, {}, "no pixel is inside"),
        ({"counts": [8000], "size": [100, 80]}, {}, "the image has height 80 and width 100"),
        ({"counts": "zz~", "size": [80, 100]}, {}, "run lengths"),
        ({"counts": "é", "size": [80, 100]}, {}, "run lengths"),
        ({"counts": "o", "size": [80, 100]}, {}, "run lengths"),
        ({"counts": "", "size": [80, 100]}, {}, "run lengths"),
        (None, {}, "the segmentation is empty"),
        ([[0, 0, 5, 5, 5, 0]], {"score": 3}, "no confidence from 0 to 1"),
    ],
)
def test_a_wrong_annotation_is_named(
    segmentation: object, changes: dict[str, object], told: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidExchangeFileError, match=r"a\.json, annotation 17: .*; ") as caught:
        READABLE["coco"].read(_coco_file(segmentation, tmp_path, **changes))
    assert told in str(caught.value)


def geojson(geometry: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": geometry}]}).encode()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"[1, 2", "a.json: "),
        ("a.json", b"{}", "a.json: 'images' is missing; COCO has lists"),
        ("a.geojson", b"\xff\xfe", "a.geojson: "),
        ("a.geojson", b'{"type": "Point"}', "the type is 'Point'; GeoJSON here is"),
        (
            "a.geojson",
            geojson({"type": "LineString", "coordinates": []}),
            "a.geojson, feature 1: a LineString is no area",
        ),
        (
            "a.geojson",
            geojson({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}),
            "feature 1: a ring has 2 different",
        ),
        (
            "a.geojson",
            geojson({"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4]], [[8, 8], [9, 8], [9, 9]]]}),
            "does not lie in the first as a hole",
        ),
        ("a.geojson", geojson(None), "a.geojson, feature 1: "),
        ("a.zip", b"no zip", "a.zip: File is not a zip file; ROIs come as"),
        ("a.roi", b"Iout", "a.roi, a.roi: "),
        ("a.roi", b"not a roi at all, but long enough to be read as one " * 3, "a.roi, a.roi: "),
        ("a.tif", b"II*\x00 broken", "a.tif: "),
    ],
)
def test_garbage_is_refused_with_the_file_and_what_would_be_right(
    name: str, content: bytes, told: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    format_name = format_of(path)
    assert format_name is not None
    with pytest.raises(InvalidExchangeFileError) as caught:
        READABLE[format_name].read(path)
    assert told in str(caught.value)
    assert "; " in str(caught.value)


def test_rois_that_are_no_outlines_are_named(tmp_path: Path) -> None:
    from roifile import ROI_TYPE, ImagejRoi

    oval = ImagejRoi()
    oval.roitype, oval.name, oval.right, oval.bottom = ROI_TYPE.OVAL, "o", 5, 5
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("0001.roi", oval.tobytes())
    with pytest.raises(InvalidExchangeFileError, match=r"a\.zip, 0001\.roi: it is of type oval; .*Convert to Polygon"):
        READABLE["roi"].read(tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("readme.txt", "no rois")
    with pytest.raises(InvalidExchangeFileError, match=r"no \.roi file is in it"):
        READABLE["roi"].read(tmp_path / "b.zip")


def test_damaged_archives_are_told_by_the_entry(tmp_path: Path) -> None:
    FORMATS["roi"].write(results()[:1], FolderFiles(tmp_path))
    sound = (tmp_path / "ruze_rois.zip").read_bytes()
    path = tmp_path / "x.zip"
    for place in range(0, len(sound), 7):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 0x55]) + sound[place + 1 :])
        with suppress(InvalidExchangeFileError):  # the byte may be one of a date
            READABLE["roi"].read(path)
        path.write_bytes(sound[:place])
        with pytest.raises(InvalidExchangeFileError, match=r"x\.zip"):
            READABLE["roi"].read(path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("0 0.5 0.5 0.2 0.2", "it is a box, no outline"),
        ("0 0.5 0.5", "it has 1 corners"),
        ("x 0 0 1 0 1 1", "'x' is no class"),
        ("0 0 0 1 0 1 1.5", "1.5 is no share"),
        ("0 0 0 1 0 1 one", "could not convert"),
        ("0 0 0 1 1 1 0 0 1", "ring 1 crosses itself"),
        ("0 0 0 nan 1 1 0", "nan is no share"),
    ],
)
def test_a_wrong_line_of_yolo_is_named(line: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text(f"0 0 0 1 0 1 1\n{line}\n")
    with pytest.raises(InvalidExchangeFileError, match=r"a\.txt: its image's size is not known: 0 images"):
        READABLE["yolo"].read(tmp_path)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), np.zeros((30, 40), np.uint8))
    with pytest.raises(InvalidExchangeFileError, match=r"a\.txt, line 2: ") as caught:
        READABLE["yolo"].read(tmp_path)
    assert told in str(caught.value)
