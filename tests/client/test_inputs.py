import os
from pathlib import Path

import pytest

from spheroseg_client.inputs import Inputs, find_inputs


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def paths(inputs: Inputs) -> list[Path]:
    return [file.path for file in inputs.files]


def reasons(inputs: Inputs) -> dict[str, str]:
    return {Path(problem.shown).name: problem.code for problem in inputs.unusable}


def test_a_folder_gives_its_images_and_those_below_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.TIF", "a.png", "notes.txt", ".hidden.png", "sub/c.jpeg", ".cache/d.png"):
        write(tmp_path / name)
    assert paths(find_inputs([tmp_path])) == [tmp_path / "a.png", tmp_path / "b.TIF", tmp_path / "sub/c.jpeg"]


def test_files_of_other_kinds_in_folders_are_counted_once_and_not_where_they_are_named(tmp_path: Path) -> None:
    for name in ("a.png", "notes.TXT", "sub/b.czi", "sub/c.czi", "LICENCE", ".hidden", "out/a.txt"):
        write(tmp_path / name)
    found = find_inputs([tmp_path, tmp_path / "sub", tmp_path / "sub" / "c.czi"], out=tmp_path / "out")
    assert found.passed_over == {"": 1, ".czi": 1, ".txt": 1}
    assert find_inputs([tmp_path / "a.png"]).passed_over == {}


def test_a_link_to_itself_is_another_file_of_a_folder(tmp_path: Path) -> None:
    good = write(tmp_path / "good.png")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    inputs = find_inputs([str(tmp_path)])
    assert paths(inputs) == [good]
    assert inputs.passed_over == {"": 1}


def test_a_file_that_is_named_is_taken_whatever_its_suffix(tmp_path: Path) -> None:
    file = write(tmp_path / "image.dat")
    assert paths(find_inputs([file])) == [file]


def test_results_of_earlier_runs_are_no_input(tmp_path: Path) -> None:
    write(tmp_path / "a.png")
    write(tmp_path / "out" / "overlays" / "a.png")
    for name in ("measures.csv", "overlays/a.png", "labels/a.tif", "outlines/a.geojson"):
        write(tmp_path / "earlier" / name)
    assert paths(find_inputs([tmp_path], out=tmp_path / "out")) == [tmp_path / "a.png"]


def test_a_pattern_that_no_shell_expanded_is_expanded(tmp_path: Path) -> None:
    for name in ("one/a.png", "one/b.png", "two/deep/c.png"):
        write(tmp_path / name)
    assert paths(find_inputs([str(tmp_path / "one" / "?.png")])) == [tmp_path / "one/a.png", tmp_path / "one/b.png"]
    assert len(find_inputs([str(tmp_path / "**" / "*.png")]).files) == 3


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    file = write(tmp_path / "plate[1].png")
    write(tmp_path / "plate1.png")
    assert paths(find_inputs([file])) == [file]


def test_a_file_named_twice_is_taken_once(tmp_path: Path) -> None:
    file = write(tmp_path / "a.png")
    assert paths(find_inputs([file, tmp_path, str(tmp_path / "*.png")])) == [file]


def test_equal_files_are_two_inputs(tmp_path: Path) -> None:
    assert len(find_inputs([write(tmp_path / "a.png"), write(tmp_path / "b.png")]).files) == 2


def test_what_cannot_be_taken_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = write(tmp_path / "good.png")
    write(tmp_path / "empty.png", b"")
    (tmp_path / "barren").mkdir()
    (tmp_path / "dangling.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "pipe.png")
    names = ["missing.png", "empty.png", "barren", "dangling.png", "pipe.png", "*.bmp", "x" * 300, "good.png"]
    inputs = find_inputs([str(tmp_path / name) for name in names])
    assert paths(inputs) == [good]
    assert reasons(inputs) == {
        "missing.png": "file-not-found",
        "empty.png": "empty-file",
        "barren": "no-images",
        "dangling.png": "file-not-found",
        "pipe.png": "not-a-file",
        "*.bmp": "no-match",
        "x" * 300: "file-not-found",
    }


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    file = write(tmp_path / "secret.png")
    file.chmod(0)
    assert reasons(find_inputs([file])) == {"secret.png": "unreadable-file"}


def test_a_name_that_is_not_utf_8_can_be_shown(tmp_path: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bl\xe5.png"))
    write(file)
    (found,) = find_inputs([tmp_path]).files
    assert found.path == file
    assert found.shown.encode("utf-8").endswith(b".png")
