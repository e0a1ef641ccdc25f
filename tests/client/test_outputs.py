import csv
import errno
import os
from collections import namedtuple
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from spheroseg_client.errors import LocalFileError, UnexpectedAnswerError
from spheroseg_client.models import ModelFile, Parameters, Result, Review, Segmentation
from spheroseg_client.outlines import Outline
from spheroseg_client.outputs import MEASURES, ResultFolder, columns, in_um
from tests.builders import a_spheroid


def a_run(pixel_size_um: float | None = None) -> Segmentation:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    result = Result(
        width_px=100,
        height_px=80,
        pixel_type="uint8",
        pixel_size_um=pixel_size_um,
        pixel_size_source="file" if pixel_size_um else None,
        spheroid_count=1,
        found_count=1,
        stages_s={},
        ran=ModelFile(
            model="spheroid-unet",
            model_version="1",
            precision="int8",
            sha256="0" * 64,
            runtime="onnxruntime 1.29.0",
            provider="CPU",
        ),
        review=Review(
            needed=True,
            reasons=["blur", "edge-contact"],
            confidence=0.875,
            blur=0.7,
            dropped_count=0,
            touching_count=0,
            edge_area_share=1.0,
        ),
    )
    return Segmentation(
        id=uuid4(),
        image_id=uuid4(),
        project_id=uuid4(),
        model="spheroid-unet",
        model_version="1",
        parameters=Parameters(),
        priority="normal",
        status="succeeded",
        attempt=1,
        queued_at=moment,
        started_at=moment,
        finished_at=moment,
        failure=None,
        result=result,
    )


def an_outline(number: int, pixel_size_um: float | None = None, **changes: float) -> Outline:
    measures = a_spheroid().measures
    values = {**vars(measures), **(measures.in_um(pixel_size_um) if pixel_size_um else {}), **changes}
    reasons = ["low-confidence", "edge-contact"] if number == 1 else []
    return Outline(number, [], values, 0.1 + 0.2, number == 1, rim_confidence=0.75, review_reasons=reasons)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.name.startswith(".")]


def test_every_number_is_read_back_as_it_was(tmp_path: Path) -> None:
    odd = 0.1 + 0.2
    with ResultFolder.prepare(tmp_path, 1) as results:
        results.add_measures(
            0, 'ž, "a".png', "ž", a_run(0.65), [an_outline(1, 0.65, area_px2=odd, area_um2=1 / 3, intensity_mean=odd)]
        )
        path = results.write_measures()
    (row,) = rows(path)
    assert row["file"] == 'ž, "a".png'
    assert (float(row["area_px2"]), float(row["area_um2"])) == (odd, 1 / 3)
    assert float(row["confidence"]) == odd
    assert row["touches_edge"] == "true"
    assert (row["rim_confidence"], row["review_reasons"]) == ("0.75", "low-confidence edge-contact")
    assert (row["image_confidence"], row["image_needs_review"]) == ("0.875", "true")
    assert row["image_review_reasons"] == "blur edge-contact"
    assert (row["intensity_mean"], row["intensity_local_background"]) == (repr(odd), "")
    assert (row["intensity_not_given"], row["brightness_due_since"]) == ("no-local-background", "")
    expected = a_spheroid().measures
    for name in set(MEASURES) - {"area_px2"}:
        assert float(row[name]) == getattr(expected, name)
    for name, value in expected.in_um(0.65).items():
        assert name == "area_um2" or float(row[name]) == value
    assert (row["pixel_size_um"], row["pixel_size_source"]) == ("0.65", "file")
    assert (row["ran_model"], row["ran_precision"], row["ran_sha256"]) == ("spheroid-unet@1", "int8", "0" * 64)
    assert (row["ran_runtime"], row["ran_provider"]) == ("onnxruntime 1.29.0", "CPU")


def test_cells_in_micrometres_are_empty_when_the_pixel_size_is_unknown(tmp_path: Path) -> None:
    with ResultFolder.prepare(tmp_path, 1) as results:
        results.add_measures(0, "a.png", "a", a_run(), [an_outline(1)])
        (row,) = rows(results.write_measures())
    in_micrometres = [name for name in columns() if name.rpartition("_")[2] in {"um", "um2", "um3"}]
    assert len(in_micrometres) > 15
    assert all(row[name] == "" for name in in_micrometres)
    assert row["pixel_size_source"] == ""
    assert all(row[name] for name in MEASURES)


