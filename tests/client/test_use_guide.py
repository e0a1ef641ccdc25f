"""The commands of docs/use.md, run by bash as they stand there, by two people, against the real API over fakes."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from spheroseg.domain.administration import DeadLetter, Person, QueueName
from spheroseg.messages import ProjectWorkRequested
from tests.builders import NOW, a_model_card
from tests.client.service import EMAIL, PASSWORD, Service
from tests.client.test_projects import BO
from tests.preloaded import install

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "use.md"
SAMPLES = ROOT / "clients" / "python" / "spheroseg_client" / "samples"

pytestmark = pytest.mark.skipif(not shutil.which("bash"), reason="the guide needs bash")


@pytest.fixture
def programs() -> Iterator[Path]:
    """A folder with the program `spheroseg`."""
    with tempfile.TemporaryDirectory(prefix="spheroseg-use-") as folder:
        address = Path(folder) / "socket"
        install(Path(folder), address)
        command = [sys.executable, "-m", "tests.preloaded", str(address)]
        serving = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline() == "ready\n"
            yield Path(folder)
        finally:
            serving.terminate()
            serving.communicate(timeout=10)


@contextmanager
def jobs_done(service: Service) -> Iterator[None]:
    """What `work_on_projects` and the export worker do with their queues."""
    is_over = threading.Event()

    def work() -> None:
        while not is_over.wait(0.1):
            with service.lock:
                while service.world.work.sent:
                    request = service.world.work.sent.pop(0)
                    assert isinstance(request, ProjectWorkRequested)
                    service.world.use_cases().work_on_project(request.job_id)
                service.export()
                service.import_()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@pytest.mark.timeout(600)  # a hundred commands, on a machine with other work
def test_the_guides_commands_work_one_after_the_other(service: Service, programs: Path, tmp_path: Path) -> None:
    service.sign_in.sign_up(BO, PASSWORD)
    service.world.people.emails[BO] = BO
    service.world.models.cards.append(a_model_card(name="fast"))
    service.groups = "[admin]"
    service.world.directory.people[EMAIL] = Person(EMAIL, EMAIL, True, "CONFIRMED", True, NOW)
    service.world.letters.dead[QueueName.UPDATES] = [
        DeadLetter(f"letter-{number}", QueueName.UPDATES, "{}", NOW + timedelta(seconds=number), 3, None)
        for number in (1, 2)
    ]
    for number, name in enumerate(("P7_A01_24h.png", "P7_A02_24h.png"), 1):
        (tmp_path / name).write_bytes((SAMPLES / f"spheroids-{number}.png").read_bytes())
    script = "\n".join(re.findall(r"```bash\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    with jobs_done(service):
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env={
                "PATH": os.pathsep.join((str(programs), str(Path(sys.executable).parent), os.environ["PATH"])),
                "HOME": str(tmp_path),
                "COLUMNS": "200",
                "SPHEROSEG_API": service.url,
                "SPHEROSEG_EMAIL": EMAIL,
                "SPHEROSEG_PASSWORD": PASSWORD,
                "BO_PASSWORD": PASSWORD,
            },
            capture_output=True,
            text=True,
            timeout=540,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]

    def kept(name: str) -> Any:
        return json.loads((tmp_path / name).read_bytes())

    assert [(image["name"], image["plate"], image["condition"]) for image in kept("images.json")] == [
        ("P7_A02_24h.png", "P7", "10 µM"),
        ("P7_A01_24h.png", "P7", "control"),
    ]
    history = [(run["status"], run["parameters"]["threshold"]) for run in kept("history.json")]
    assert history == [("succeeded", 0.6), ("succeeded", 0.5)]
    assert kept("job.json")["kind"] == "delete"
    assert [(one["format"], one["status"]) for one in kept("exports.json")] == [
        ("coco", "succeeded"),
        ("xlsx", "succeeded"),
    ]
    assert (tmp_path / "day7.xlsx").read_bytes()[:2] == b"PK"
    assert kept("annotations.json")["annotations"]
    drawn = kept("imported.json")
    (image,) = drawn["images"]
    assert (image["revision"], image["added"]) == (0, len(kept("annotations.json")["annotations"]))
    last, first = kept("imports.json")
    assert [one["status"] for one in (first, last)] == ["succeeded", "succeeded"]
    assert [(one["segmentation_id"], one["revision"]) for one in last["images"]] == [
        (image["segmentation_id"], None)  # what came back was the same
    ]
    corrected = kept("revision.json")
    assert (corrected["added"], corrected["changed"], corrected["spheroid_count"]) == ([3], [1, 2], 3)
    assert [one["kind"] for one in corrected["operations"]] == ["fill_hole", "split"]
    assert "revision 1 by" in (tmp_path / "stale.txt").read_text()
    table = (tmp_path / "corrected" / "measures.csv").read_text().splitlines()
    areas = [row["area_px2"] for row in csv.DictReader(table)]
    assert areas == ["900.0", "200.0", "200.0"]
    assert [(deed["action"], deed["subject"]) for deed in kept("actions.json")] == [
        ("discard_dead_letter", "updates/letter-2"),
        ("retry_dead_letter", "updates/letter-1"),
        ("change_quota", EMAIL),
        ("change_quota", EMAIL),
    ]
    assert [project.name for project in service.world.projects.rows.values()] == ["Day 7"]
