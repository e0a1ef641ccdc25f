"""What ``segment`` says beside its table: nothing that is left out or left empty goes unsaid."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spheroseg_client.command_line import app
from spheroseg_client.models import PixelEdges
from spheroseg_client.models import Result as RunResult
from spheroseg_client.notes import notes_on
from tests.client.service import EMAIL, PASSWORD, Service
from tests.client.test_outputs import a_run

Run = Callable[..., Result]


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    return lambda *arguments: CliRunner().invoke(app, ["segment", *map(str, arguments)])


def files(folder: Path, *names: str) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(f"pixels of {name}".encode())
    return folder


def test_pixels_that_are_not_square_are_told_with_the_image_and_both_sizes(
    run: Run, service: Service, tmp_path: Path
) -> None:
    given = files(tmp_path / "in", "a.tif", "b.tif")
    service.unequal_edges_um = (0.65, 0.7)
    told = run(given, "--out", tmp_path / "out").stderr
    assert f"Note: {given / 'a.tif'} and 1 other: the file says that a pixel is 0.65 µm wide and 0.7 µm high" in told
    assert "nothing is given in µm" in told
    assert "--pixel-size" in told
    images = json.loads(run(given, "--out", tmp_path / "out", "--json").stdout)["images"]
    assert [len(image["notes"]) for image in images] == [1, 1]
    assert images[0]["review"]["unequal_edges"] == {"x_um": 0.65, "y_um": 0.7}
    assert "Note:" not in run(given, "--out", tmp_path / "out", "--pixel-size", 0.65).stderr


@pytest.mark.parametrize(
    ("source", "words"),
    [("project", "by the project's 0.5 µm instead"), ("profile", "by the profile's 0.5 µm"), ("user", None)],
)
def test_another_size_than_the_files_own_is_told_unless_the_user_gave_it(source: str, words: str | None) -> None:
    result = a_run().result
    assert isinstance(result, RunResult)
    assert result.review is not None
    review = result.review.model_copy(update={"unequal_edges": PixelEdges(x_um=0.65, y_um=0.7)})
    told = notes_on(result.model_copy(update={"pixel_size_um": 0.5, "pixel_size_source": source, "review": review}))
    assert [words in note for note in told if words] == ([True] if words else [])
    assert len(told) == (words is not None)
    assert notes_on(result) == notes_on(None) == []


def test_objects_that_were_left_out_are_counted(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = files(Path("in"), "a.tif", "b.tif")
    result = run(given, "--out", tmp_path / "out")
    assert "look: low-confidence, edge-contact; 2 left out" in result.stdout
    assert "Left out: 4 objects in 2 images, too small, too uncertain, without a core or out of focus" in result.stderr
    assert "--out-of-focus keeps these" in result.stderr
    kept = run(given, "--out", tmp_path / "out", "--out-of-focus").stderr
    assert "Left out: 4 objects in 2 images, too small, too uncertain or without a core\n" in kept


def test_files_of_a_folder_that_were_not_looked_at_are_counted(run: Run, tmp_path: Path) -> None:
    given = files(tmp_path / "in", "a.tif", "b.czi", "c.czi", "notes")
    told = run(given, "--out", tmp_path / "out").stderr
    assert "Not looked at: 3 files of other kinds in the folders (no ending 1, .czi 2)" in told
    document = json.loads(run(given, "--out", tmp_path / "out", "--json").stdout)
    assert document["passed_over"] == {"": 1, ".czi": 2}
    assert "Not looked at" not in run(given / "a.tif", "--out", tmp_path / "out").stderr
