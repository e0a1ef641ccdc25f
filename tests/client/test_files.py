import os
import threading
from pathlib import Path

import pytest

from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.files import check_place, keep_what_is_read, write_whole


def test_a_file_is_written_with_its_folder_and_nothing_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "a.csv", "ä\n")
    write_whole(tmp_path / "new" / "a.csv", "ö\n")
    assert (tmp_path / "new" / "a.csv").read_text(encoding="utf-8") == "ö\n"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]


def test_a_link_stays_one_and_its_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "a.csv").symlink_to(tmp_path / "other" / "b.csv")
    write_whole(tmp_path / "a.csv", "1")
    assert (tmp_path / "a.csv").is_symlink()
    assert (tmp_path / "other" / "b.csv").read_text() == "1"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(LocalFileError, match="cannot be written"):
        write_whole(tmp_path / "loop", "1")


def test_a_pipe_takes_the_content_and_stays_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_whole(tmp_path / "pipe", "1,2\n")
    reader.join(10)
    assert read == [b"1,2\n"]
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="there is no /dev/full here")
def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "device").symlink_to("/dev/full")
    with pytest.raises(LocalFileError, match="No space left"):
        write_whole(tmp_path / "device", "1")
    assert Path("/dev/full").is_char_device()
    write_whole(Path(os.devnull), "1")
    assert Path(os.devnull).is_char_device()


def test_what_is_read_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(b"1")
    (tmp_path / "link.tif").symlink_to(tmp_path / "a.tif")
    for written in (tmp_path / "a.tif", tmp_path / "link.tif"):
        for read in (tmp_path / "a.tif", tmp_path):
            with pytest.raises(LocalFileError) as refused:
                keep_what_is_read(written, [None, read])
            assert refused.value.code == "same-file"
    keep_what_is_read(tmp_path / "b.csv", [tmp_path / "a.tif", tmp_path])
    keep_what_is_read(None, [tmp_path / "a.tif"])


def test_a_place_that_cannot_be_written_is_told_before_long_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("1")
    for place, words in ((tmp_path, "is a folder"), (tmp_path / "file" / "new" / "a.csv", "is no folder")):
        with pytest.raises(LocalFileError, match=words):
            check_place(place)
    check_place(None)
    for place in (tmp_path / "new" / "deep" / "a.csv", tmp_path / "file", Path(os.devnull)):
        check_place(place)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
    with pytest.raises(LocalFileError, match="nothing may be put into"):
        check_place(tmp_path / "a.csv")
