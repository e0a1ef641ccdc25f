"""Where exports are written: in memory and on S3 (the emulator here, the same client as in production)."""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import boto3
import httpx
import pytest

from spheroseg.adapters import aws as clients
from spheroseg.adapters import s3_exports
from spheroseg.adapters.s3 import S3DownloadLinks
from spheroseg.adapters.s3_exports import S3ExportStore
from spheroseg.adapters.system import SystemClock
from spheroseg.errors import StorageUnavailableError
from spheroseg.ports import ExportStore
from spheroseg.use_cases.read_exports import LINK_LIFETIME
from tests.builders import an_id
from tests.fakes.exports import InMemoryExportStore

KEY = "exports/project/export/1/day-7.csv"
PART = 5 * 2**20
"""The least that S3 takes as a part that is not the last."""


@pytest.fixture
def bucket(aws: Mapping[str, str]) -> str:
    """A new bucket."""
    name = f"exports-{an_id()}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_store(bucket: str, monkeypatch: pytest.MonkeyPatch) -> S3ExportStore:
    monkeypatch.setattr(s3_exports, "PART_BYTES", PART)
    return S3ExportStore(clients.s3_client(), bucket, SystemClock())


@pytest.fixture(params=["in_memory", "s3_store"])
def store(request: pytest.FixtureRequest) -> ExportStore:
    return InMemoryExportStore() if request.param == "in_memory" else request.getfixturevalue(request.param)


def left_of(bucket: str) -> tuple[list[str], int]:
    """Keys, and unfinished uploads."""
    client = boto3.client("s3")
    keys = [item["Key"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return keys, len(client.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.mark.parametrize("size", [0, 10, PART, 2 * PART + 7], ids=["empty", "small", "one part", "parts"])
def test_what_is_written_front_to_back_is_there_with_its_size_and_digest(
    store: ExportStore, size: int, tmp_path: Path
) -> None:
    content = os.urandom(size)
    with store.write(KEY, "text/csv", "day-7.csv") as target:
        for begin in range(0, size, 1_000_000):
            assert target.stream.write(content[begin : begin + 1_000_000])
    assert target.size_bytes == size
    assert target.sha256 == hashlib.sha256(content).hexdigest()
    path = tmp_path / "file"
    store.download(KEY, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("size", [10, 2 * PART + 7])
def test_a_block_that_fails_leaves_nothing(s3_store: S3ExportStore, bucket: str, size: int) -> None:
    def failing() -> None:
        with s3_store.write(KEY, "text/csv", "day-7.csv") as target:
            target.stream.write(b"0" * size)
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert left_of(bucket) == ([], 0)


def test_what_a_killed_worker_left_is_cleared_and_nothing_else(s3_store: S3ExportStore, bucket: str) -> None:
    other = "exports/project/other/1/a.csv"
    s3_store.put(KEY, b"finished", "text/csv")
    s3_store.put(other, b"of another", "text/csv")
    for key in ("exports/project/export/2/day-7.csv", other):
        boto3.client("s3").create_multipart_upload(Bucket=bucket, Key=key)
    s3_store.clear("exports/project/export/")
    assert left_of(bucket) == ([other], 1)
    s3_store.clear("exports/project/export/")


def test_a_file_is_fetched_by_its_link_in_ranges_under_its_name(s3_store: S3ExportStore, bucket: str) -> None:
    with s3_store.write(KEY, "text/csv", "day-7.csv") as target:
        target.stream.write(b"0123456789")
    link = S3DownloadLinks(clients.s3_client(), bucket).link(KEY, LINK_LIFETIME)
    whole, part = httpx.get(link), httpx.get(link, headers={"Range": "bytes=3-5"})
    assert (whole.content, whole.headers["content-type"]) == (b"0123456789", "text/csv")
    assert whole.headers["content-disposition"] == 'attachment; filename="day-7.csv"'
    assert "immutable" not in whole.headers["cache-control"]
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"345", "bytes 3-5/10")


def test_a_bucket_that_is_not_there_is_unavailable(aws: Mapping[str, str]) -> None:
    store = S3ExportStore(clients.s3_client(), f"absent-{an_id()}", SystemClock())
    with pytest.raises(StorageUnavailableError), store.write(KEY, "text/csv", "day-7.csv") as target:
        target.stream.write(b"0")
