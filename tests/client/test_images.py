"""Images from Python and from the command line, against the real API over fakes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from spheroseg.domain.image_list import ImageSort, ImageState
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError
from spheroseg_client.image_commands import SortChoice, StateChoice, images
from spheroseg_client.uploads import FileToAnnounce
from tests.client.service import EMAIL, PASSWORD, Service

Run = Callable[..., Any]


@pytest.fixture
def run(service: Service, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command as the owner gives it; the JSON that it prints, or with ``shown`` what a person sees."""

    def run(*words: object, status: int = 0, shown: bool = False) -> Any:
        for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
            monkeypatch.setenv(f"SPHEROSEG_{name}", value)
        result = CliRunner().invoke(app, [*map(str, words), *([] if shown else ["--json"])])
        assert result.exit_code == status, result.output
        return result.stdout if shown else json.loads(result.stdout)

    return run


def test_images_are_uploaded_described_found_and_deleted(run: Run, client: Client, tmp_path: Path) -> None:
    client.create_project("Day 7")
    client.create_project("Day 8")
    files = [tmp_path / name for name in ("P7_A01_24h.png", "P7_b2_24h.png")]
    for number, file in enumerate(files):
        file.write_bytes(b"x" * (number + 1))
    first, second = run("images", "upload", "Day 7", *files)
    assert first["status"] == "stored"

    pattern = "(?P<plate>P[0-9]+)_(?P<well>[A-Pa-p][0-9]+)_(?P<time_point_h>[0-9]+)h"
    tried = run("images", "read-names", "Day 7", pattern, "--dry-run")
    assert (tried["matched"], run("images", "list", "Day 7", "--well", "B02")) == (2, [])
    assert "2 of 2 match" in run("images", "read-names", "Day 7", pattern, shown=True)
    assert [it["id"] for it in run("images", "list", "Day 7", "--well", "b2", "--plate", "P7")] == [second["id"]]

    table = tmp_path / "samples.csv"
    table.write_text("name,condition,tags\nP7_A01_24h.png,10 µM,control;a\n", encoding="utf-8")
    assert run("images", "describe", "Day 7", table) == 1
    assert [it["name"] for it in run("images", "list", "Day 7", "--tag", "control", "--sort=name")] == [first["name"]]
    table.write_text("name,well\nP7_A01_24h.png,Z99\n", encoding="utf-8")
    refused = run("images", "describe", "Day 7", table, status=3)["error"]
    assert (refused["code"], "row 2, column well" in refused["detail"]) == ("invalid-table", True)

    changed = run("images", "change", first["id"], "--tag", "b", "--pixel-size", 0.5, "--clear", "plate")
    assert (changed["tags"], changed["pixel_size_um"], changed["plate"]) == (["b"], 0.5, None)
    run("images", "change", second["id"], "--move-to", "Day 8")
    assert [it["id"] for it in run("images", "list", "Day 8", "--size-from", 2)] == [second["id"]]
    assert first["name"] in run("images", "show", first["id"], shown=True)

    absent = uuid4()
    told = run("images", "delete", first["id"], absent)
    assert [it["is_deleted"] for it in told] == [True, False]
    assert run("images", "list", "Day 7") == []
    assert f"Image {absent} does not exist" in run("images", "delete", absent, shown=True)


def test_a_long_list_is_read_page_by_page_in_its_order(client: Client, service: Service) -> None:
    project = client.create_project("Many")
    client.announce(project.id, [FileToAnnounce(name=f"{number:03d}.png", size_bytes=1) for number in range(250)])
    found = [image.name for image in client.find_images(project.id, name=".PNG", sort="name")]
    assert found == [f"{number:03d}.png" for number in range(250)]
    assert service.asked(r"GET /v1/projects/.*/images") == 2


def test_what_the_service_refuses_is_told(client: Client) -> None:
    project = client.create_project("Day 7")
    with pytest.raises(ApiError) as wrong:
        client.read_names(project.id, "(")
    assert wrong.value.code == "invalid-pattern"


@pytest.mark.parametrize("command", [command.name for command in images.registered_commands])
def test_every_command_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(app, ["images", command, "--help"])
    assert "Example: spheroseg images" in " ".join(result.stdout.split())


def test_what_one_may_choose_is_what_the_service_knows() -> None:
    assert [choice.value for choice in StateChoice] == [state.value for state in ImageState]
    assert [choice.value for choice in SortChoice] == [sort.value for sort in ImageSort]
