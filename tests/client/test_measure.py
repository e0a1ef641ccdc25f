import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import tifffile
from PIL import Image
from shapely.geometry import shape
from typer.testing import CliRunner, Result

from spheroseg.imaging.measures import spheroids_of
from spheroseg_client.command_line import app
from spheroseg_client.outputs import shape_columns
from tests.unit.imaging.shapes import Labels, a_disk, drawn


def measured(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["measure", *map(str, arguments)])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def two_disks() -> Labels:
    labels = np.zeros((90, 160), np.int32)
    labels[5:73, 5:73] = a_disk(30) * 3
    labels[20:78, 90:148] = a_disk(25) * 7
    return labels


@pytest.fixture
def label_file(tmp_path: Path) -> Path:
    tifffile.imwrite(tmp_path / "a_masks.tif", two_disks().astype(np.uint16), photometric="minisblack")
    return tmp_path / "a_masks.tif"


def test_a_label_image_becomes_the_table_that_segment_writes(label_file: Path, tmp_path: Path) -> None:
    result = measured(label_file, "--pixel-size", 0.5, "--out", tmp_path / "new" / "m.csv")
    assert result.exit_code == 0, result.output
    found = rows(tmp_path / "new" / "m.csv")
    assert list(found[0]) == [*shape_columns(), "pieces"]
    assert [(row["file"], row["name"], row["spheroid"]) for row in found] == [
        (str(label_file), "a_masks", "3"),
        (str(label_file), "a_masks", "7"),
    ]
    for row, spheroid in zip(found, spheroids_of(two_disks()), strict=True):
        assert float(row["area_px2"]) == spheroid.measures.area_px2
        assert float(row["area_um2"]) == spheroid.measures.area_px2 / 4
        assert float(row["circularity"]) == spheroid.measures.circularity
        assert (row["pixel_size_um"], row["pixel_size_source"], row["confidence"]) == ("0.5", "user", "")
        assert (row["touches_edge"], row["pieces"]) == ("false", "1")
    assert "circularity" in result.stdout
    assert "diameter (µm)" in result.stdout
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["m.csv"]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "int16", "int32", "float32"])
def test_every_kind_of_numbers_gives_the_same(tmp_path: Path, dtype: str) -> None:
    tifffile.imwrite(tmp_path / "a.tif", two_disks().astype(dtype), photometric="minisblack")
    told = json.loads(measured(tmp_path / "a.tif", "--json").stdout)
    assert [one["number"] for one in told["images"][0]["spheroids"]] == [3, 7]
    assert told["images"][0]["spheroids"][0]["area_px2"] == np.count_nonzero(a_disk(30))


def test_without_a_pixel_size_micrometres_are_empty(label_file: Path, tmp_path: Path) -> None:
    assert measured(label_file, "-o", tmp_path / "m.csv").exit_code == 0
    assert {(row["area_um2"], row["pixel_size_um"], row["pixel_size_source"]) for row in rows(tmp_path / "m.csv")} == {
        ("", "", "")
    }


@pytest.mark.parametrize(
    ("write", "size"),
    [
        ({"imagej": True, "resolution": (2, 2), "metadata": {"unit": "um"}}, 0.5),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.65, "PhysicalSizeY": 0.65}}, 0.65),
    ],
    ids=["imagej", "ome"],
)
def test_the_files_own_pixel_size_is_taken(tmp_path: Path, write: dict[str, Any], size: float) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, two_disks().astype(np.uint16), photometric="minisblack", **write)
    (image,) = json.loads(measured(path, "--json").stdout)["images"]
    assert (image["pixel_size_um"], image["pixel_size_source"], image["name"]) == (pytest.approx(size), "file", "a")


def test_an_image_adds_brightness_in_its_own_values_and_its_pixel_size(label_file: Path, tmp_path: Path) -> None:
    pixels = np.where(two_disks() == 7, 60_000, 1_000).astype(np.uint16)
    (tmp_path / "raw").mkdir()
    tifffile.imwrite(tmp_path / "raw" / "a.tif", pixels, imagej=True, resolution=(4, 4), metadata={"unit": "um"})
    result = measured(label_file, "--image", tmp_path / "raw", "-o", tmp_path / "m.csv")
    assert result.exit_code == 0, result.output
    dark, bright = rows(tmp_path / "m.csv")
    assert (dark["intensity_mean"], bright["intensity_max"], bright["intensity_background"]) == (
        "1000.0",
        "60000.0",
        "1000.0",
    )
    assert float(bright["intensity_integrated_above_background"]) == 59_000 * np.count_nonzero(a_disk(25))
    assert (bright["pixel_size_um"], bright["pixel_size_source"]) == ("0.25", "image")


