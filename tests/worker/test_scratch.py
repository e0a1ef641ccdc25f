"""The export worker's own folder: gone with it, or with the next one that starts, and never while somebody lives in it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from export_worker.scratch import PREFIX, own_scratch

HOLDS = """
import sys
from pathlib import Path
from export_worker.scratch import own_scratch
with own_scratch(Path(sys.argv[1])) as scratch:
    (scratch.folder / "spooled").mkdir()
    (scratch.folder / "spooled" / "measures.xlsx").write_bytes(bytes(1000))
    print(scratch.folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def a_worker(parent: Path) -> Iterator[tuple["subprocess.Popen[str]", Path]]:
    """A process that lives in a folder of its own until its input ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(parent)], stdin=pipe, stdout=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def test_a_killed_worker_s_folder_goes_when_the_next_one_starts_and_a_living_one_s_stays(tmp_path: Path) -> None:
    with a_worker(tmp_path) as (killed, left), a_worker(tmp_path) as (_, lived_in):
        killed.kill()
        killed.wait()
        assert (left / "spooled" / "measures.xlsx").exists()
        with own_scratch(tmp_path) as scratch:
            assert scratch.left == (left,)
            assert scratch.kept == ()
            assert sorted(tmp_path.iterdir()) == sorted([lived_in, scratch.folder])
            assert (lived_in / "spooled" / "measures.xlsx").exists()
            with own_scratch(tmp_path) as other:  # nor does one in the same process
                assert other.left == ()
                assert scratch.folder.is_dir()
        assert list(tmp_path.iterdir()) == [lived_in]


def test_who_ends_by_itself_leaves_nothing(tmp_path: Path) -> None:
    with a_worker(tmp_path) as (process, folder):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(20) == 0
        assert not folder.exists()


def test_nothing_else_is_touched(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "spheroseg-import-of-another-release").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / f"{PREFIX}file").write_text("no folder")
    before = sorted(tmp_path.iterdir())
    with own_scratch(tmp_path) as scratch:
        assert (scratch.left, scratch.kept) == ((), ())
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may remove what it likes")
def test_what_cannot_be_removed_is_told_and_the_worker_starts(tmp_path: Path) -> None:
    stuck = tmp_path / f"{PREFIX}stuck"
    (stuck / "inside").mkdir(parents=True)
    (stuck / "inside" / "file").write_bytes(b"")
    (stuck / "inside").chmod(0o500)
    try:
        with own_scratch(tmp_path) as scratch:
            ((folder, why),) = scratch.kept
            assert (folder, why) == (stuck, "Permission denied")
    finally:
        (stuck / "inside").chmod(0o700)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), own_scratch(tmp_path / "missing"):
        pass
