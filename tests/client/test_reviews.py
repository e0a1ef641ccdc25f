"""Review from Python and the command line, against the real API over fakes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.imaging.measures import spheroids_of
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import ApiError
from tests.builders import a_result
from tests.client.service import EMAIL, PASSWORD, Service
from tests.client.test_revisions import labels


@pytest.fixture
def said(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Gives what a command printed: as JSON, or as a person reads it."""
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    monkeypatch.chdir(tmp_path)

    def run(*words: object, as_json: bool = True, fails: bool = False) -> Any:
        result = CliRunner().invoke(app, [*map(str, words), *(["--json"] if as_json else [])])
        assert (result.exit_code != 0) == fails, result.output
        return json.loads(result.stdout) if as_json and not fails else result.output

    return run


def three_runs(service: Service) -> tuple[str, list[Any]]:
    world = service.world
    project = world.a_project(owner_id=EMAIL, name="Day 7")
    runs = [
        world.a_run(
            world.an_image(project, name=f"{name}.tif"),
            *spheroids_of(labels()),
            status=SegmentationStatus.SUCCEEDED,
            result=a_result(3, width_px=40, height_px=30, pixel_size_um=0.5),
        )
        for name in "abc"
    ]
    return str(project.id), runs


def test_results_are_accepted_corrected_rejected_and_counted(service: Service, tmp_path: Path, said: Any) -> None:
    _, (first, second, third) = three_runs(service)
    assert [one["state"] for one in said("review", "list", "Day 7")] == ["open"] * 3
    assert said("review", "accept", first.id, "--note", "fine")["state"] == "accepted"
    corrections = tmp_path / "corrections.json"
    corrections.write_text(json.dumps({"base": 0, "operations": [{"kind": "delete", "numbers": [2]}]}))
    corrected = said("review", "correct", second.id, corrections)
    assert (corrected["state"], corrected["revision"], corrected["agreement"]["deleted"]) == ("corrected", 1, 1)
    assert said("review", "reject", third.id, "--revision", 0)["state"] == "rejected"
    corrections.write_text(json.dumps({"base": 0, "operations": [{"kind": "fill_hole", "number": 1}]}))
    assert "revision 1 by" in said("review", "correct", second.id, corrections, fails=True)
    stale = said("review", "accept", second.id, "--revision", 0, fails=True)
    assert "removed 2" in stale
    assert [one["number"] for one in said("review", "history", second.id)] == [1]
    told = said("review", "list", "Day 7", "--state", "accepted", "--state", "rejected", as_json=False)
    assert "low-confidence" in told
    assert "fine" in told
    assert len(said("review", "list", "Day 7", "--flag", "edge-contact", "--limit", 2)) == 2
    assert said("review", "list", "Day 7", "--flag", "blur") == []
    figures = said("review", "agreement", "Day 7")
    assert figures["results"]["corrected_share"] == pytest.approx(1 / 3)
    shown = said("review", "agreement", "Day 7", as_json=False)
    assert "5 matched, 0 added, 1 deleted" in shown
    assert "IoU with the model" in said("review", "history", second.id, as_json=False)


def test_python_callers_get_types_and_what_changed(service: Service) -> None:
    project_id, (run, *_) = three_runs(service)
    with Client(service.url, email=EMAIL, password=PASSWORD) as client:
        made = client.decide(run.id, 0, "accept")
        assert client.decide(run.id, 0, "accept") == made
        assert list(client.decisions(run.id)) == [made]
        items = list(client.reviews(run.project_id, ["accepted"]))
        assert [(item.segmentation_id, item.decision) for item in items] == [(run.id, made)]
        assert str(run.project_id) == project_id
        assert client.review_figures(run.project_id).results.accepted_share == 1.0
        client.edit(run.id, 0, [{"kind": "delete", "numbers": [2]}])
        with pytest.raises(ApiError) as caught:
            client.decide(run.id, 0, "reject")
        assert (caught.value.code, caught.value.content["later"][0]["removed"]) == ("stale-revision", [2])


def test_only_accepted_results_go_into_an_export(service: Service, tmp_path: Path, said: Any) -> None:
    _, (first, second, _) = three_runs(service)
    corrections = tmp_path / "corrections.json"
    corrections.write_text(json.dumps({"base": 0, "operations": [{"kind": "delete", "numbers": [2]}]}))
    said("review", "accept", first.id)
    said("review", "correct", second.id, corrections)
    answer = said("export", "--project", "Day 7", "--accepted-only", "-f", "coco", "-o", "accepted.json")
    assert (answer["images"], answer["spheroids"], answer["without_result"]) == (2, 5, ["c.tif"])
    said("edit", "restore", second.id, 0, "--base", 1)
    answer = said("export", "--project", "Day 7", "--accepted-only", "-f", "coco", "-o", "again.json")
    assert (answer["images"], answer["without_result"]) == (1, ["c.tif", "b.tif"])
    assert "--project" in said("export", ".", "--accepted-only", "-f", "coco", "-o", "x.json", fails=True)