def test_pixel_sizes_that_contradict_each_other_are_not_chosen_from(tmp_path: Path) -> None:
    for name, per_um in (("labels.tif", 2), ("image.tif", 4)):
        samples = two_disks().astype(np.uint16)
        tifffile.imwrite(tmp_path / name, samples, imagej=True, resolution=(per_um, per_um), metadata={"unit": "um"})
    result = measured(tmp_path / "labels.tif", "--image", tmp_path / "image.tif")
    assert result.exit_code == 1
    assert "0.5 µm" in result.stderr
    assert "0.25 µm" in result.stderr
    assert measured(tmp_path / "labels.tif", "--image", tmp_path / "image.tif", "--pixel-size", 1).exit_code == 0


def oblong(path: Path, per_um: tuple[float, float]) -> Path:
    samples = two_disks().astype(np.uint16)
    tifffile.imwrite(path, samples, imagej=True, resolution=per_um, metadata={"unit": "um"})
    return path


def test_pixels_that_are_not_square_leave_micrometres_empty_and_are_told(label_file: Path, tmp_path: Path) -> None:
    labels = oblong(tmp_path / "oblong.tif", (2, 1.6))
    for arguments in ([labels], [label_file, "--image", labels], [labels, "--image", labels]):
        result = measured(*arguments, "-o", tmp_path / "m.csv")
        assert result.exit_code == 0, result.output
        assert f"Note: {arguments[0]}: " in result.stderr
        assert "0.5 µm wide and 0.625 µm high" in result.stderr
        assert "--pixel-size" in result.stderr
        assert {row["area_um2"] for row in rows(tmp_path / "m.csv")} == {""}
    assert "the image oblong.tif says" in measured(label_file, "--image", labels).stderr
    (note,) = json.loads(measured(labels, "--json").stdout)["images"][0]["notes"]
    assert "0.625" in note
    assert "0.625" not in measured(labels, "--pixel-size", 0.5).stderr


@pytest.mark.parametrize("labels_are_oblong", [True, False])
def test_a_square_pixel_and_one_that_is_not_contradict_each_other(tmp_path: Path, labels_are_oblong: bool) -> None:
    sizes = [(2, 1.6), (2, 2)] if labels_are_oblong else [(2, 2), (2, 1.6)]
    labels, image = oblong(tmp_path / "l.tif", sizes[0]), oblong(tmp_path / "i.tif", sizes[1])
    result = measured(labels, "--image", image)
    assert result.exit_code == 1
    assert "0.5 × 0.625 µm" in result.stderr
    assert measured(labels, "--image", image, "--pixel-size", 0.5).exit_code == 0


@pytest.mark.parametrize(
    ("shape", "pages", "words"), [((90, 159), 1, "159 × 90"), ((90, 160), 3, "3 pages"), ((0, 0), 0, "no such file")]
)
def test_an_image_that_does_not_belong_is_refused(
    label_file: Path, tmp_path: Path, shape: tuple[int, int], pages: int, words: str
) -> None:
    if pages:
        tifffile.imwrite(tmp_path / "i.tif", np.zeros((pages, *shape), np.uint8), photometric="minisblack")
    result = measured(label_file, "--image", tmp_path / "i.tif")
    assert result.exit_code == (1 if pages else 2)
    assert words in result.stderr


def test_the_pages_that_are_meant_are_taken(tmp_path: Path) -> None:
    pages = np.stack([two_disks(), two_disks() * 2]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "l.tif", pages, photometric="minisblack")
    assert "say which one" in measured(tmp_path / "l.tif").stderr
    result = measured(tmp_path / "l.tif", "--page", 2, "--image", tmp_path / "l.tif", "--image-page", 1, "--json")
    first, _ = json.loads(result.stdout)["images"][0]["spheroids"]
    assert (first["number"], first["intensity_mean"]) == (6, 3)


