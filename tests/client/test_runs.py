"""Many runs from the command line, against the real API over fakes."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg_client.command_line import app
from spheroseg_client.run_commands import runs
from tests.builders import an_order
from tests.client.service import EMAIL, PASSWORD, Service


def test_runs_are_started_followed_cancelled_retried_and_compared(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)

    def run(*words: object, as_json: bool = True, status: int = 0) -> Any:
        result = CliRunner().invoke(app, ["runs", *map(str, words), *(["--json"] if as_json else [])])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if as_json else result.stdout

    world = service.world
    service.works = False
    project = world.a_project(owner_id=EMAIL, name="Day 7")  # the service takes addresses for ids
    first, second = world.an_image(project), world.an_image(project)
    world.a_run(second, status=SegmentationStatus.FAILED)

    batch = run("start", "Day 7", "--image", first.id, "--priority", 9, "--threshold", 0.6, "--key", "k")
    assert batch["counts"] == {"started": 1}
    assert run("start", "Day 7", "--image", first.id, "--priority", 9, "--threshold", 0.6, "--key", "k") == batch
    assert "already active  1" in run("start", "Day 7", "--image", first.id, "--threshold", 0.6, as_json=False)
    assert run("batch", batch["id"])["progress"]["counts"] == {"queued": 1}
    assert "1 of 2 have ended" in run("progress", project.id, as_json=False)
    assert run("retry", project.id)["counts"] == {"started": 1}
    assert [it["status"] for it in run("history", second.id)] == ["queued", "failed"]
    assert run("cancel", "Day 7", "--batch", batch["id"]) == {"cancelled": 1, "left": 0}
    assert "1 run cancelled" in run("cancel", "Day 7", as_json=False)

    one = world.a_run(first, status=SegmentationStatus.SUCCEEDED, order=an_order(model="a"))
    other = world.a_run(first, status=SegmentationStatus.SUCCEEDED, order=an_order(model="b"))
    assert run("compare", one.id, other.id)["matched"] == 0
    assert "mean IoU" in run("compare", one.id, other.id, as_json=False)
    assert run("batch", first.id, status=3)["error"]["code"] == "run-batch-not-found"


def test_every_command_shows_an_example() -> None:
    for it in runs.registered_commands:
        assert it.epilog is not None
        assert f"spheroseg runs {it.name} " in it.epilog
