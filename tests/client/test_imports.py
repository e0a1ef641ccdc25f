"""Imports by the service: the client's calls, and the commands that people use."""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from spheroseg.domain.outline_import import ImportFormat
from spheroseg.exchange.formats import READABLE
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError, LocalFileError, WorkFailedError
from spheroseg_client.imports import FORMATS, sent_name, told_format
from tests.client.service import EMAIL, PASSWORD, SIZE_PX, Service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, email=EMAIL, password=PASSWORD, retry_for_s=5) as client:
        yield client


@pytest.fixture
def project_id(client: Client, tmp_path: Path) -> UUID:
    """A project with two segmented images."""
    project = client.create_project("Day 7")
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"pixels of " + name.encode())
        client.wait(client.upload(project.id, tmp_path / name))
    return project.id


@contextmanager
def working(service: Service) -> Iterator[None]:
    """A worker beside whoever waits for it."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.05):
            with service.lock:
                service.import_()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def ran(service: Service, *arguments: str, exit_code: int = 0) -> Any:
    access = ["--api", service.url, "--email", EMAIL, "--password", PASSWORD, "--json"]
    with working(service):
        answer = CliRunner().invoke(app, [*arguments, *access])
    assert answer.exit_code == exit_code, answer.output
    return json.loads(answer.stdout)


def labels_at(path: Path, **squares: tuple[int, int]) -> Path:
    """A folder of label images, each with one square."""
    path.mkdir()
    for name, (left, top) in squares.items():
        labels = np.zeros((SIZE_PX[1], SIZE_PX[0]), np.uint16)
        labels[top : top + 9, left : left + 9] = 7
        tifffile.imwrite(path / f"{name}_labels.tif", labels)
    return path


def test_what_can_be_read_is_the_same_everywhere() -> None:
    assert list(FORMATS) == [one.value for one in ImportFormat] == list(READABLE)
    assert {name: one.suffixes for name, one in READABLE.items()} == FORMATS


def test_a_folder_of_label_images_becomes_results_that_a_person_drew(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    told: list[int] = []
    source = labels_at(tmp_path / "drawn", a=(3, 4), b=(20, 30), nowhere=(1, 1))
    begun = client.import_outlines(project_id, source, progress=told.append)
    assert (begun.status, begun.file_name, begun.format, begun.is_final) == ("queued", "drawn.zip", "labels", False)
    assert told[-1] == begun.size_bytes
    service.import_()
    done = client.wait_for_import(begun.id)
    assert (done.done, done.total, done.spheroids, done.unmatched) == (3, 3, 2, ["nowhere_labels"])
    assert [(one.name, one.revision, one.added) for one in done.images] == [("a_labels", 0, 1), ("b_labels", 0, 1)]
    run = client.segmentation(done.images[1].segmentation_id)
    assert (run.model, run.status) == ("annotation", "succeeded")
    (spheroid,) = client.spheroids(run.id)
    assert (spheroid.number, spheroid.measures["area_px2"], spheroid.confidence) == (7, 81.0, None)
    newest = next(iter(client.segmentations(done.images[1].image_id)))
    assert newest.id == run.id
    assert list(client.imports(project_id)) == [done]


def test_a_correction_is_made_of_the_revision_that_is_known(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    image = next(iter(client.images(project_id)))
    run = next(iter(client.segmentations(image.id)))
    source = next(labels_at(tmp_path / "corrected", mine=(3, 4)).iterdir())
    done = ran(
        service, "import", str(source), "--project", "Day 7", "--onto", f"{run.id}@0", "--note", "mended in Fiji"
    )
    (imported,) = done["images"]
    assert (imported["revision"], imported["added"], imported["removed"]) == (1, 1, 2)
    (revision,) = client.revisions(run.id)
    assert revision.note == "mended in Fiji"
    refused = ran(service, "import", str(source), "--project", "Day 7", "--onto", f"{run.id}@0", exit_code=3)
    assert refused["error"]["code"] == "stale-revision"
    listed = ran(service, "imports", "list", "Day 7")
    assert [one["status"] for one in listed] == ["failed", "succeeded"]
    shown = ran(service, "imports", "show", listed[0]["id"], "--wait")
    assert "added 1, changed 0 and removed 2" in shown["failure"]["detail"]


def test_what_cannot_be_sent_is_refused_before_anything_is_asked(
    service: Service, project_id: UUID, tmp_path: Path
) -> None:
    source = tmp_path / "a.geojson"
    source.write_text("{}")
    for wrong in (
        ["--onto", "x@0"],
        ["--onto", "0198c0de-0000-7000-8000-000000000003"],
        ["--annotate", "--onto", "0198c0de-0000-7000-8000-000000000003@0"],
        ["--annotate", "--out", str(tmp_path / "out")],
    ):
        ran(service, "import", str(source), "--project", "Day 7", *wrong, exit_code=2)
    assert not service.asked("POST /v1/projects/.*/imports")


def test_a_file_that_says_nothing_about_an_image_fails_with_its_reason(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    source = tmp_path / "a.geojson"
    source.write_text('{"type": "FeatureCollection", "features": [7]}')
    begun = client.import_outlines(project_id, source)
    service.import_()
    with pytest.raises(WorkFailedError, match="feature 1") as failed:
        client.wait_for_import(begun.id)
    assert failed.value.code == "invalid-exchange-file"
    with pytest.raises(ApiError, match="has no image"):
        client.import_outlines(project_id, source, image_id=begun.id)


def test_one_that_is_cancelled_changes_nothing_and_says_so(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    source = next(labels_at(tmp_path / "drawn", a=(3, 4)).iterdir())
    begun = client.import_outlines(project_id, source)
    cancelled = client.cancel_import(begun.id)
    assert (cancelled.status, cancelled.is_final) == ("cancelled", True)
    assert client.cancel_import(begun.id) == cancelled
    service.import_()
    with pytest.raises(WorkFailedError, match="nothing was changed") as told:
        client.wait_for_import(begun.id)
    assert told.value.code == "import-cancelled"
    other = client.import_outlines(project_id, source)
    service.import_()
    with pytest.raises(ApiError, match="succeeded"):
        client.cancel_import(other.id)
    assert ran(service, "imports", "cancel", str(begun.id))["status"] == "cancelled"
    assert ran(service, "imports", "cancel", str(other.id), exit_code=3)["error"]["code"] == "illegal-move"
    assert [one["status"] for one in ran(service, "imports", "list", "Day 7")] == ["succeeded", "cancelled"]


def test_names_tell_formats_and_are_made_fit(tmp_path: Path) -> None:
    (tmp_path / "set" / "labels").mkdir(parents=True)
    assert told_format(tmp_path / "set") == "yolo"
    (tmp_path / "a.json").write_text("{}"), (tmp_path / "b.geojson").write_text("{}")
    with pytest.raises(LocalFileError):
        told_format(tmp_path)
    assert sent_name("a\\b\n.tif") == "a_b_.tif"
    assert sent_name("x" * 400 + ".tif") == "x" * 146 + ".tif"


def test_a_dataset_is_packed_by_its_yaml(client: Client, service: Service, project_id: UUID, tmp_path: Path) -> None:
    (tmp_path / "set" / "labels").mkdir(parents=True)
    (tmp_path / "set" / "labels" / "a.txt").write_text("0 0.1 0.1 0.2 0.1 0.2 0.3\n")
    (tmp_path / "set" / "data.yaml").write_text("names: [spheroid]\n")
    begun = client.import_outlines(project_id, tmp_path / "set" / "data.yaml")
    (content,) = [content for key, content in service.store.objects.items() if key.startswith("imports/")]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["data.yaml", "labels/a.txt"]
    service.import_()
    assert client.wait_for_import(begun.id).spheroids == 1
