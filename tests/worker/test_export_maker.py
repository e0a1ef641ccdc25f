"""What the export worker makes of each format, from the use case to the finished file, opened by its own programs."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import openpyxl
import polars as pl
import pytest
import roifile
import tifffile
import zarr
from numpy.typing import NDArray
from PIL import Image as Picture
from pycocotools.coco import COCO

from export_worker.maker import ExchangeMaker
from segmentation_worker.network import PROGRAM
from spheroseg.domain import product
from spheroseg.domain.export import Export, ExportFormat, ExportOptions, ExportStatus
from spheroseg.domain.image import original_key
from spheroseg.domain.operations import Add
from spheroseg.domain.segmentation import ModelFile, Parameters, PixelSizeSource, Runtime, SegmentationStatus
from spheroseg.domain.spheroid import Polygon
from spheroseg.domain.statistics_question import Wanted
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from spheroseg.model_registry import ModelRegistry
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.run_export import RunExport
from spheroseg_client.offline import bundles
from tests.builders import a_project, a_result, a_segmentation, a_viewer, an_export, an_image, an_order
from tests.fakes import InMemoryClock, InMemoryImages, InMemoryReviews, InMemoryRevisions, InMemoryUpdatePublisher
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports, InMemoryExportSource, InMemoryExportStore

# pycocotools 2.0.11 is not yet written for NumPy 2's copies; it concerns nobody here.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

NAMES = ("B03 24h.png", "B04 24h.png")
SIZE = (240, 320)
DRAWN = ((10.25, 10.0), (40.0, 10.0), (40.0, 35.5), (10.25, 35.5))
"""What a person adds to the second image, in quarter pixels."""


class World:
    """A project of two images that the shipped model segmented; one of them was corrected."""

    def __init__(self, scratch: Path) -> None:
        self.clock, self.images = InMemoryClock(), InMemoryImages()
        self.revisions = InMemoryRevisions(self.images.segmentations)
        self.exports, self.store = InMemoryExports(self.images), InMemoryExportStore(self.clock)
        self.project = a_project()
        self.images.projects.add(self.project)
        self.scratch = scratch
        self.run_export = RunExport(
            self.exports,
            InMemoryExportSource(self.images, self.revisions),
            self.store,
            ExchangeMaker(self.store, scratch),
            InMemoryExportQueue(),
            self.clock,
            InMemoryReviews(self.images),
            InMemoryUpdatePublisher(),
        )
        self.pictures: dict[str, bytes] = {}
        self.counts: dict[str, int] = {}
        card = ModelRegistry.packaged().default
        runtime = Runtime(PROGRAM, "CPUExecutionProvider")
        ran = ModelFile(card.name, card.version, card.precision, card.sha256, runtime=runtime)
        for place, name in enumerate(NAMES):
            path = scratch / name
            cv2.imwrite(str(path), picture(150 + 20 * place))
            labels = bundles._found_by(card, path, 1, Parameters(threshold=0.4))
            assert labels.any()
            image = an_image(self.project, name=name, order=an_order(parameters=Parameters(threshold=0.4)))
            self.images.add_many([image])
            self.pictures[name] = path.read_bytes()
            self.store.put(original_key(image.id), self.pictures[name], "image/png")
            path.unlink()
            found = brightness_of(labels, picture(150 + 20 * place), spheroids_of(labels))
            result = a_result(
                len(found),
                ran=ran,
                width_px=SIZE[1],
                height_px=SIZE[0],
                pixel_size_um=0.5,
                pixel_size_source=PixelSizeSource.USER,
            )
            run = replace(a_segmentation(image, status=SegmentationStatus.SUCCEEDED), result=result)
            self.images.segmentations.rows[run.id] = run
            self.images.segmentations.found[run.id] = list(found)
            self.counts[name] = len(found)
        edit = EditOutlines(self.revisions, ShapelyEditor(), self.clock)
        edit.save(a_viewer(), run.id, 0, [Add((Polygon(DRAWN),))])
        self.counts[NAMES[1]] += 1

    def made(self, kind: ExportFormat, **options: object) -> tuple[Export, bytes]:
        chosen = ExportOptions(**options)  # type: ignore[arg-type]
        export = an_export(self.project, format=kind, options=chosen)
        self.exports.add(export)
        work = self.run_export.take(export.id)
        assert work is not None
        done = self.run_export.make(work)
        assert done is not None
        assert done.status is ExportStatus.SUCCEEDED, done.failure
        assert (done.done, done.spheroids) == (
            2,
            sum(self.counts.values()) if kind is not ExportFormat.ORIGINALS else 0,
        )
        assert done.key is not None
        assert list(self.scratch.iterdir()) == []
        return done, self.store.objects[done.key]


def picture(x: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    dark = ((columns - x) ** 2 + (rows - 120) ** 2 < 60**2) * 90
    return np.asarray(np.clip(170 - dark + np.random.default_rng(3).normal(0, 4, SIZE), 0, 255), np.uint8)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("scratch"))


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def of_stem(files: dict[str, bytes], suffix: str) -> dict[str, bytes]:
    return {Path(name).name.removesuffix(suffix): content for name, content in files.items() if name.endswith(suffix)}


def counts_of_rows(rows: pl.DataFrame) -> dict[str, int]:
    return dict(rows.group_by("name").len().iter_rows())


def in_csv(content: bytes, _folder: Path) -> dict[str, int]:
    return counts_of_rows(pl.read_csv(io.BytesIO(content)))


def in_parquet(content: bytes, _folder: Path) -> dict[str, int]:
    return counts_of_rows(pl.read_parquet(io.BytesIO(content)))


def in_xlsx(content: bytes, _folder: Path) -> dict[str, int]:
    header, *rows = openpyxl.load_workbook(io.BytesIO(content), read_only=True)["measures"].values
    return counts_of_rows(pl.DataFrame(rows, schema=[str(one) for one in header], orient="row", strict=False))


def in_json(content: bytes, _folder: Path) -> dict[str, int]:
    return {image["name"]: len(image["spheroids"]) for image in json.loads(content)["images"]}


def in_geojson(content: bytes, _folder: Path) -> dict[str, int]:
    return {name: len(json.loads(one)["features"]) for name, one in of_stem(unpacked(content), ".geojson").items()}


def in_rois(content: bytes, folder: Path) -> dict[str, int]:
    found = {}
    for name, archive in of_stem(unpacked(content), ".zip").items():
        path = folder / "RoiSet.zip"
        path.write_bytes(archive)
        rois = roifile.roiread(path)
        found[name.removesuffix("_rois").removesuffix("-rois")] = len(rois) if isinstance(rois, list) else 1
    return found


def in_coco(content: bytes, folder: Path) -> dict[str, int]:
    path = folder / "coco.json"
    path.write_bytes(content)
    coco = COCO(str(path))
    for one in coco.anns.values():
        # It draws quarter pixels by a rule of its own, a rim of up to a pixel; whole ones are the same.
        assert coco.annToMask(one).sum() == pytest.approx(one["area"], rel=0.05)
    return {Path(image["file_name"]).stem: len(coco.getAnnIds(image["id"])) for image in coco.imgs.values()}


def in_yolo(content: bytes, _folder: Path) -> dict[str, int]:
    return {
        name: len(text.decode().splitlines())
        for name, text in of_stem(unpacked(content), ".txt").items()
        if name not in {"train", "val"}
    }


def in_datumaro(content: bytes, _folder: Path) -> dict[str, int]:
    (document,) = of_stem(unpacked(content), ".json").values()
    return {
        Path(item["id"]).stem: len({one["group"] for one in item["annotations"]})
        for item in json.loads(document)["items"]
    }


def in_cvat(content: bytes, _folder: Path) -> dict[str, int]:
    root = ET.fromstring(content)
    return {Path(image.attrib["name"]).stem: len(list(image)) for image in root.iter("image")}


def in_label_images(content: bytes, _folder: Path) -> dict[str, int]:
    images = {name: tifffile.imread(io.BytesIO(one)) for name, one in of_stem(unpacked(content), ".ome.tif").items()}
    return {name: int(np.unique(image).size - 1) for name, image in images.items()}


def in_masks(content: bytes, _folder: Path) -> dict[str, int]:
    found = {}
    for name, one in of_stem(unpacked(content), ".png").items():
        mask = cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_UNCHANGED)
        assert mask is not None
        found[name] = cv2.connectedComponents(mask)[0] - 1
    return found


def in_zarr(content: bytes, folder: Path) -> dict[str, int]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(folder)
    images = {path.name.removesuffix(".ome.zarr"): zarr.open_group(path, mode="r")["0"] for path in folder.iterdir()}
    return {name: int(np.unique(np.asarray(image)).size - 1) for name, image in images.items()}


OPENED: dict[ExportFormat, Callable[[bytes, Path], dict[str, int]]] = {
    ExportFormat.CSV: in_csv,
    ExportFormat.XLSX: in_xlsx,
    ExportFormat.PARQUET: in_parquet,
    ExportFormat.JSON: in_json,
    ExportFormat.GEOJSON: in_geojson,
    ExportFormat.ROI: in_rois,
    ExportFormat.COCO: in_coco,
    ExportFormat.YOLO: in_yolo,
    ExportFormat.DATUMARO: in_datumaro,
    ExportFormat.CVAT: in_cvat,
    ExportFormat.LABELS: in_label_images,
    ExportFormat.MASKS: in_masks,
    ExportFormat.OME_ZARR: in_zarr,
}
OTHERS = {ExportFormat.ORIGINALS, ExportFormat.OVERLAYS, ExportFormat.BUNDLE, ExportFormat.STATISTICS}


def test_every_format_is_tried_here() -> None:
    assert set(OPENED) | OTHERS == set(ExportFormat)


@pytest.mark.parametrize("kind", OPENED)
def test_every_spheroid_is_in_the_file(world: World, kind: ExportFormat, tmp_path: Path) -> None:
    done, content = world.made(kind)
    assert done.file is not None
    assert done.file.size_bytes == len(content)
    found = OPENED[kind](content, tmp_path)
    assert {Path(name).stem: count for name, count in found.items()} == {
        Path(name).stem: count for name, count in world.counts.items()
    }


def test_originals_are_what_was_uploaded(world: World) -> None:
    assert unpacked(world.made(ExportFormat.ORIGINALS)[1]) == world.pictures


def test_images_are_where_they_were_asked_for(world: World, tmp_path: Path) -> None:
    files = unpacked(world.made(ExportFormat.YOLO, with_images=True)[1])
    assert {Path(name).name: one for name, one in files.items() if name.endswith(".png")} == world.pictures
    in_zarr(world.made(ExportFormat.OME_ZARR, with_images=True)[1], tmp_path)
    for place, name in enumerate(NAMES):
        group = zarr.open_group(tmp_path / f"{Path(name).stem}.ome.zarr", mode="r")
        np.testing.assert_array_equal(np.asarray(group["0"]), picture(150 + 20 * place))
        assert np.unique(np.asarray(group["labels/spheroids/0"])).size - 1 == world.counts[name]


def test_overlays_are_the_images_with_outlines_and_the_numbers_of_the_table(world: World) -> None:
    files = unpacked(world.made(ExportFormat.OVERLAYS)[1])
    assert set(files) == set(world.pictures)
    for place, name in enumerate(NAMES):
        with Picture.open(io.BytesIO(files[name])) as overlay:
            assert overlay.size == SIZE[::-1]
            colours = np.asarray(overlay).astype(int)
        coloured = (np.ptp(colours, axis=2) > 60).nonzero()
        # The outline runs round the body, nothing is drawn far from it; what was added is there as well.
        assert abs(coloured[1].max() - (210 + 20 * place)) < 8
        assert (coloured[0].min() < 20) == (place == 1)


def test_statistics_are_of_every_spheroid_with_plots_that_open(world: World) -> None:
    files = unpacked(world.made(ExportFormat.STATISTICS, statistics=Wanted(groups=("name",)))[1])
    said = json.loads(files["statistics.json"])
    counts = {group["levels"]["name"]: group["objects"]["n"] for group in said["groups"]}
    assert counts == {Path(name).stem: count for name, count in world.counts.items()}
    assert said["measure"] == "equivalent_diameter_um"
    plotted = json.loads(files["plots.json"])
    assert [one["kind"] for one in plotted] == ["histogram", "compare"]
    for name in (name for one in plotted for name in one["files"]):
        match Path(name).suffix:
            case ".png":
                with Picture.open(io.BytesIO(files[name])) as drawn:
                    assert min(drawn.size) > 300
            case ".svg":
                assert ET.fromstring(files[name]).tag.endswith("svg")
            case ".csv":
                assert pl.read_csv(io.BytesIO(files[name])).height == (2 if "compare" in name else said["rows"])


def test_a_bundle_is_accepted_by_who_verifies_it(world: World, tmp_path: Path) -> None:
    (tmp_path / "study.zip").write_bytes(world.made(ExportFormat.BUNDLE)[1])
    verdict = bundles.verify(tmp_path / "study.zip", None)
    assert verdict.faults == []
    assert sorted(verdict.measured) == sorted(Path(name).stem for name in NAMES)
    assert list(verdict.overlaps) == [Path(NAMES[0]).stem], "the model is asked for what nobody corrected"
    assert verdict.overlaps[Path(NAMES[0]).stem] > 0.99
    (note,) = verdict.notes
    assert "corrected by people" in note
    manifest = json.loads(unpacked((tmp_path / "study.zip").read_bytes())["manifest.json"])
    assert (manifest["parameters"]["threshold"], manifest["parameters"]["out_of_focus"]) == (0.4, False)
    assert manifest["model"]["sha256"] == ModelRegistry.packaged().default.sha256
    told = {(image["runtime"], image["provider"], image["runtime_not_given"]) for image in manifest["images"]}
    assert told == {(PROGRAM, "CPUExecutionProvider", None)}


def test_a_bundle_tells_the_release_that_is_installed() -> None:
    assert version("spheroseg") == product.VERSION
