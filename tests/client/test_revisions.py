"""Corrected outlines from Python and the command line, against the real API over fakes."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import polars as pl
import pytest
import tifffile
from typer.testing import CliRunner

from spheroseg.domain.packed_outlines import file_of, packed
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging.measures import spheroids_of
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError, UnexpectedAnswerError
from spheroseg_client.packed_outlines import read_packed
from tests.builders import a_result
from tests.client.service import EMAIL, PASSWORD, Service


def labels() -> Any:
    found = np.zeros((30, 40), np.int32)
    found[5:15, 5:15] = 1
    found[8:11, 8:11] = 0
    found[5:15, 15:20] = 2
    found[20:28, 30:38] = 3
    return found


def a_run(service: Service) -> Any:
    world = service.world
    project = world.a_project(owner_id=EMAIL)  # the service takes addresses for ids
    result = a_result(3, width_px=40, height_px=30, pixel_size_um=0.5)
    return world.a_run(
        world.an_image(project), *spheroids_of(labels()), status=SegmentationStatus.SUCCEEDED, result=result
    )


def test_outlines_are_corrected_compared_restored_and_written(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    run = a_run(service)

    def edit(*words: object, as_json: bool = True, fails: bool = False) -> Any:
        result = CliRunner().invoke(app, ["edit", *map(str, words), *(["--json"] if as_json else [])])
        assert (result.exit_code != 0) == fails, result.output
        return json.loads(result.stdout) if as_json and not fails else result.output

    corrections = tmp_path / "corrections.json"
    operations: list[dict[str, Any]] = [
        {"kind": "fill_hole", "number": 1},
        {"kind": "delete", "numbers": [2]},
        {"kind": "split", "number": 3, "line": [[29, 22], [39, 22]]},
    ]
    corrections.write_text(json.dumps({"base": 0, "operations": operations}))
    saved = edit("apply", run.id, corrections, "--note", "looked at")
    assert (saved["number"], saved["added"], saved["changed"], saved["removed"]) == (1, [4], [1, 3], [2])

    stale = edit("apply", run.id, corrections, fails=True)
    assert "revision 1 by" in stale
    assert "removed 2" in stale
    assert "operation 0, spheroid 1: it has no hole" in edit("apply", run.id, corrections, "--base", 1, fails=True)
    corrections.write_text(json.dumps(operations[:1]))
    assert "--base" in edit("apply", run.id, corrections, fails=True)
    corrections.write_text("{")
    assert "is not JSON" in edit("apply", run.id, corrections, "--base", 1, fails=True)

    assert [one["number"] for one in edit("history", run.id)] == [1]
    assert "looked at" in edit("history", run.id, as_json=False)
    assert edit("show", run.id, 1)["operations"][1] == {"kind": "delete", "numbers": [2]}
    assert edit("diff", run.id, 1)["whole"]["moved_px"] == 9 + 50
    assert "0.9100" in edit("diff", run.id, 1, as_json=False)

    files = edit("get", run.id, "--out", tmp_path / "corrected")
    expected = labels()
    expected[8:11, 8:11] = 1
    expected[expected == 2] = 0
    expected[20:22, 30:38] = 4
    assert (tifffile.imread(files["files"]["labels"]) == expected).all()
    table = pl.read_csv(files["files"]["measures"])
    assert table["number"].to_list() == [1, 3, 4]
    assert table["revision"].to_list() == [1, 1, 1]
    assert table["area_px2"].to_list() == [100, 48, 16]
    assert table["area_um2"].to_list() == [25, 12, 4]
    collection = json.loads(Path(files["files"]["outlines"]).read_text())
    assert (collection["revision"], len(collection["features"])) == (1, 3)
    first = edit("get", run.id, "--revision", 0, "--out", tmp_path / "found")
    assert (tifffile.imread(first["files"]["labels"]) == labels()).all()

    assert edit("restore", run.id, 0, "--base", 1)["restored_from"] == 0
    with Client(service.url, email=EMAIL, password=PASSWORD) as client:
        assert client.segmentation(run.id).revision == 2
        now, found = client.revised(run.id), client.revised(run.id, 0)
        outlined = [one.model_copy(update={"brightness_due_since": None}) for one in now.items]
        assert (now.revision, outlined) == (2, found.items)
        outlines = client.outlines(run.id)
        assert (outlines.revision, outlines.width_px, outlines.height_px) == (2, 40, 30)
        assert {number: list(one) for number, one in outlines.spheroids.items()} == {
            one.number: one.polygons for one in now.items
        }
        assert list(client.outlines(run.id, bbox=(29, 19, 39, 29)).spheroids) == [3]
        with pytest.raises(ApiError) as caught:
            client.revised(uuid4())
        assert caught.value.code == "segmentation-not-found"


def test_damaged_packed_outlines_are_told() -> None:
    square = (Polygon(((1.0, 1.0), (3.25, 1.0), (3.25, 9.0))), Polygon(((900.0, 1.0), (3.25, 1.0), (3.25, 90_000.0))))
    whole = file_of([(7, packed(square))], 2, (10, 12), 7)
    found = read_packed(whole)
    assert (found.revision, found.next_after) == (2, 7)
    assert [one.exterior for one in found.spheroids[7]] == [list(one.exterior) for one in square]
    for damaged in (b"", b"GIF89a" + whole, whole[:-1], whole + b"0", whole[:4] + b"\x02" + whole[5:]):
        with pytest.raises(UnexpectedAnswerError):
            read_packed(damaged)
