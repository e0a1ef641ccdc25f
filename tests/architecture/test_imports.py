"""The dependency rule: who may import whom, and nothing happens at import.

Imports that only type checkers see (under ``TYPE_CHECKING``) are free.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

IMPORT_ROOTS = {
    "spheroseg": ROOT / "layers/common/python/spheroseg",
    **{folder.name: folder for folder in sorted((ROOT / "functions").iterdir()) if (folder / "__init__.py").exists()},
    "segmentation_worker": ROOT / "gpu_container/segmentation_worker",
    "export_worker": ROOT / "gpu_container/export_worker",
    **({"training": ROOT / "gpu_container/training"} if (ROOT / "gpu_container/training/__init__.py").exists() else {}),
    "infra_cdk": ROOT / "infra_cdk",
    "spheroseg_client": ROOT / "clients/python/spheroseg_client",
}
FUNCTIONS = frozenset(path.name for path in IMPORT_ROOTS.values() if path.parent == ROOT / "functions")

DOMAIN = ("spheroseg.errors", "spheroseg.domain")
PORTS = (*DOMAIN, "spheroseg.messages", "spheroseg.ports")

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "spheroseg.errors": ("spheroseg.errors",),
    "spheroseg.settings": DOMAIN,
    "spheroseg.observability": (),
    "spheroseg.until_signal": (),
    "spheroseg.sqs_batches": ("spheroseg.observability",),
    "spheroseg.domain": DOMAIN,
    "spheroseg.model_registry": DOMAIN,
    "spheroseg.imaging": (*DOMAIN, "spheroseg.imaging", "spheroseg.ports"),
    "spheroseg.statistics": (*DOMAIN, "spheroseg.statistics"),
    "spheroseg.drawing": (),
    "spheroseg.exchange": (
        *DOMAIN,
        "spheroseg.imaging",
        "spheroseg.drawing",
        "spheroseg.model_registry",
        "spheroseg.statistics",
        "spheroseg.exchange",
    ),
    "spheroseg.messages": DOMAIN,
    "spheroseg.bucket_events": DOMAIN,
    "spheroseg.ports": PORTS,
    "spheroseg.use_cases": (*PORTS, "spheroseg.imaging", "spheroseg.model_registry", "spheroseg.use_cases"),
    "spheroseg.adapters": (*PORTS, "spheroseg.settings", "spheroseg.observability", "spheroseg.adapters"),
    **{name: ("spheroseg", name) for name in FUNCTIONS},
    "segmentation_worker": ("spheroseg", "segmentation_worker"),
    "export_worker": ("spheroseg", "export_worker"),
    # Judges models as the worker runs them.
    "training": ("spheroseg", "segmentation_worker", "training"),
    "infra_cdk.local": ("infra_cdk",),
    "infra_cdk": ("infra_cdk.app", "infra_cdk.config", "infra_cdk.stacks", "infra_cdk.components"),
    # The command line starts the local cloud; everything else of the client knows the API alone.
    "spheroseg_client.local": ("spheroseg_client", "infra_cdk.local"),
    # Pictures are drawn by the same hand as the service's, so that numbers and colours agree.
    "spheroseg_client.batch": ("spheroseg_client", "spheroseg.drawing"),
    # Commands on files of this machine use the product's own measures and models, so that figures agree.
    "spheroseg_client.offline": (
        "spheroseg_client",
        "spheroseg.errors",
        "spheroseg.domain",
        "spheroseg.imaging",
        "spheroseg.exchange",
        "spheroseg.statistics",
        "spheroseg.model_registry",
        "segmentation_worker",
        "training",
    ),
    # Labels are drawn, and outlines traced, by the product's own rules, so that what was not touched stays.
    "spheroseg_client.napari": ("spheroseg_client", "spheroseg.errors", "spheroseg.domain", "spheroseg.imaging"),
    "spheroseg_client": ("spheroseg_client",),
}
"""What a module may import of ours, by the longest matching name. Third-party packages follow below."""

ONLY_IN: dict[str, tuple[str, ...]] = {
    "psycopg": ("spheroseg.adapters.postgres", "infra_cdk.local"),
    "psycopg_pool": ("spheroseg.adapters.postgres",),
    "alembic": ("spheroseg.adapters.postgres.migrations",),
    "sqlalchemy": ("spheroseg.adapters.postgres.migrations",),
    "boto3": ("spheroseg.adapters", "infra_cdk.local"),
    "botocore": ("spheroseg.adapters", "infra_cdk.local"),
    "aws_lambda_powertools": (
        "spheroseg.observability",
        "spheroseg.sqs_batches",
        "segmentation_worker.reports",
        "export_worker.reports",
        *FUNCTIONS,
    ),
    "fastapi": ("http_api",),
    "starlette": ("http_api",),
    "mangum": ("http_api",),
    "numpy": (
        "spheroseg.imaging",
        "spheroseg.exchange",
        "spheroseg.statistics",
        "segmentation_worker",
        "training",
        "spheroseg_client",
    ),
    "onnxruntime": ("segmentation_worker", "training"),
    "aws_cdk": ("infra_cdk",),
    "ministack": ("infra_cdk.local",),
    "httpx": ("spheroseg_client", "infra_cdk.local"),
}
"""Packages that only some of our code may know."""

PURE = ("spheroseg.errors", "spheroseg.domain", "spheroseg.messages", "spheroseg.ports", "spheroseg.use_cases")
PURE_MAY_IMPORT = frozenset({"pydantic"})
"""What the middle of the system may import beside the standard library."""


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, Path]:
    """Every module of ours by its full name."""
    found = {}
    for name, folder in IMPORT_ROOTS.items():
        for path in folder.rglob("*.py"):
            parts = [name, *path.relative_to(folder).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for module, path in modules().items() for found in imports_of(module, path))


def imports_of(module: str, path: Path) -> Iterator[Import]:
    tree = ast.parse(path.read_text())
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (Import(module, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively; say the full name"
            assert node.module is not None
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                yield Import(module, node.lineno, full if full in modules() else node.module)


def is_within(name: str, packages: Iterable[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def layer_of(module: str) -> str:
    """The longest name of the rule that a module falls under."""
    return max((layer for layer in MAY_IMPORT if is_within(module, [layer])), key=len, default="")


def test_every_module_falls_under_the_rule() -> None:
    assert {module for module in modules() if not layer_of(module)} - {"spheroseg"} == set()


def test_arrows_never_turn_back() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.target.split(".")[0] in IMPORT_ROOTS
        and not is_within(found.target, MAY_IMPORT[layer_of(found.module)])
    ]
    assert wrong == []


def test_nobody_imports_tests() -> None:
    assert [str(found) for found in imports() if is_within(found.target, ["tests"])] == []


def test_packages_stay_where_they_belong() -> None:
    wrong = [
        str(found)
        for found in imports()
        if (package := found.target.split(".")[0]) in ONLY_IN and not is_within(found.module, ONLY_IN[package])
    ]
    assert wrong == []


def test_the_middle_of_the_system_knows_no_technology() -> None:
    allowed = PURE_MAY_IMPORT | sys.stdlib_module_names | {"spheroseg"}
    wrong = [
        str(found) for found in imports() if is_within(found.module, PURE) and found.target.split(".")[0] not in allowed
    ]
    assert wrong == []


def test_entries_know_no_client_and_no_environment() -> None:
    """``entry.py``: event in, use case, answer out; adapters are put together in ``wiring.py``."""
    wrong = [
        str(found)
        for found in imports()
        if found.module.endswith(".entry")
        and (is_within(found.target, ["spheroseg.adapters"]) or found.target.split(".")[0] == "os")
    ]
    assert wrong == []


def test_only_handlers_and_mains_read_the_environment() -> None:
    wrong = [
        f"{module}:{node.lineno}"
        for module, path in modules().items()
        if not module.endswith((".handler", ".__main__")) and not is_within(module, ["infra_cdk"])
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "from_env" and isinstance(node.ctx, ast.Load)
    ]
    assert wrong == []


EXCEPTIONS = {
    "layers/common/python/spheroseg/observability.py": "the logger reads its name and level",
    "infra_cdk/__init__.py": "the CDK library starts Node while it is imported, and has to be told which",
}

WATCHED_IMPORT = """
import importlib, os, sys
root, names = sys.argv[1], sys.argv[2:]
seen = []

