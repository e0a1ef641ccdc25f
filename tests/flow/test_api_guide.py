"""The commands of docs/api.md, run as they stand there."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from infra_cdk.local.cloud import LocalCloud

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "api.md"
IMAGE = ROOT / "clients" / "python" / "spheroseg_client" / "samples" / "spheroids-1.png"

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="the guide needs curl and bash"),
]


def test_the_guides_commands_work_one_after_the_other(cloud: LocalCloud, tmp_path: Path) -> None:
    image = tmp_path / "well A1.png"
    image.write_bytes(IMAGE.read_bytes())
    script = "\n".join(re.findall(r"```bash\n(.*?)```", GUIDE.read_text(), re.DOTALL))
    ran = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "API": cloud.api_url, "IMAGE": str(image)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
    assert "\nsucceeded\n" in ran.stdout.replace("}", "\n")
    assert json.loads((tmp_path / "outlines.geojson").read_bytes())["features"]
    graph = json.loads((tmp_path / "graph.json").read_bytes())
    assert "errors" not in graph
    run = graph["data"]["image"]["latestSegmentation"]
    assert run["result"]["spheroidCount"] > 0
    assert run["spheroids"]["nodes"][0]["outline"].startswith("M")
    exported = (tmp_path / "exported.csv").read_bytes()
    assert hashlib.sha256(exported).hexdigest() == (tmp_path / "exported.sha256").read_text().strip()
    assert exported.startswith(b"file,name,page,spheroid,")
    imported = json.loads((tmp_path / "import.json").read_bytes())
    assert imported["status"] == "succeeded"
    (drawn,) = imported["images"]
    assert (drawn["revision"], drawn["added"]) == (0, imported["spheroids"])
    assert (tmp_path / "labels.tif").read_bytes()[:4] in {b"II*\x00", b"MM\x00*"}
