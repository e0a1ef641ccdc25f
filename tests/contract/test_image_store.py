"""The object store: what it does in memory and on S3 (the emulator here, the same client as in production)."""

import hashlib
import os
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import httpx
import pytest

from spheroseg.adapters import aws as clients
from spheroseg.adapters import s3
from spheroseg.adapters import s3_transfers as s3_transfers_module
from spheroseg.adapters.s3 import FOREVER, REFUSED_TAG, S3DownloadLinks, S3ImageStore
from spheroseg.adapters.s3_transfers import S3TransferStore
from spheroseg.adapters.system import SystemClock
from spheroseg.domain.upload_parts import UploadPart
from spheroseg.errors import ObjectChangedError, ObjectNotFoundError, StorageUnavailableError
from spheroseg.ports import DownloadLinks, ImageStore
from tests.builders import an_id
from tests.fakes import InMemoryClock, InMemoryDownloadLinks, InMemoryImageStore
from tests.postgres import free_port

WRONG_TAG = "0" * 32


@pytest.fixture
def bucket(aws: Mapping[str, str]) -> str:
    """A new bucket."""
    name = f"images-{an_id()}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def s3_store(bucket: str) -> S3ImageStore:
    return S3ImageStore(clients.s3_client(), bucket, SystemClock())


@pytest.fixture
def s3_transfers(bucket: str) -> S3ImageStore:
    return S3TransferStore(clients.s3_client(), bucket, SystemClock())


@pytest.fixture(params=["in_memory", "s3_store", "s3_transfers"])
def store(request: pytest.FixtureRequest) -> ImageStore:
    return InMemoryImageStore() if request.param == "in_memory" else request.getfixturevalue(request.param)


@pytest.fixture(params=["s3_store", "s3_transfers"])
def any_s3(request: pytest.FixtureRequest) -> S3ImageStore:
    found: S3ImageStore = request.getfixturevalue(request.param)
    return found


def content_of(store: ImageStore, key: str, folder: Path) -> bytes:
    path = folder / "file"
    store.download(key, path)
    return path.read_bytes()


@pytest.mark.parametrize("content", [b"", b"\x00\xff pixels", os.urandom(9_000_000)], ids=["empty", "small", "9 MB"])
def test_what_was_put_is_downloaded(store: ImageStore, tmp_path: Path, content: bytes) -> None:
    store.put("results/a/1/labels.tif", content, "image/tiff")
    assert content_of(store, "results/a/1/labels.tif", tmp_path) == content
    described = store.describe("results/a/1/labels.tif")
    assert (described.key, described.size_bytes) == ("results/a/1/labels.tif", len(content))
    assert described.etag.isalnum()


