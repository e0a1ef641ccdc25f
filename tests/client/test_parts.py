import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spheroseg_client.offline.files import write_whole
from spheroseg_client.outputs import ResultFolder
from spheroseg_client.parts import PREFIX, own_parts, remove_left

HOLDS = """
import sys, time
from pathlib import Path
from spheroseg_client.parts import own_parts
with own_parts(Path(sys.argv[1])) as folder:
    (folder / "half.csv").write_text("half")
    print(folder, flush=True)
    time.sleep(600)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders have no locks there")


@contextmanager
def a_command_at_work(parent: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    process = subprocess.Popen([sys.executable, "-c", HOLDS, str(parent)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate()


def killed(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_what_a_killed_command_left_goes_with_the_next_and_nothing_else(tmp_path: Path) -> None:
    mine = [tmp_path / name for name in (f"{PREFIX}mine", ".spheroseg", "results", f"{PREFIX}0123abcd.other")]
    for folder in mine:
        folder.mkdir()
        (folder / "kept").write_text("kept")
    with a_command_at_work(tmp_path) as (first, left), a_command_at_work(tmp_path) as (_, living):
        beginning = left.name.rpartition(".")[0]
        (tmp_path / f"{beginning}.link").symlink_to(tmp_path / "results")
        (tmp_path / f"{beginning}.file").write_text("a file")
        killed(first)
        assert (left / "half.csv").exists()
        write_whole(tmp_path / "a.csv", "1")
        assert not left.exists()
        assert (living / "half.csv").exists()
    assert all((folder / "kept").exists() for folder in mine)
    assert (tmp_path / f"{beginning}.link").is_symlink()
    assert (tmp_path / f"{beginning}.file").exists()
    assert living.exists()
    remove_left(tmp_path)
    assert not living.exists()


def test_what_a_killed_segment_left_goes_with_the_next(tmp_path: Path) -> None:
    with a_command_at_work(tmp_path) as (process, left):
        killed(process)
        with ResultFolder.prepare(tmp_path, 1) as results:
            assert not left.exists()
            assert results.part("a").parent.is_dir()
    assert not list(tmp_path.glob(f"{PREFIX}*"))


def test_a_folder_is_gone_after_its_block_also_when_that_fails(tmp_path: Path) -> None:
    for error in (None, ValueError):
        try:
            with own_parts(tmp_path) as folder:
                (folder / "a").write_text("1")
                if error:
                    raise error
        except ValueError:
            pass
        assert list(tmp_path.iterdir()) == []


def test_nothing_is_removed_where_nothing_can_be_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError("No locks available")

    with a_command_at_work(tmp_path) as (process, left):
        killed(process)
        monkeypatch.setattr("fcntl.flock", refused)
        with own_parts(tmp_path) as folder:
            assert "." not in folder.name.removeprefix(PREFIX), "another command must not take it for one that was left"
            assert left.exists()
        remove_left(tmp_path)
        assert left.exists()


def test_folders_of_other_accounts_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with a_command_at_work(tmp_path) as (process, left):
        killed(process)
        own = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: own + 1)
        remove_left(tmp_path)
        assert left.exists()
