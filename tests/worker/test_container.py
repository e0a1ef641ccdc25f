"""The container without an engine to build it: its file is linted, its install steps and entry point are run here."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from spheroseg.domain.segmentation import SegmentationStatus
from tests.worker.surroundings import Surroundings, spheroids_tiff, until

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "gpu_container" / "Dockerfile"
EXPORTS = ROOT / "gpu_container" / "export.Dockerfile"
BOTH = pytest.mark.parametrize("dockerfile", [DOCKERFILE, EXPORTS], ids=lambda path: path.name)


@dataclass(frozen=True)
class Instruction:
    name: str
    rest: str


def stages(dockerfile: Path = DOCKERFILE) -> list[list[Instruction]]:
    """The instructions of each stage, comments and line continuations removed."""
    lines = [line for line in dockerfile.read_text().splitlines() if not line.startswith("#")]
    text = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found: list[list[Instruction]] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        name, rest = line.split(maxsplit=1)
        if name == "FROM":
            found.append([])
        if found:
            found[-1].append(Instruction(name, rest))
    return found


def build_stage() -> list[Instruction]:
    return next(stage for stage in stages() if stage[0].rest.endswith("AS build"))


def only(stage: list[Instruction], name: str) -> str:
    (rest,) = (instruction.rest for instruction in stage if instruction.name == name)
    return rest


@BOTH
def test_hadolint_finds_nothing(dockerfile: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    linted = subprocess.run([hadolint, dockerfile], capture_output=True, text=True, check=False)
    assert linted.stdout == ""
    assert linted.returncode == 0


def test_the_worker_is_no_root_and_gets_signals_itself() -> None:
    final = stages()[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", only(final, "USER"))
    assert json.loads(only(final, "ENTRYPOINT")) == ["python", "-m", "segmentation_worker"]
    assert only(final, "STOPSIGNAL") == "SIGTERM"
    check = only(final, "HEALTHCHECK")
    assert json.loads(check[check.index("[") :]) == ["python", "-m", "segmentation_worker.health"]
    last = [instruction.name for instruction in final]
    assert last.index("USER") > max(place for place, name in enumerate(last) if name in {"RUN", "COPY"})


def test_the_export_worker_is_no_root_and_gets_signals_itself() -> None:
    final = stages(EXPORTS)[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", only(final, "USER"))
    assert json.loads(only(final, "ENTRYPOINT")) == ["python", "-m", "export_worker"]
    assert only(final, "STOPSIGNAL") == "SIGTERM"
    last = [instruction.name for instruction in final]
    assert last.index("USER") > max(place for place, name in enumerate(last) if name in {"RUN", "COPY"})


@BOTH
def test_every_base_is_pinned(dockerfile: Path) -> None:
    arguments = dict(
        line.removeprefix("ARG ").split("=", 1)
        for line in dockerfile.read_text().splitlines()
        if line.startswith("ARG ")
    )
    for stage in stages(dockerfile):
        image = stage[0].rest.split()[0]
        for name, value in arguments.items():
            image = image.replace(f"${{{name}}}", value)
        assert re.search(r":\d+\.\d+\.\d+", image), f"{image} names no exact version"


@BOTH
def test_docker_is_sent_what_the_image_is_made_of_and_nothing_else(dockerfile: Path) -> None:
    ignored = dockerfile.with_name(f"{dockerfile.name}.dockerignore").read_text().splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    assert patterns[0] == "*"
    sent = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    copied = {
        source
        for stage in stages(dockerfile)
        for instruction in stage
        if instruction.name == "COPY" and "--from" not in instruction.rest
        for source in instruction.rest.split()[:-1]
    }
    assert sent == copied
    assert all((ROOT / source).exists() for source in copied)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The image's folders, made by the steps of its file; the CPU's packages stand in for the GPU's."""
    root = tmp_path_factory.mktemp("image")
    settings = dict(part.split("=", 1) for part in shlex.split(only(build_stage(), "ENV")))
    build = root / only(build_stage(), "WORKDIR").lstrip("/")
    build.mkdir(parents=True)
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, build)
    steps = [instruction.rest for instruction in build_stage() if instruction.name == "RUN"]
    assert len(steps) == 1
    command = shlex.split(re.sub(r"--mount=\S+\s+", "", steps[0]))
    assert command[:2] == ["uv", "sync"]
    assert "--locked" in command
    command[command.index("worker-gpu")] = "worker"
    command[command.index("--python") + 1] = sys.executable
    command.remove("--managed-python")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        "UV_PROJECT_ENVIRONMENT": str(root / settings["UV_PROJECT_ENVIRONMENT"].lstrip("/")),
    }
    subprocess.run(command, cwd=build, env=environment, check=True, capture_output=True, timeout=240)
    app = root / only(stages()[-1], "WORKDIR").lstrip("/")
    app.mkdir()
    for instruction in stages()[-1]:
        if instruction.name == "COPY" and "--from" not in instruction.rest:
            source, target = instruction.rest.split()
            shutil.copytree(ROOT / source, app / target, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def test_the_installed_worker_segments_an_image_is_healthy_and_ends_on_sigterm(
    image: Path, around: Surroundings, tmp_path: Path
) -> None:
    python = image / "opt" / "venv" / "bin" / "python"
    run = around.add(spheroids_tiff(tmp_path / "small.tif", 512))
    entry = json.loads(only(stages()[-1], "ENTRYPOINT"))
    worker = around.start([str(python), *entry[1:]], folder=image / "app", PYTHONDONTWRITEBYTECODE="1")
    until(lambda: around.statuses([run]) == [SegmentationStatus.SUCCEEDED], 120)
    around.empty(20)
    around.require_whole([run])
    health = subprocess.run(
        [python, "-m", "segmentation_worker.health"], cwd=image / "app", env=around.environment(), check=False
    )
    assert health.returncode == 0
    assert worker.stop(60) == 0
    stopped = subprocess.run(
        [python, "-m", "segmentation_worker.health"],
        cwd=image / "app",
        env=around.environment(),
        check=False,
        capture_output=True,
    )
    assert stopped.returncode == 1


def test_the_image_holds_nothing_of_the_tests_and_the_clients(image: Path) -> None:
    assert sorted(path.name for path in (image / "app").iterdir()) == ["segmentation_worker", "spheroseg"]
    installed = {path.name for path in (image / "opt" / "venv").glob("lib/python*/site-packages/*")}
    assert not installed & {"pytest", "moto", "ministack", "typer", "aws_cdk", "spheroseg_client"}
    assert "onnxruntime" in installed