def test_a_large_object_is_downloaded_in_parts(
    any_s3: S3ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (s3, s3_transfers_module):
        monkeypatch.setattr(module, "PARALLEL_FROM_BYTES", 1_000_000)
    content = os.urandom(9_000_000)
    any_s3.put("large", content, "image/tiff")
    assert content_of(any_s3, "large", tmp_path) == content


def test_an_absent_object_is_not_found(store: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFoundError):
        store.describe("absent")
    with pytest.raises(ObjectNotFoundError):
        store.download("absent", tmp_path / "file")
    with pytest.raises(ObjectNotFoundError):
        store.copy("absent", WRONG_TAG, "there")
    assert not (tmp_path / "file").exists()


def test_an_object_is_copied_while_it_is_the_one_announced(store: ImageStore, tmp_path: Path) -> None:
    key = "inbox/project/Plate 1/č & +%20?.tif"
    store.put(key, b"first", "image/tiff")
    etag = store.describe(key).etag
    copied = store.copy(key, etag, "originals/x")
    assert (copied.key, copied.size_bytes) == ("originals/x", 5)
    assert content_of(store, "originals/x", tmp_path) == b"first"
    store.put(key, b"second", "image/tiff")
    with pytest.raises(ObjectChangedError):
        store.copy(key, etag, "originals/y")
    with pytest.raises(ObjectNotFoundError):
        store.describe("originals/y")


def test_what_is_removed_is_gone_and_may_be_removed_again(store: ImageStore) -> None:
    store.put("originals/x", b"x", "image/png")
    store.delete("originals/x")
    store.delete("originals/x")
    with pytest.raises(ObjectNotFoundError):
        store.describe("originals/x")


def test_everything_under_a_prefix_is_removed_and_nothing_else(store: ImageStore) -> None:
    for key in ("results/1/1/a", "results/1/2/b", "results/10/1/a", "results/1"):
        store.put(key, b"x", "image/png")
    store.delete_under("results/1/")
    store.delete_under("results/1/")
    for key in ("results/10/1/a", "results/1"):
        assert store.describe(key).size_bytes == 1
    for key in ("results/1/1/a", "results/1/2/b"):
        with pytest.raises(ObjectNotFoundError):
            store.describe(key)


def test_what_lies_under_a_prefix_is_copied_to_another(store: ImageStore, tmp_path: Path) -> None:
    for key in ("results/1/1/a", "results/1/1/b", "results/1/10/c"):
        store.put(key, key.encode(), "image/png")
    assert sorted(store.copy_under("results/1/1/", "results/2/1/")) == ["a", "b"]
    assert sorted(store.copy_under("results/1/1/", "results/2/1/")) == ["a", "b"], "a copy may be repeated"
    assert content_of(store, "results/2/1/b", tmp_path) == b"results/1/1/b"
    assert store.describe("results/1/1/a").size_bytes == len("results/1/1/a")
    assert list(store.copy_under("results/3/1/", "results/4/1/")) == []


def test_refusing_what_is_gone_does_nothing(store: ImageStore) -> None:
    store.refuse("absent", "undecodable-image")


def test_a_form_lasts_as_long_as_it_says(store: ImageStore) -> None:
    [form] = store.upload_forms([("originals/x", 1000)], timedelta(minutes=15))
    now = (InMemoryClock() if isinstance(store, InMemoryImageStore) else SystemClock()).now()
    assert abs(form.expires_at - now - timedelta(minutes=15)) < timedelta(seconds=5)
    assert form.fields["key"] == "originals/x"


def test_more_objects_than_fit_on_a_page_are_removed(s3_store: S3ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAGE_SIZE", 3)
    for number in range(8):
        s3_store.put(f"results/1/{number}", b"", "image/png")
    s3_store.delete_under("results/1/")
    for number in range(8):
        with pytest.raises(ObjectNotFoundError):
            s3_store.describe(f"results/1/{number}")


def test_no_prefix_removes_the_whole_bucket(s3_store: S3ImageStore) -> None:
    with pytest.raises(ValueError, match="whole bucket"):
        s3_store.delete_under("")


def test_a_refused_object_carries_the_reason(s3_store: S3ImageStore, bucket: str) -> None:
    s3_store.put("inbox/nobody/x.tif", b"x", "image/tiff")
    s3_store.refuse("inbox/nobody/x.tif", "project-not-found")
    tags = boto3.client("s3").get_object_tagging(Bucket=bucket, Key="inbox/nobody/x.tif")["TagSet"]
    assert tags == [{"Key": REFUSED_TAG, "Value": "project-not-found"}]


def test_results_may_be_kept_for_ever_by_whoever_fetched_them(any_s3: S3ImageStore, bucket: str) -> None:
    any_s3.put("results/1/1/preview.jpg", b"x", "image/jpeg")
    head = boto3.client("s3").head_object(Bucket=bucket, Key="results/1/1/preview.jpg")
    assert (head["CacheControl"], head["ContentType"]) == (FOREVER, "image/jpeg")
    any_s3.copy_under("results/1/1/", "results/2/1/")
    head = boto3.client("s3").head_object(Bucket=bucket, Key="results/2/1/preview.jpg")
    assert (head["CacheControl"], head["ContentType"]) == (FOREVER, "image/jpeg")


def posted(store: ImageStore, content: bytes, **changed: str) -> int:
    [form] = store.upload_forms([("originals/x", 1000)], timedelta(minutes=15))
    return httpx.post(form.url, data={**form.fields, **changed}, files={"file": ("name.tif", content)}).status_code


def test_a_form_lets_its_holder_post_one_file(s3_store: S3ImageStore, tmp_path: Path) -> None:
    assert posted(s3_store, b"x" * 1000) == 204
    assert content_of(s3_store, "originals/x", tmp_path) == b"x" * 1000


@pytest.mark.parametrize("size", [0, 1001])
def test_a_form_holds_to_its_sizes(s3_store: S3ImageStore, size: int) -> None:
    assert posted(s3_store, b"x" * size) == 400
    with pytest.raises(ObjectNotFoundError):
        s3_store.describe("originals/x")


def test_a_form_is_for_one_key(s3_store: S3ImageStore) -> None:
    assert posted(s3_store, b"x", key="originals/somebody-else") == 403
    with pytest.raises(ObjectNotFoundError):
        s3_store.describe("originals/somebody-else")


def test_an_upload_goes_to_the_region_of_the_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """The global endpoint redirects uploads to a bucket elsewhere, and a browser's form cannot follow."""
    for name, value in {
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    client = clients.s3_client()
    store = S3ImageStore(client, "our-images", InMemoryClock())
    [form] = store.upload_forms([("originals/x", 1)], timedelta(minutes=1))
    link = S3DownloadLinks(client, "our-images").link("results/x", timedelta(minutes=1))
    assert urlsplit(form.url).hostname == urlsplit(link).hostname == "our-images.s3.eu-central-1.amazonaws.com"


@pytest.mark.parametrize("kind", [S3ImageStore, S3TransferStore])
def test_a_bucket_that_is_not_there_is_unavailable(
    aws: Mapping[str, str], tmp_path: Path, kind: type[S3ImageStore]
) -> None:
    absent = kind(clients.s3_client(), f"absent-{an_id()}", InMemoryClock())
    with pytest.raises(StorageUnavailableError):
        absent.put("x", b"x", "image/png")
    with pytest.raises(StorageUnavailableError):
        absent.download("x", tmp_path / "file")
    with pytest.raises(StorageUnavailableError):
        absent.delete_under("x/")


def test_transfers_that_get_no_answer_are_given_up_soon(
    aws: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    nowhere = S3TransferStore(clients.s3_client(), "bucket", InMemoryClock())
    begun = time.monotonic()
    with pytest.raises(StorageUnavailableError):
        nowhere.put("x", b"x", "image/png")
    with pytest.raises(StorageUnavailableError):
        nowhere.download("x", tmp_path / "file")
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("links", ["in_memory", "s3"])
def test_a_link_names_its_object(request: pytest.FixtureRequest, links: str) -> None:
    signer: DownloadLinks = InMemoryDownloadLinks()
    if links == "s3":
        request.getfixturevalue("aws")
        signer = S3DownloadLinks(clients.s3_client(), request.getfixturevalue("bucket"))
    url = urlsplit(signer.link("results/1/1/preview.jpg", timedelta(minutes=5)))
    assert url.path.endswith("/results/1/1/preview.jpg")


def test_a_link_fetches_its_object_and_no_other(s3_store: S3ImageStore, bucket: str) -> None:
    s3_store.put("results/1/1/outlines.geojson", b"{}", "application/geo+json")
    s3_store.put("results/2/1/outlines.geojson", b"secret", "application/geo+json")
    link = S3DownloadLinks(clients.s3_client(), bucket).link("results/1/1/outlines.geojson", timedelta(minutes=5))
    assert httpx.get(link).content == b"{}"
    assert httpx.get(link.replace("results/1/", "results/2/")).status_code == 403


def a_part(number: int, content: bytes) -> UploadPart:
    return UploadPart(number, len(content), hashlib.sha256(content).hexdigest())


def put(store: ImageStore, upload_id: str, part: UploadPart, content: bytes, **headers: str) -> int:
    """Send a part as a client does."""
    [link] = store.part_links("originals/x", upload_id, [part], timedelta(minutes=15))
    if isinstance(store, InMemoryImageStore):
        store.put_part(upload_id, part.number, content)
        return 200
    sent = {name: value for name, value in link.headers.items() if name != "Content-Length"} | headers
    return httpx.put(link.url, content=content, headers=sent).status_code


def test_a_file_in_parts_is_put_together_when_all_are_there(store: ImageStore, tmp_path: Path) -> None:
    contents = [b"a" * 5 * 2**20, b"b" * 5 * 2**20, b"the rest"]
    parts = [a_part(number, content) for number, content in enumerate(contents, start=1)]
    upload_id = store.begin_parts("originals/x")
    assert store.parts("originals/x", upload_id) == []
    for index in (2, 0):
        assert put(store, upload_id, parts[index], contents[index]) == 200
    assert store.parts("originals/x", upload_id) == [parts[0], parts[2]]
    assert put(store, upload_id, parts[1], contents[1]) == 200
    store.end_parts("originals/x", upload_id, store.parts("originals/x", upload_id))
    assert content_of(store, "originals/x", tmp_path) == b"".join(contents)
    assert store.sha256("originals/x") == hashlib.sha256(b"".join(contents)).hexdigest()
    with pytest.raises(ObjectNotFoundError):
        store.parts("originals/x", upload_id)


def test_dropped_parts_are_gone(store: ImageStore) -> None:
    upload_id = store.begin_parts("originals/x")
    assert put(store, upload_id, a_part(1, b"part"), b"part") == 200
    store.drop_parts("originals/x", upload_id)
    store.drop_parts("originals/x", upload_id)
    with pytest.raises(ObjectNotFoundError):
        store.parts("originals/x", upload_id)
    with pytest.raises(ObjectNotFoundError):
        store.describe("originals/x")


def test_a_part_is_taken_with_its_own_bytes_only(s3_store: S3ImageStore) -> None:
    upload_id = s3_store.begin_parts("originals/x")
    assert put(s3_store, upload_id, a_part(1, b"these bytes"), b"other bytes") == 400
    assert put(s3_store, upload_id, a_part(1, b"bytes"), b"more bytes than signed") in {400, 403}
    assert s3_store.parts("originals/x", upload_id) == []


def test_the_digest_of_what_is_absent_is_not_found(store: ImageStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        store.sha256("absent")