def test_an_object_in_pieces_is_one_object(tmp_path: Path) -> None:
    Image.fromarray(drawn("55..5 55..5 ..... 2222.").astype(np.uint8)).save(tmp_path / "a.png")
    assert measured(tmp_path / "a.png", "-o", tmp_path / "m.csv").exit_code == 0
    assert [(row["spheroid"], row["pieces"], row["area_px2"]) for row in rows(tmp_path / "m.csv")] == [
        ("2", "1", "4.0"),
        ("5", "2", "6.0"),
    ]


def test_a_mask_is_not_taken_for_one_object_unnoticed(tmp_path: Path) -> None:
    Image.fromarray(((two_disks() > 0) * 255).astype(np.uint8)).save(tmp_path / "a.png")
    refused = measured(tmp_path / "a.png")
    assert refused.exit_code == 1
    assert "--binary" in refused.stderr
    assert "255, in 2 pieces" in refused.stderr
    areas = [np.count_nonzero(a_disk(radius)) for radius in (30, 25)]
    for option, expected in (("--binary", areas), ("--together", [sum(areas)])):
        found = json.loads(measured(tmp_path / "a.png", option, "--json").stdout)["images"][0]["spheroids"]
        assert [one["area_px2"] for one in found] == expected
    Image.fromarray((two_disks() > 0).astype(np.uint8)).save(tmp_path / "b.png")
    noted = measured(tmp_path / "b.png")
    assert noted.exit_code == 0
    assert "one number only, 1, in 2 pieces" in noted.stderr


def test_numbers_are_no_mask_and_a_photo_is_no_label_image(label_file: Path, tmp_path: Path) -> None:
    assert "2 different numbers, 3 to 7" in measured(label_file, "--binary").stderr
    noise = np.random.default_rng(1).integers(1, 200, (60, 60)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "photo.png")
    assert "looks like an image" in measured(tmp_path / "photo.png").stderr


def test_what_cannot_be_measured_is_told_and_does_not_stop_the_rest(label_file: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "b.tif", two_disks() * 0.3, photometric="minisblack")
    result = measured(tmp_path, tmp_path / "c.tif", "--json", "-o", tmp_path / "out" / "m.csv")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    failures = {Path(one["file"]).name: one["failure"] for one in told["images"] if one["failure"]}
    assert failures["b.tif"]["code"] == "unsupported-image"
    assert "first at column" in failures["b.tif"]["detail"]
    assert failures["c.tif"]["code"] == "file-not-found"
    assert (told["succeeded"], told["failed"]) == (1, 2)
    assert len(rows(tmp_path / "out" / "m.csv")) == 2


def test_an_image_without_objects_has_no_rows(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / "a.png")
    result = measured(tmp_path / "a.png", "-o", tmp_path / "m.csv")
    assert result.exit_code == 0
    assert "no objects" in result.stderr
    assert rows(tmp_path / "m.csv") == []


def test_outlines_are_written_exactly_or_with_fewer_corners(label_file: Path, tmp_path: Path) -> None:
    assert measured(label_file, "--outlines", tmp_path / "exact").exit_code == 0
    assert measured(label_file, "--outlines", tmp_path / "fewer", "--simplify-px", 1).exit_code == 0
    exact, fewer = (
        [shape(one["geometry"]) for one in json.loads((tmp_path / name / "a_masks.geojson").read_bytes())["features"]]
        for name in ("exact", "fewer")
    )
    assert [one.area for one in exact] == [np.count_nonzero(a_disk(30)), np.count_nonzero(a_disk(25))]
    for before, after in zip(exact, fewer, strict=True):
        assert after.area == pytest.approx(before.area, rel=0.001)
        assert shapely.get_num_coordinates(after) < 0.5 * shapely.get_num_coordinates(before)


