"""What is written, opened by what users open it with: numbers of objects, areas and holes are ours."""

import csv
import json
import os
import subprocess
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import ome_types
import openpyxl
import PIL.Image
import polars as pl
import pytest
import roifile
import shapely
import tifffile
import zarr
from ome_zarr_models.v05.image import Image as NgffImage
from ome_zarr_models.v05.image_label import ImageLabel
from pycocotools.coco import COCO

from spheroseg.exchange.files import FolderFiles
from spheroseg.exchange.formats import FORMATS
from spheroseg.exchange.results import Result
from spheroseg.exchange.tables import COLUMNS, definitions
from spheroseg.imaging.definitions import DEFINITIONS
from spheroseg_client import outputs
from tests.unit.exchange.samples import disk_labels, labels, pixels, results

# pycocotools 2.0.11 is not yet written for NumPy 2's copies; it concerns nobody here.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

DATUMARO = os.environ.get("DATUMARO_PYTHON")


def written(format_name: str, folder: Path, *, originals: bool = False) -> list[Result]:
    found = results(originals=originals)
    FORMATS[format_name].write(found, FolderFiles(folder))
    assert not list(folder.rglob(".spheroseg-*"))
    return found


def areas_of(result: Result) -> list[float]:
    return [one.measures.area_px2 for one in result.spheroids]


def holes_of(result: Result) -> list[int]:
    return [one.measures.hole_count for one in result.spheroids]


def test_tables_have_the_columns_of_segment() -> None:
    assert list(COLUMNS) == outputs.columns()
    assert {name for name in COLUMNS if name in DEFINITIONS} == set(DEFINITIONS)
    assert [name for name, _ in definitions()] == list(COLUMNS)
    assert all(found.meaning for _, found in definitions())


