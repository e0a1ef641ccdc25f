"""Exports in the background: the client's calls, and the commands that people use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import polars as pl
import pytest
from typer.testing import CliRunner

from export_worker.maker import MADE
from spheroseg.domain.export import ExportFormat
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError, WorkFailedError
from spheroseg_client.export_commands import FormatChoice
from tests.client.service import EMAIL, PASSWORD, Service


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


def ran(service: Service, *arguments: str, exit_code: int = 0) -> Any:
    access = ["--api", service.url, "--email", EMAIL, "--password", PASSWORD, "--json"]
    answer = CliRunner().invoke(app, ["exports", *arguments, *access])
    assert answer.exit_code == exit_code, answer.output
    return json.loads(answer.stdout)


def test_every_format_can_be_asked_for_everywhere() -> None:
    names = [one.value for one in ExportFormat]
    assert names == list(MADE) == [one.value for one in FormatChoice]


def test_a_file_is_asked_for_followed_and_fetched(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    export = client.request_export(project_id, "csv", pixel_size_um=0.25)
    assert (export.status, export.file, export.is_final) == ("queued", None, False)
    states = []
    for state in client.follow_export(export.id, every_s=0.01):
        states.append(state.status)
        service.export()
    assert states == ["queued", "succeeded"]
    told: list[int] = []
    done = client.download_export(export.id, tmp_path / "day7.csv", told.append)
    assert done.file is not None
    assert told[-1] == done.file.size_bytes == (tmp_path / "day7.csv").stat().st_size
    rows = pl.read_csv(tmp_path / "day7.csv")
    assert sorted(set(rows["file"])) == ["a.png", "b.png"]
    assert set(rows["pixel_size_um"]) == {0.25}
    assert (done.done, done.total, done.spheroids) == (2, 2, rows.height)
    (listed,) = client.exports(project_id)
    assert listed.file is not None
    assert listed.file.url is None


def test_exports_are_listed_over_pages(client: Client, project_id: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spheroseg_client.exports.PAGE_EXPORTS", 2)
    asked = [client.request_export(project_id, "csv").id for _ in range(5)]
    assert [one.id for one in client.exports(project_id)] == asked[::-1]
    with pytest.raises(ApiError, match="5 exports"):
        client.request_export(project_id, "csv")


def test_why_there_is_no_file_is_told(service: Service, client: Client, tmp_path: Path) -> None:
    empty = client.create_project("Empty")
    failed = client.request_export(empty.id, "csv")
    service.export()
    with pytest.raises(WorkFailedError, match="segment them first") as told:
        client.download_export(failed.id, tmp_path / "a.csv")
    assert told.value.code == "nothing-to-export"
    cancelled = client.request_export(empty.id, "csv")
    assert client.cancel_export(cancelled.id).status == "cancelled"
    with pytest.raises(WorkFailedError, match="cancelled"):
        client.download_export(cancelled.id, tmp_path / "a.csv")
    assert not (tmp_path / "a.csv").exists()


def test_the_commands_start_list_show_download_and_cancel(
    service: Service, client: Client, project_id: UUID, tmp_path: Path
) -> None:
    started = ran(service, "start", "Day 7", "--format", "geojson")
    service.export()
    assert ran(service, "show", started["id"], "--wait")["status"] == "succeeded"
    fetched = ran(service, "download", started["id"], "--out", str(tmp_path))
    assert fetched["file"]["name"] == "Day-7-geojson.zip"
    assert (tmp_path / "Day-7-geojson.zip").stat().st_size == fetched["file"]["size_bytes"]
    other = ran(service, "start", str(project_id), "-f", "masks")
    assert ran(service, "cancel", other["id"])["status"] == "cancelled"
    assert [one["status"] for one in ran(service, "list", "Day 7")] == ["cancelled", "succeeded"]
    assert ran(service, "download", other["id"], exit_code=3)["error"]["code"] == "export-cancelled"
