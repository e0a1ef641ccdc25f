"""What is deployed: each function alone, libraries as locked, an image of what it needs."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack

from infra_cdk.app import errors_of
from infra_cdk.components import function
from infra_cdk.components.function import Layers
from infra_cdk.config import PRODUCTION, ROOT
from tests.infra.stages import Synthesised, texts

REQUIREMENTS = ROOT / "layers" / "dependencies" / "requirements.txt"


def files_of(stage: Synthesised, properties: dict[str, Any]) -> Path:
    """The folder of a function's or layer's asset."""
    code = properties.get("Code") or properties["Content"]
    (digest,) = (text.removesuffix(".zip") for text in texts(code["S3Key"]))
    return stage.folder / f"asset.{digest}"


def test_a_function_carries_its_own_folder_alone(stage: Synthesised) -> None:
    for name, properties in stage.functions().items():
        folder = files_of(stage, properties)
        assert [path.name for path in folder.iterdir()] == [name]
        assert (folder / name / "handler.py").is_file()
        assert not list(folder.rglob("*.pyc"))


def test_our_code_is_a_layer(stage: Synthesised) -> None:
    layers = [
        properties
        for _, logical_id, properties in stage.resources("AWS::Lambda::LayerVersion")
        if "common" in logical_id
    ]
    assert layers
    for properties in layers:
        assert (files_of(stage, properties) / "python" / "spheroseg" / "settings.py").is_file()


@pytest.mark.parametrize(
    ("stack", "sent"),
    [
        ("segmentation", {"Dockerfile", "segmentation_worker"}),
        ("exports", {"export.Dockerfile", "export_worker"}),
    ],
)
def test_an_image_is_made_of_what_docker_reads(production: Synthesised, stack: str, sent: set[str]) -> None:
    assets = json.loads((production.folder / f"spheroseg-production-{stack}.assets.json").read_text())
    (image,) = assets["dockerImages"].values()
    folder = production.folder / image["source"]["directory"]
    assert (folder / image["source"]["dockerFile"]).is_file()
    assert {path.name for path in folder.iterdir()} == {"pyproject.toml", "uv.lock", "layers", "gpu_container"}
    assert (folder / "layers/common/python/spheroseg/settings.py").is_file()
    assert {path.name for path in (folder / "gpu_container").iterdir()} == sent
    assert image["source"]["platform"] == "linux/amd64"


def refusals(dependencies: Path, monkeypatch: pytest.MonkeyPatch, folder: Path) -> set[str]:
    """What a stack with layers says to whoever deploys it."""
    monkeypatch.setattr(function, "DEPENDENCIES", dependencies)
    app = App(outdir=str(folder), analytics_reporting=False)
    Layers(Stack(app, "stack"), PRODUCTION)
    app.synth()
    return errors_of(folder)


@pytest.fixture
def dependencies(tmp_path: Path) -> Path:
    folder = tmp_path / "dependencies"
    (folder / "python" / "some_library").mkdir(parents=True)
    (folder / "requirements.txt").write_text("some-library==1\n")
    stamp = hashlib.sha256((folder / "requirements.txt").read_bytes()).hexdigest()
    (folder / "python" / ".built-from").write_text(stamp)
    return folder


def test_a_built_layer_can_be_deployed(dependencies: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert refusals(dependencies, monkeypatch, tmp_path / "out") == set()


@pytest.mark.parametrize("spoil", ["missing", "old"])
def test_a_layer_that_does_not_fit_is_refused_when_deployed(
    dependencies: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, spoil: str
) -> None:
    if spoil == "missing":
        shutil.rmtree(dependencies / "python")
    else:
        (dependencies / "requirements.txt").write_text("some-library==2\n")
    (refusal,) = refusals(dependencies, monkeypatch, tmp_path / "out")
    assert "layers/dependencies/build.py" in refusal


def test_requirements_are_what_the_lock_says() -> None:
    uv = shutil.which("uv")
    if uv is None:
        pytest.skip("uv is not on the path")
    command = [uv, "export", "--frozen", "--offline", "--extra", "api", "--no-dev", "--no-emit-project", "--no-header"]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    exported = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert REQUIREMENTS.read_text(encoding="utf-8") == exported.stdout, (
        "uv export --frozen --extra api --no-dev --no-emit-project --no-header -o layers/dependencies/requirements.txt"
    )