def test_csv_and_parquet_give_the_same_numbers(tmp_path: Path) -> None:
    found = written("csv", tmp_path)
    written("parquet", tmp_path)
    with (tmp_path / "measures.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    table = pl.read_parquet(tmp_path / "measures.parquet")
    assert [float(row["area_px2"]) for row in rows] == [area for one in found for area in areas_of(one)]
    assert table["area_px2"].to_list() == [float(row["area_px2"]) for row in rows]
    assert [int(row["hole_count"]) for row in rows] == [count for one in found for count in holes_of(one)]
    assert table["hole_count"].to_list() == [int(row["hole_count"]) for row in rows]
    assert table["file"].to_list() == [row["file"] for row in rows]
    bright = [(one.intensities or {}).get("intensity_mean") for result in found for one in result.spheroids]
    assert table["intensity_mean"].to_list() == bright
    assert [row["intensity_mean"] for row in rows] == ["" if mean is None else repr(mean) for mean in bright]
    assert None in bright
    assert set(bright) != {None}
    assert [row["area_um2"] for row in rows[:5]] == [""] * 5
    assert table["area_um2"].to_list()[:5] == [None] * 5
    for row, spheroid in zip(rows[5:], found[1].spheroids, strict=True):
        for name, value in spheroid.measures.in_um(0.5).items():
            assert float(row[name]) == value
    assert table.schema["spheroid"] == pl.Int64()
    assert table.schema["touches_edge"] == pl.Boolean()


def test_a_parquet_without_rows_has_its_columns(tmp_path: Path) -> None:
    FORMATS["parquet"].write([], FolderFiles(tmp_path))
    assert pl.read_parquet(tmp_path / "measures.parquet").columns == list(COLUMNS)


def test_excel_holds_measures_summary_and_definitions(tmp_path: Path) -> None:
    found = written("xlsx", tmp_path)
    book = openpyxl.load_workbook(tmp_path / "measures.xlsx")
    assert book.sheetnames == ["measures", "summary", "definitions"]
    header, *rows = book["measures"].iter_rows(values_only=True)
    assert list(header) == list(COLUMNS)
    areas = [row[header.index("area_px2")] for row in rows]
    assert areas == [area for one in found for area in areas_of(one)]
    assert [row[header.index("hole_count")] for row in rows] == [count for one in found for count in holes_of(one)]
    assert rows[5][0] == "=disks <1>.png"
    assert book["measures"]["A7"].data_type == "s"
    header, *summary = book["summary"].iter_rows(values_only=True)
    assert [row[header.index("spheroids")] for row in summary] == [5, 3, 0]
    assert summary[1][header.index("area_px2 mean")] == pytest.approx(np.mean(areas_of(found[1])))
    assert summary[1][header.index("area_um2 SD")] == pytest.approx(np.std(areas_of(found[1]), ddof=1) / 4)
    assert summary[2][header.index("area_px2 mean")] is None
    assert [row[0] for row in book["definitions"].iter_rows(min_row=2, values_only=True)] == list(COLUMNS)


def test_full_sheets_are_followed_by_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spheroseg.exchange.writers.measures.EXCEL_ROWS", 4)
    written("xlsx", tmp_path)
    book = openpyxl.load_workbook(tmp_path / "measures.xlsx")
    names = ["measures", "measures 2", "measures 3"]
    assert book.sheetnames == [*names, "summary", "definitions"]
    assert [book[name].max_row for name in names] == [4, 4, 3]
    assert all(book[name]["A1"].value == "file" for name in names)


def test_json_holds_everything(tmp_path: Path) -> None:
    found = written("json", tmp_path)
    document = json.loads((tmp_path / "spheroids.json").read_bytes())
    assert [image["file"] for image in document["images"]] == [one.file for one in found]
    for image, one in zip(document["images"], found, strict=True):
        assert [spheroid["measures"]["area_px2"] for spheroid in image["spheroids"]] == areas_of(one)
        holes = [sum(len(part["holes"]) for part in spheroid["polygons"]) for spheroid in image["spheroids"]]
        assert holes == holes_of(one)
    assert document["images"][1]["run"]["ran_sha256"] == "ab" * 32


def test_geojson_is_read_by_shapely(tmp_path: Path) -> None:
    for one in written("geojson", tmp_path):
        features = json.loads((tmp_path / f"{one.name}.geojson").read_bytes())["features"]
        shapes = [shapely.geometry.shape(feature["geometry"]) for feature in features]
        assert [shape.area for shape in shapes] == areas_of(one)
        assert all(shape.is_valid for shape in shapes)
        holes = [sum(len(part.interiors) for part in shapely.get_parts(shape)) for shape in shapes]
        assert holes == holes_of(one)


def test_coco_is_read_by_pycocotools(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written("coco", tmp_path)
    dataset = COCO(str(tmp_path / "annotations.json"))
    assert [image["file_name"] for image in dataset.loadImgs(dataset.getImgIds())] == [one.file for one in found]
    for image_id, (one, numbers) in enumerate(zip(found, [labels(), disk_labels(), None], strict=True), start=1):
        annotations = dataset.loadAnns(dataset.getAnnIds(imgIds=[image_id]))
        assert [annotation["area"] for annotation in annotations] == areas_of(one)
        assert {annotation["iscrowd"] for annotation in annotations} <= {0}
        for annotation, spheroid in zip(annotations, one.spheroids, strict=True):
            assert numbers is not None
            mask = dataset.annToMask(annotation)
            np.testing.assert_array_equal(mask, numbers == spheroid.number)
            measures = spheroid.measures
            assert annotation["bbox"] == [
                measures.bbox_x_px,
                measures.bbox_y_px,
                measures.bbox_width_px,
                measures.bbox_height_px,
            ]
    assert "index created" in capsys.readouterr().out


def test_yolo_is_parsed_by_its_own_rules(tmp_path: Path) -> None:
    """One line an object: class, then x y as shares; filled by even-odd as OpenCV does it."""
    found = written("yolo", tmp_path, originals=True)
    assert "names:\n  0: spheroid" in (tmp_path / "data.yaml").read_text()
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "images/disks.png"), cv2.IMREAD_UNCHANGED), pixels())
    for one in found:
        lines = (tmp_path / "labels" / f"{one.name}.txt").read_text().splitlines()
        size = np.array([one.width_px, one.height_px])
        areas, holes = [], []
        for line in lines:
            kind, *shares = line.split()
            assert kind == "0"
            assert all(0 <= float(share) <= 1 for share in shares)
            x, y = (np.array(shares, float).reshape(-1, 2) * size).T
            areas.append(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
            corners = np.round(np.stack([x, y], axis=1), 3)
            drawn = shapely.make_valid(shapely.Polygon(corners))  # by even-odd; bridges become lines
            bodies = [part for part in shapely.get_parts(shapely.get_parts(drawn)) if part.geom_type == "Polygon"]
            assert sum(body.area for body in bodies) == pytest.approx(areas[-1])
            holes.append(sum(len(body.interiors) for body in bodies))
        assert areas == pytest.approx(areas_of(one))
        assert holes == holes_of(one)


def test_rois_are_read_by_roifile(tmp_path: Path) -> None:
    for one in written("roi", tmp_path):
        path = tmp_path / f"{one.name}_rois.zip"
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            rois = [roifile.ImagejRoi.frombytes(archive.read(name)) for name in names]
        assert names == [f"{spheroid.number:05d}.roi" for spheroid in one.spheroids]
        assert [roi.name for roi in rois] == [name.removesuffix(".roi") for name in names]
        for roi, spheroid in zip(rois, one.spheroids, strict=True):
            rings = [roi.coordinates()] if roi.multi_coordinates is None else roi.path2coords(roi.multi_coordinates)
            assert len(rings) == sum(1 + len(polygon.holes) for polygon in spheroid.polygons)
            areas = sorted((shapely.Polygon(ring) for ring in rings), key=lambda area: -area.area)
            whole = areas[0]
            for area in areas[1:]:
                whole = whole.symmetric_difference(area)  # even-odd, as ImageJ fills a composite
            assert whole.area == spheroid.measures.area_px2


def test_label_images_are_read_by_tifffile_and_ome_types(tmp_path: Path) -> None:
    written("labels", tmp_path)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "ruze.ome.tif"), labels())
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "disks.ome.tif"), disk_labels())
    with tifffile.TiffFile(tmp_path / "disks.ome.tif") as file:
        assert file.is_ome
        assert file.pages[0].dtype == np.uint16
    about = ome_types.from_tiff(tmp_path / "disks.ome.tif").images[0].pixels
    assert (about.physical_size_x, about.physical_size_y, about.size_x, about.size_y) == (0.5, 0.5, 140, 90)
    assert about.physical_size_x_unit.value == "µm"
    assert ome_types.from_tiff(tmp_path / "ruze.ome.tif").images[0].pixels.physical_size_x is None