def ours(directly):
    # Which line of ours is at it; directly: with nothing but the standard library in between.
    frame = sys._getframe(2)
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(root) and "/.venv/" not in file:
            return f"{file.removeprefix(root)}:{frame.f_lineno}"
        if "importlib" in file or (directly and "site-packages" in file):
            return None
        frame = frame.f_back
    return None

def watch(event, args):
    if event == "open" and not str(args[0]).endswith((".py", ".pyc", ".so")) and (where := ours(True)):
        seen.append(f"{where} opens {args[0]}")
    elif event in {"socket.connect", "subprocess.Popen", "os.system", "_thread.start_new_thread"}:
        if where := ours(False):
            seen.append(f"{where} causes {event}")

read = os._Environ.__getitem__

def watched_read(self, key):
    if where := ours(True):
        seen.append(f"{where} reads the variable {key}")
    return read(self, key)

importlib.import_module("aws_lambda_powertools")
sys.addaudithook(watch)
os._Environ.__getitem__ = watched_read
for name in names:
    importlib.import_module(name)
print("\\n".join(seen))
"""


TRAINING_ALONE = ("torch",)
"""Packages of the dependency group ``training``, which is not installed where nothing is trained."""


def runnable() -> set[str]:
    """Every module of ours whose imports are installed here."""
    absent = [package for package in TRAINING_ALONE if find_spec(package) is None]
    lost: set[str] = set()
    while found := {one.module for one in imports() if is_within(one.target, [*absent, *lost])} - lost:
        lost |= found
    return modules().keys() - lost


@pytest.mark.parametrize("roots", [IMPORT_ROOTS.keys() - {"infra_cdk"}, {"infra_cdk"}], ids=["run time", "infra"])
def test_nothing_happens_at_import(roots: set[str]) -> None:
    """No file, no variable, no connection, no thread, no process; but in ``handler.py`` and ``__main__.py``.

    Alembic executes ``migrations/env.py`` and the revisions, nobody imports them.
    """
    names = sorted(
        module
        for module in runnable()
        if is_within(module, roots)
        and not module.endswith((".handler", ".__main__", "migrations.env", "spheroseg.observability"))
        and ".versions." not in module
    )
    done = subprocess.run(
        [sys.executable, "-c", WATCHED_IMPORT, f"{ROOT}/", *names], capture_output=True, text=True, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    happened = [line for line in done.stdout.splitlines() if line and not line.startswith(tuple(EXCEPTIONS))]
    assert happened == []


def test_functions_run_without_the_scientific_packages() -> None:
    """They would double a cold start: who edits outlines waits for numpy, nobody else; the others are not in the layer."""
    names = [f"{function}.{part}" for function in sorted(FUNCTIONS) for part in ("entry", "wiring", "settings")]
    program = (
        f"import sys, {', '.join(names)}\n"
        "print(sorted({'numpy', 'cv2', 'scipy', 'onnxruntime', 'tifffile', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
