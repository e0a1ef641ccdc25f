"""What lies at the repository's root: a stranger finds each thing in one of a dozen rooms."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = {"functions", "infra_cdk", "layers", "gpu_container", "clients", "tests", "docs", ".ci"}
FILES = {
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "pyproject.toml",
    "uv.lock",
    "cdk.json",
    ".gitignore",
    ".pre-commit-config.yaml",
}


def test_nothing_else_lies_at_the_top() -> None:
    listed = subprocess.run(["git", "-C", ROOT, "ls-files"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("It is no checkout: git lists no files")
    files = [Path(line) for line in listed.stdout.splitlines() if (ROOT / line).exists()]
    assert {path.parts[0] for path in files if len(path.parts) > 1} == ROOMS
    assert {path.name for path in files if len(path.parts) == 1} == FILES