def test_masks_are_inside_and_outside(tmp_path: Path) -> None:
    written("masks", tmp_path)
    mask = cv2.imread(str(tmp_path / "disks.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, np.where(disk_labels() > 0, 255, 0))
    empty = cv2.imread(str(tmp_path / "empty.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(empty, np.zeros((7, 5)))


def test_ome_zarr_is_valid_and_holds_image_and_labels(tmp_path: Path) -> None:
    written("ome-zarr", tmp_path, originals=True)
    root = tmp_path / "disks.ome.zarr"
    image = NgffImage.from_zarr(zarr.open_group(root, mode="r"))
    assert image.attributes.ome.multiscales[0].axes[0].unit == "micrometer"
    np.testing.assert_array_equal(zarr.open_array(root / "0", mode="r")[...], pixels())
    listed = json.loads((root / "labels/zarr.json").read_bytes())["attributes"]["ome"]["labels"]
    assert listed == ["spheroids"]
    ImageLabel.from_zarr(zarr.open_group(root / "labels/spheroids", mode="r"))
    np.testing.assert_array_equal(zarr.open_array(root / "labels/spheroids/0", mode="r")[...], disk_labels())
    alone = tmp_path / "ruze.ome.zarr"
    ImageLabel.from_zarr(zarr.open_group(alone, mode="r"))
    np.testing.assert_array_equal(zarr.open_array(alone / "0", mode="r")[...], labels())


def test_cvat_holds_polygons_and_masks(tmp_path: Path) -> None:
    found = written("cvat", tmp_path)
    tree = ET.parse(tmp_path / "annotations.xml").getroot()
    images = tree.findall("image")
    assert [image.get("name") for image in images] == [one.file for one in found]
    assert tree.findtext("meta/task/labels/label/name") == "spheroid"
    for image, numbers in zip(images, [labels(), disk_labels(), np.zeros((7, 5), np.int32)], strict=True):
        seen = np.zeros_like(numbers)
        for one in image:
            number = int(one.findtext("attribute[@name='number']") or 0)
            if one.tag == "mask":
                left, top, width, height = (int(one.get(name) or 0) for name in ("left", "top", "width", "height"))
                runs = [int(run) for run in (one.get("rle") or "").split(", ")]
                mask = np.repeat(np.arange(len(runs)) % 2, runs).reshape(height, width)
                seen[top : top + height, left : left + width][mask == 1] = number
            else:
                corners = [tuple(map(float, point.split(","))) for point in (one.get("points") or "").split(";")]
                assert shapely.Polygon(corners).area == (numbers == number).sum()
                seen[numbers == number] = number
        np.testing.assert_array_equal(seen, numbers)


def test_datumaro_holds_polygons_and_masks(tmp_path: Path) -> None:
    found = written("datumaro", tmp_path)
    document = json.loads((tmp_path / "annotations/default.json").read_bytes())
    assert [item["id"] for item in document["items"]] == [one.name for one in found]
    kinds = [[one["type"] for one in item["annotations"]] for item in document["items"]]
    assert kinds == [["mask", "polygon", "mask", "mask", "mask"], ["mask", "polygon", "polygon"], []]


PROGRAM = """
import sys, json
from datumaro import Dataset
found = Dataset.import_from(sys.argv[1], "datumaro")
print(json.dumps({item.id: [float(one.get_area()) for one in item.annotations] for item in found}))
found = Dataset.import_from(sys.argv[2], "cvat")
print(json.dumps({item.id: [float(one.get_area()) for one in item.annotations] for item in found}))
"""


@pytest.mark.skipif(
    DATUMARO is None,
    reason="Datumaro asks for older versions of OpenCV and Pillow than the product: install it elsewhere and set "
    "DATUMARO_PYTHON to that interpreter",
)
def test_datumaro_itself_reads_the_same_areas(tmp_path: Path) -> None:
    assert DATUMARO is not None
    found = written("datumaro", tmp_path / "datumaro")
    for one in written("cvat", tmp_path / "cvat"):  # Datumaro reads CVAT's files beside the images only
        image = tmp_path / "cvat/images" / one.file
        image.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("L", (one.width_px, one.height_px)).save(image)
    done = subprocess.run(
        [DATUMARO, "-c", PROGRAM, tmp_path / "datumaro", tmp_path / "cvat"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    areas, of_cvat = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert areas == {one.name: pytest.approx(areas_of(one)) for one in found}
    assert list(of_cvat.values()) == [pytest.approx(areas_of(one)) for one in found]


def test_originals_come_back_byte_by_byte(tmp_path: Path) -> None:
    found = [one for one in results(originals=True) if one.original]
    FORMATS["originals"].write(found, FolderFiles(tmp_path))
    assert found[0].original is not None
    with found[0].original.open() as stream:
        assert (tmp_path / "disks.png").read_bytes() == stream.read()
    with pytest.raises(ValueError, match=r"empty\.png is not at hand"):
        FORMATS["originals"].write(results()[2:], FolderFiles(tmp_path))
