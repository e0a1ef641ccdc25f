"""Figures are collected while benchmarks run, printed as a table at the end, and appended to a file on demand."""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import pytest

from infra_cdk.local.cloud import LocalCloud, start_local_cloud
from infra_cdk.local.processes import free_ports
from tests.flow.api_user import ApiUser

FIGURES = pytest.StashKey[list["Figure"]]()


@dataclass(frozen=True)
class Figure:
    """One measured number beside the baseline that it is held against."""

    what: str
    value: float
    unit: str
    baseline: str
    baseline_value: float

    @property
    def row(self) -> str:
        ratio = self.value / self.baseline_value if self.baseline_value else float("nan")
        return (
            f"| {self.what} | {self.value:.4g} {self.unit} | {self.baseline} | "
            f"{self.baseline_value:.4g} {self.unit} | {ratio:.3g} |"
        )


Record = Callable[[str, float, str, str, float], None]


@pytest.fixture
def record(request: pytest.FixtureRequest) -> Record:
    figures = request.config.stash.setdefault(FIGURES, [])

    def add(what: str, value: float, unit: str, baseline: str, baseline_value: float) -> None:
        figures.append(Figure(what, value, unit, baseline, baseline_value))

    return add


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    figures = config.stash.get(FIGURES, [])
    if not figures:
        return
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [
        f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine}",
        "",
        f"`uv run pytest {' '.join(config.invocation_params.args)}`",
        "",
        "| what | measured | baseline | its figure | ratio |",
        "|---|---|---|---|---|",
        *(figure.row for figure in figures),
    ]
    terminalreporter.write_line("\n".join(lines))
    target = config.getoption("--record")
    if target:
        with Path(target).open("a", encoding="utf-8") as file:
            file.write("\n" + "\n".join(lines) + "\n")


@dataclass
class Sample:
    """Durations of one thing, in seconds."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p50_ms(self) -> float:
        return 1000 * median(self.seconds)

    @property
    def p95_ms(self) -> float:
        return 1000 * sorted(self.seconds)[int(0.95 * (len(self.seconds) - 1))]


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    folder = Path(tempfile.mkdtemp(prefix="spheroseg-benchmark-"))
    folder.chmod(0o755)
    try:
        with start_local_cloud(folder, free_ports(1)[0]) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def user(cloud: LocalCloud) -> Iterator[ApiUser]:
    with ApiUser(cloud.api_url) as somebody:
        yield somebody
