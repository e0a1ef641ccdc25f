"""The app as it is started by hand and by CI: a process of its own that imported nothing else before."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra_cdk.config import ROOT

pytestmark = pytest.mark.synth


def test_production_synthesises_by_its_command(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "infra_cdk.app", "--stage", "production", "--output", str(tmp_path / "assembly")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "assembly" / "manifest.json").is_file()
