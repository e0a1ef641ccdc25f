import csv
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from spheroseg.domain.pages import Pages
from spheroseg.domain.segmentation import Failure, Parameters, SegmentationStatus
from spheroseg_client.command_line import app
from tests.client.service import EMAIL, PASSWORD, SIZE_PX, SQUARES, Service

Run = Callable[..., Result]


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("SPHEROSEG_EMAIL", EMAIL)
    monkeypatch.setenv("SPHEROSEG_PASSWORD", PASSWORD)
    monkeypatch.setenv("SPHEROSEG_API", service.url)
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments])


def files(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(f"pixels of {name}".encode())
    return [folder / name for name in names]


def document(result: Result) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(result.stdout)
    return loaded


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "measures.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def produced(out: Path) -> set[str]:
    return {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}


def test_images_go_in_and_outlines_measures_and_pictures_come_out(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "a.png", "ž č.png")
    out = tmp_path / "out"
    result = run("segment", *given, "--out", out, "--pixel-size", 0.5)
    assert result.exit_code == 0, result.output
    assert produced(out) == {
        "measures.csv",
        *(
            f"{folder}/{name}{suffix}"
            for name in ("a", "ž č")
            for folder, suffix in (
                ("outlines", ".geojson"),
                ("labels", ".tif"),
                ("overlays", ".png"),
            )
        ),
    }
    found = rows(out)
    assert [(row["name"], row["spheroid"]) for row in found] == [("a", "1"), ("a", "2"), ("ž č", "1"), ("ž č", "2")]
    assert float(found[1]["area_px2"]) == 400
    assert float(found[1]["area_um2"]) == 100
    with Image.open(out / "labels" / "a.tif") as labels:
        assert labels.size == SIZE_PX
        assert np.unique(np.asarray(labels)).tolist() == [0, 1, 2]
    with Image.open(out / "overlays" / "a.png") as overlay:
        assert overlay.size == SIZE_PX
        pixels = np.asarray(overlay.convert("RGB")).astype(int)
    left, top, side = SQUARES[0]
    edge = np.abs(pixels[top - 1 : top + 2, left + 5 : left + side - 5] - 128).max(axis=2).max(axis=0)
    assert (edge > 60).all(), "the outline is drawn all along the upper edge"
    outlines = json.loads((out / "outlines" / "a.geojson").read_text())
    assert [len(feature["geometry"]["coordinates"]) for feature in outlines["features"]] == [2, 1]
    for word in ("a.png", "spheroids", "area, median (µm²)", "circularity", "work (s)", "0.81", "look: low-confidence"):
        assert word in result.stdout
    assert "2 of 2 done" in result.stderr


def test_a_document_for_programs_stands_alone_on_stdout(run: Run, tmp_path: Path) -> None:
    (given,) = files(tmp_path, "a.png")
    result = run("segment", given, "--out", tmp_path / "out", "--json", "--project", "Mine")
    found = document(result)
    assert (found["succeeded"], found["failed"], found["interrupted"]) == (1, 0, False)
    assert found["project"]["name"] == "Mine"
    (image,) = found["images"]
    assert (image["status"], image["spheroid_count"], image["width_px"]) == ("succeeded", 2, SIZE_PX[0])
    assert image["area_median_px2"] == pytest.approx((850 + 400) / 2)
    assert image["area_median_um2"] is None
    assert image["review"]["reasons"] == ["low-confidence", "edge-contact"]
    assert image["work_s"] == pytest.approx(0.125)
    assert image["ran"] == {
        "model": "spheroid-unet",
        "model_version": "1",
        "precision": "int8",
        "sha256": "0" * 64,
        "reason": None,
        "runtime": "onnxruntime 1.29.0",
        "provider": "CPUExecutionProvider",
    }
    for kind in ("outlines", "labels", "overlay"):
        assert Path(image[kind]).is_file()


def test_what_was_asked_for_reaches_the_service(run: Run, service: Service, tmp_path: Path) -> None:
    (given,) = files(tmp_path, "a.png")
    service.pages = lambda _: Pages(3)
    options = ["--threshold", 0.4, "--min-diameter-px", 12, "--no-holes", "--page", 3, "--priority", "low"]
    options += ["--out-of-focus"]
    assert run("segment", given, "--out", tmp_path / "o", "--model", "other@3", *options).exit_code == 0
    (segmentation,) = service.world.segmentations.rows.values()
    order = segmentation.order
    assert (order.model, order.model_version, order.priority) == ("other", "3", "low")
    wanted = Parameters(threshold=0.4, min_diameter_px=12, holes=False, page=3, out_of_focus=True)
    assert order.parameters == wanted


def test_the_model_may_be_left_to_each_image(run: Run, service: Service, tmp_path: Path) -> None:
    (given,) = files(tmp_path, "a.png")
    assert run("segment", given, "--out", tmp_path / "o", "--model", "auto").exit_code == 0
    (segmentation,) = service.world.segmentations.rows.values()
    assert (segmentation.order.model, segmentation.order.model_version) == ("auto", "1-spheroid-unet1-other3")


def test_each_page_of_a_stack_is_a_result_of_its_own(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "stack.tif", "single.tif", "stack_p03.tif")
    service.pages = lambda name: Pages(12, "TZ", (3, 4)) if name == "stack.tif" else Pages(1)
    result = run("segment", *given, "--out", tmp_path / "out", "--pages", "all", "--json")
    assert result.exit_code == 0, result.stderr
    images = document(result)["images"]
    assert [(Path(image["file"]).name, image["page"], image["name"]) for image in images] == [
        *(("stack.tif", page, f"stack_p{page:02d}" + "_" * (page == 3)) for page in range(1, 13)),
        ("single.tif", 1, "single"),
        ("stack_p03.tif", 1, "stack_p03"),
    ]
    assert images[0]["pages"] == {"count": 12, "axes": "TZ", "sizes": [3, 4]}
    assert all(Path(image[kind]).is_file() for image in images for kind in ("outlines", "labels", "overlay"))
    found = rows(tmp_path / "out")
    assert [(row["name"], row["page"], row["spheroid"]) for row in found[:4]] == [
        ("stack_p01", "1", "1"),
        ("stack_p01", "1", "2"),
        ("stack_p02", "2", "1"),
        ("stack_p02", "2", "2"),
    ]
    assert len(found) == 2 * 14
    assert service.asked("POST /v1/projects/.*/images") == 1
    assert len(service.world.images.rows) == 3


def test_some_pages_of_one_channel_are_chosen(run: Run, service: Service, tmp_path: Path) -> None:
    (given,) = files(tmp_path, "a.tif")
    service.pages = lambda _: Pages(6, "TC", (3, 2))
    words = ("--pages", "3-6", "--channel", 2, "--threshold", 0.4, "--json")
    result = run("segment", given, "--out", tmp_path / "out", *words)
    assert result.exit_code == 0, result.stderr
    assert [image["page"] for image in document(result)["images"]] == [4, 6]
    assert "2 of 2 done" in result.stderr
    runs = service.world.segmentations.rows.values()
    assert sorted(one.order.parameters.page for one in runs) == [3, 4, 6]  # the first one told how many there are
    assert {one.order.parameters.threshold for one in runs} == {0.4}


def test_a_page_that_fails_stops_no_other_and_one_beyond_the_last_is_told_with_the_count(
    run: Run, service: Service, tmp_path: Path
) -> None:
    given = files(tmp_path, "a.tif", "b.tif", "c.tif")
    counts = {"a.tif": 3, "b.tif": 2, "c.tif": 1}
    service.pages = lambda name: Pages(counts[name])
    result = run("segment", *given, "--out", tmp_path / "out", "--pages", "2-3", "--json")
    assert result.exit_code == 1
    found = [(image["name"], image["status"], image["failure"]) for image in document(result)["images"]]
    assert found[:2] == [("a_p2", "succeeded", None), ("a_p3", "succeeded", None)]
    assert [(name, failure["code"], failure["detail"]) for name, _, failure in found[2:]] == [
        ("b", "page-not-found", "The file has 2 pages, page 3 was asked for"),
        ("c", "page-not-found", "The file has 1 page, page 2 was asked for"),
    ]


@pytest.mark.parametrize("words", [("--pages", "first"), ("--channel", "2"), ("--pages", "2", "--page", "3")])
def test_pages_that_make_no_sense_are_wrong_use(run: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run("segment", *files(tmp_path, "a.tif"), "--out", tmp_path / "out", *words).exit_code == 2


def test_the_same_project_name_is_the_same_project(run: Run, service: Service, tmp_path: Path) -> None:
    (given,) = files(tmp_path, "a.png")
    for _ in range(2):
        assert run("segment", given, "--out", tmp_path / "o", "--project", "Mine").exit_code == 0
    assert [project.name for project in service.world.projects.rows.values()] == ["Mine"]


def test_one_bad_file_stops_no_other_and_makes_the_exit_code_1(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "a.png", "bad.png", "c.png")
    service.fails = lambda name: Failure("undecodable-image", "No image at all") if name == "bad.png" else None
    (tmp_path / "empty.png").write_bytes(b"")
    result = run(
        "segment", *given, tmp_path / "empty.png", tmp_path / "missing.png", "--out", tmp_path / "out", "--json"
    )
    assert result.exit_code == 1
    found = document(result)
    assert [image["status"] for image in found["images"]] == ["succeeded", "failed", "succeeded", "failed", "failed"]
    codes = [image["failure"]["code"] for image in found["images"] if image["failure"]]
    assert codes == ["undecodable-image", "empty-file", "file-not-found"]
    assert {row["name"] for row in rows(tmp_path / "out")} == {"a", "c"}
    assert not (tmp_path / "out" / "overlays" / "bad.png").exists()


def test_each_failure_is_told_with_its_reason(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "a[bold].png")
    service.fails = lambda _: Failure("invalid-pixels", "All pixels are [0]")
    result = run("segment", *given, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "a[bold].png: All pixels are [0] [invalid-pixels]" in result.stderr.replace("\n", "")
    assert "failed" in result.stdout


def test_a_run_without_any_success_leaves_earlier_measures_alone(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "a.png")
    out = tmp_path / "out"
    assert run("segment", *given, "--out", out).exit_code == 0
    given[0].write_bytes(b"other pixels, whose result is not there already")
    service.fails = lambda _: Failure("invalid-pixels", "All equal")
    assert run("segment", *given, "--out", out).exit_code == 1
    assert len(rows(out)) == 2


def test_an_upload_that_the_store_refuses_fails_alone_and_leaves_no_image(
    run: Run, service: Service, tmp_path: Path
) -> None:
    given = files(tmp_path, "a.png", "b.png")
    service.fault("POST /store/", 403, body=b"<Error><Code>AccessDenied</Code><Message>Expired</Message></Error>")
    result = run("segment", *given, "--out", tmp_path / "out", "--json")
    assert result.exit_code == 1
    failures = [image["failure"]["code"] for image in document(result)["images"] if image["failure"]]
    assert failures == ["upload-refused"]
    assert len(service.world.images.rows) == 1


def test_links_and_names_of_many_files_do_not_mix(run: Run, service: Service, tmp_path: Path) -> None:
    names = [f"{folder}/{stem}.{suffix}" for folder in "xy" for stem in "ab" for suffix in ("png", "tif")]
    files(tmp_path / "in", *names, *(f"z/{number}.png" for number in range(40)))
    result = run("segment", tmp_path / "in", "--out", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    images = document(result)["images"]
    assert len({image["name"] for image in images}) == len(images) == 48
    for image in images:
        stored = next(row for row in service.world.images.rows.values() if str(row.id) == image["image_id"])
        assert stored.name == Path(image["file"]).name
        assert service.store.objects[f"originals/{stored.id}"] == Path(image["file"]).read_bytes()


def test_no_usable_file_asks_nobody(run: Run, service: Service, tmp_path: Path) -> None:
    result = run("segment", tmp_path / "missing.png", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "no such file" in result.stderr
    assert service.requests == []
    assert not (tmp_path / "out").exists()


def test_results_that_cannot_be_written_are_told_before_anything_is_uploaded(
    run: Run, service: Service, tmp_path: Path
) -> None:
    given = files(tmp_path, "a.png", "out")
    result = run("segment", given[0], "--out", given[1], "--json")
    assert result.exit_code == 2
    assert document(result)["error"]["code"] == "unwritable-folder"
    assert service.requests == []


def test_a_model_that_does_not_exist_is_told_before_anything_is_uploaded(
    run: Run, service: Service, tmp_path: Path
) -> None:
    given = files(tmp_path, "a.png")
    result = run("segment", *given, "--out", tmp_path / "out", "--model", "nonesuch")
    assert result.exit_code == 3
    assert "spheroid-unet@1" in result.stderr
    result = run("segment", *given, "--out", tmp_path / "out", "--model", "spheroid-unet@7")
    assert "no model spheroid-unet@7" in " ".join(result.stderr.split())
    assert service.world.images.rows == {}


def test_a_file_in_whose_place_a_result_would_be_put_is_refused(run: Run, service: Service, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    given = files(tmp_path / "labels", "a.tif")
    before = Path(given[0]).read_bytes()
    result = run("segment", *given, "--out", tmp_path)
    assert (result.exit_code, "would be lost" in " ".join(result.stderr.split())) == (2, True)
    assert Path(given[0]).read_bytes() == before
    assert service.world.images.rows == {}


@pytest.mark.parametrize(
    "options", [["--threshold", "nan"], ["--pixel-size", "0"], ["--page", "0"], ["--threshold", "1"]]
)
def test_values_out_of_range_are_wrong_use(run: Run, service: Service, tmp_path: Path, options: list[str]) -> None:
    assert run("segment", *files(tmp_path, "a.png"), "--out", tmp_path / "out", *options).exit_code == 2
    assert service.requests == []


def test_wrong_credentials_are_told(run: Run, service: Service, tmp_path: Path) -> None:
    given = files(tmp_path, "a.png")
    result = run("segment", *given, "--out", tmp_path / "out", "--password", "wrong", "--json")
    assert result.exit_code == 3
    assert document(result)["error"]["code"] == "wrong-credentials"


def test_missing_credentials_are_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPHEROSEG_PASSWORD")
    result = run("models")
    assert result.exit_code == 3
    assert "--token" in result.stderr


def test_a_service_that_is_not_there_is_told_soon(run: Run) -> None:
    begun = time.monotonic()
    result = run("queue", "--api", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "does not answer" in result.stderr
    assert time.monotonic() - begun < 15


def test_models_queue_and_version_are_told(run: Run) -> None:
    models = run("models", "--json")
    assert [model["name"] for model in json.loads(models.stdout)] == ["spheroid-unet", "other", "auto"]
    assert "spheroid-unet" in run("models").stdout
    assert document(run("queue", "--json"))["queued"] == 0
    assert "waiting" in run("queue").stdout
    assert run("version").stdout.strip()[0].isdigit()


@pytest.mark.parametrize("command", ["segment", "demo", "up", "status", "down", "reset", "models", "queue", "version"])
def test_each_command_shows_an_example(run: Run, command: str) -> None:
    assert f"spheroseg {command}" in run(command, "--help").stdout


def test_without_the_local_cloud_the_command_says_what_to_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infra_cdk.local.cloud", None)
    monkeypatch.delenv("SPHEROSEG_API")
    for command in (["up"], ["status"], ["down"], ["models"]):
        result = run(*command)
        assert result.exit_code == 3
        assert "--api" in result.stderr


def test_without_a_running_cloud_the_command_says_how_to_start_one(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPHEROSEG_API")
    result = run("models", "--data-dir", tmp_path / "data")
    assert result.exit_code == 3
    assert "spheroseg up" in result.stderr
    status = run("status", "--data-dir", tmp_path / "data", "--json")
    assert status.exit_code == 3
    assert document(status)["running"] is False
    assert run("down", "--data-dir", tmp_path / "data").exit_code == 0


def test_reset_asks_first(tmp_path: Path) -> None:
    (tmp_path / "emulator").mkdir()
    refused = CliRunner().invoke(app, ["reset", "--data-dir", str(tmp_path)], input="n\n")
    assert refused.exit_code == 1
    assert (tmp_path / "emulator").is_dir()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_cancels_what_waits_keeps_what_is_done_and_leaves_nothing_half(
    run: Run, service: Service, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    given = files(tmp_path, *(f"{index}.png" for index in range(6)))
    out = tmp_path / "out"
    service.hold = lambda name: name != "0.png"
    command = [sys.executable, "-c", "from spheroseg_client.command_line import main; main()"]
    process = subprocess.Popen(
        [*command, "segment", *map(str, given), "--out", str(out), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    until(lambda: (out / "overlays" / "0.png").exists() and len({run.id for run in service.held}) == 5)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == code, stderr
    found = json.loads(stdout)
    assert found["interrupted"] is True
    assert [image["status"] for image in found["images"]] == ["succeeded", *["interrupted"] * 5]
    assert {row["name"] for row in rows(out)} == {"0"}
    assert produced(out) == {"measures.csv", "outlines/0.geojson", "labels/0.tif", "overlays/0.png"}
    statuses = [run.status for run in service.world.segmentations.rows.values()]
    assert statuses.count(SegmentationStatus.CANCELLED) == 5


def until(is_so: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)