def test_invasion_is_measured_of_the_whole_image(tmp_path: Path) -> None:
    labels = np.zeros((300, 300), np.int32)
    labels[80:220, 80:220] = np.pad(a_disk(60), 6)
    labels[20:40, 20:40] = np.pad(a_disk(5), 1)
    labels[250:270, 150:170] = np.pad(a_disk(5), 1) * 2
    Image.fromarray(labels.astype(np.uint8)).save(tmp_path / "a.png")
    result = measured(tmp_path / "a.png", "--together", "--invasion", "--pixel-size", 2, "-o", tmp_path / "m.csv")
    assert result.exit_code == 0, result.output
    (row,) = rows(tmp_path / "m.csv")
    assert (row["fragment_count"], row["pieces"]) == ("2", "3")
    assert float(row["dispersed_area_px2"]) == 2 * np.count_nonzero(a_disk(5))
    assert float(row["dispersed_area_um2"]) == 4 * float(row["dispersed_area_px2"])
    assert float(row["core_equivalent_diameter_um"]) == pytest.approx(240, rel=0.01)
    assert float(row["reach_max_um"]) == 2 * float(row["reach_max_px"])

    apart = measured(tmp_path / "a.png", "--invasion", "--core-opening-px", 20, "--json")
    (image,) = json.loads(apart.stdout)["images"]
    large, small = image["spheroids"]
    assert large["core_area_px2"] == pytest.approx(np.pi * 3600, rel=0.01)
    assert (small["core_area_px2"], small["core_area_um2"]) == (None, None)
    assert any("spheroid 2: Nothing" in note for note in image["notes"])
    assert any("--together" in note for note in image["notes"])


def test_a_second_spheroid_is_not_taken_for_loose_cells_unnoticed(label_file: Path) -> None:
    result = measured(label_file, "--together", "--invasion")
    assert result.exit_code == 0, result.output
    assert "second largest piece of spheroid 1 has 70% of" in result.stderr


@pytest.mark.parametrize(
    "options", [("--binary", "--together"), ("--simplify-px", "1"), ("--core-opening-px", "3")], ids=lambda o: o[0]
)
def test_options_that_make_no_sense_are_refused(label_file: Path, options: tuple[str, ...]) -> None:
    assert measured(label_file, *options).exit_code == 2


def test_images_of_several_files_are_found_by_their_names(tmp_path: Path) -> None:
    for name in ("a_cp_masks", "b"):
        tifffile.imwrite(tmp_path / f"{name}.tif", two_disks().astype(np.uint16), photometric="minisblack")
    (tmp_path / "raw").mkdir()
    for name, value in (("a", 5), ("b", 9)):
        Image.fromarray(np.full((90, 160), value, np.uint8)).save(tmp_path / "raw" / f"{name}.png")
    files = sorted(tmp_path.glob("*.tif"))
    told = json.loads(measured(*files, "--image", tmp_path / "raw", "--json").stdout)
    assert [image["spheroids"][0]["intensity_mean"] for image in told["images"]] == [5, 9]
    (tmp_path / "raw" / "b.png").unlink()
    missing = measured(*files, "--image", tmp_path / "raw")
    assert missing.exit_code == 1
    assert "no image called b" in missing.stderr
    assert measured(*files, "--image", tmp_path / "raw" / "a.png").exit_code == 2


def test_a_label_image_or_its_image_is_never_written_over(label_file: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "raw.tif", np.zeros((90, 160), np.uint8), photometric="minisblack")
    for out in (label_file, tmp_path / "raw.tif"):
        before = out.read_bytes()
        result = measured(label_file, "--image", tmp_path / "raw.tif", "--out", out)
        assert (result.exit_code, "would be lost" in " ".join(result.stderr.split())) == (2, True)
        assert out.read_bytes() == before


def test_an_array_of_numpy_is_measured_when_it_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", two_disks())
    told = json.loads(measured(tmp_path / "a.npy", "--json").stdout)["images"][0]
    assert ([one["number"] for one in told["spheroids"]], told["pixel_size_um"]) == ([3, 7], None)


def test_an_image_that_cannot_be_read_is_named_itself(label_file: Path, tmp_path: Path) -> None:
    (tmp_path / "raw.tif").write_bytes(b"no image")
    failure = json.loads(measured(label_file, "--image", tmp_path / "raw.tif", "--json").stdout)["images"][0]["failure"]
    assert failure["detail"].startswith(f"{tmp_path / 'raw.tif'}: ")


def test_a_file_without_objects_shows_no_columns_of_what_was_not_asked_for(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((50, 60), np.uint8), photometric="minisblack")
    shown = measured(tmp_path / "a.tif", "--out", tmp_path / "m.csv").output
    assert "no objects" in shown
    assert "invasive" not in shown
    assert rows(tmp_path / "m.csv") == []