def test_every_measure_with_a_unit_has_a_column_in_micrometres() -> None:
    assert [in_um(name) for name in ("area_px2", "feret_max_px", "sphere_volume_px3", "solidity", "hole_count")] == [
        "area_um2",
        "feret_max_um",
        "sphere_volume_um3",
        None,
        None,
    ]
    assert set(a_spheroid().measures.in_um(1.0)) == {um for name in MEASURES if (um := in_um(name))}
    assert set(MEASURES) == set(vars(a_spheroid().measures))
    assert len(set(columns())) == len(columns())


def test_rows_stand_in_the_order_of_the_images_whichever_came_first(tmp_path: Path) -> None:
    with ResultFolder.prepare(tmp_path, 3) as results:
        results.add_measures(2, "c", "c", a_run(), [an_outline(1)])
        results.add_measures(0, "a", "a", a_run(), [an_outline(1), an_outline(2)])
        results.add_measures(1, "b", "b", a_run(), [])
        found = rows(results.write_measures())
    assert [(row["file"], row["spheroid"]) for row in found] == [("a", "1"), ("a", "2"), ("c", "1")]


def test_a_measure_that_the_service_left_out_is_told(tmp_path: Path) -> None:
    incomplete = Outline(1, [], {"area_px2": 1.0})
    with ResultFolder.prepare(tmp_path, 1) as results, pytest.raises(UnexpectedAnswerError, match="perimeter_px"):
        results.add_measures(0, "a", "a", a_run(), [incomplete])


def test_only_own_files_are_replaced_and_nothing_half_is_left(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "mine.png").write_text("mine")
    (tmp_path / "overlays" / "a.png").write_text("older")
    (tmp_path / "measures.csv").write_text("older")
    with ResultFolder.prepare(tmp_path, 1) as results:
        parts = {name: results.part(name) for name in ("outlines", "labels", "overlay")}
        for name, part in parts.items():
            part.write_text(name)
        results.part("unfinished").write_text("half")
        results.publish("a", **parts)
        assert (tmp_path / "measures.csv").read_text() == "older"
        results.write_measures()
    assert (tmp_path / "overlays" / "mine.png").read_text() == "mine"
    assert (tmp_path / "overlays" / "a.png").read_text() == "overlay"
    assert (tmp_path / "outlines" / "a.geojson").read_text() == "outlines"
    assert (tmp_path / "labels" / "a.tif").read_text() == "labels"
    assert leftovers(tmp_path) == []


def test_what_a_killed_run_left_goes_after_a_day(tmp_path: Path) -> None:
    names = (".spheroseg-old", ".spheroseg-0123abcd.of-another-computer", ".spheroseg-new")
    old, elsewhere, new = folders = [tmp_path / name for name in names]
    for folder in folders:
        folder.mkdir()
        (folder / "half.png").write_text("half")
    (file := tmp_path / ".spheroseg-file").write_text("of somebody")
    two_days_ago = datetime.now(UTC).timestamp() - 2 * 24 * 3600
    for path in (old, elsewhere, file):
        os.utime(path, (two_days_ago, two_days_ago))
    ResultFolder.prepare(tmp_path, 1).close()
    assert not old.exists()
    assert not elsewhere.exists()
    assert new.exists()
    assert file.exists()


@pytest.mark.parametrize("inside", ["", "outlines", "measures.csv"])
def test_a_folder_that_cannot_take_results_is_told_beforehand(tmp_path: Path, inside: str) -> None:
    out = tmp_path / "out"
    obstacle = out / inside
    obstacle.parent.mkdir(exist_ok=True)
    if inside == "measures.csv":
        obstacle.mkdir()
    else:
        obstacle.write_text("a file where a folder is needed")
    with pytest.raises(LocalFileError) as caught:
        ResultFolder.prepare(out, 1)
    assert caught.value.code == "unwritable-folder"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody may write to")
def test_a_folder_that_nobody_may_write_to_is_told() -> None:
    with pytest.raises(LocalFileError):
        ResultFolder.prepare(Path("/proc/self/results"), 1)


def test_a_full_disk_is_told_beforehand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(10**9, 10**9 - 10**6, 10**6))
    with pytest.raises(LocalFileError) as caught:
        ResultFolder.prepare(tmp_path, 10)
    assert caught.value.code == "disk-full"
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_disk_that_fills_up_meanwhile_is_told(tmp_path: Path) -> None:
    with ResultFolder.prepare(tmp_path, 1) as results:
        results.part("measures.csv").symlink_to("/dev/full")
        results.add_measures(0, "a", "a", a_run(), [an_outline(1)])
        with pytest.raises(LocalFileError, match=os.strerror(errno.ENOSPC)):
            results.write_measures()
    assert not (tmp_path / "measures.csv").exists()
