"""The app as it is started by hand and by CI: a process of its own that imported nothing else before."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk import Annotations, App, Stack

from infra_cdk.app import errors_of
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


def test_what_stands_against_deploying_is_told(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    Annotations.of(Stack(app, "first")).add_error("The first cannot work")
    Annotations.of(Stack(app, "second")).add_warning_v2("spheroseg:test", "The second may be slow")
    app.synth()
    assert errors_of(tmp_path) == {"The first cannot work"}


def test_metadata_within_the_manifest_are_read_as_well(tmp_path: Path) -> None:
    entry = {"type": "aws:cdk:error", "data": "It cannot work"}
    manifest = {"artifacts": {"one": {"type": "aws:cloudformation:stack", "metadata": {"/one": [entry]}}}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    assert errors_of(tmp_path) == {"It cannot work"}
