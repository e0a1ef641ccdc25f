"""Make layers/dependencies/python: the libraries of the functions, built for Lambda (Python 3.13 on arm64).

    uv export --frozen --extra api --no-dev --no-emit-project --no-header -o layers/dependencies/requirements.txt
    python layers/dependencies/build.py

The first line brings requirements.txt up to date with uv.lock, and a test holds both together. The second needs the
network, unless uv has the wheels in its cache; it does nothing when the folder is up to date. `cdk synth` and
`cdk deploy` run it by themselves (`build` in cdk.json); `python -m infra_cdk.app` and the tests work without it.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
REQUIREMENTS = FOLDER / "requirements.txt"
TARGET = FOLDER / "python"
STAMP = ".built-from"
PYTHON_VERSION = "3.13"
PLATFORM = "aarch64-manylinux_2_28"  # Amazon Linux 2023, which the runtime stands on, has glibc 2.34
MAX_SIZE_BYTES = 250_000_000 - 10_000_000  # a function with its layers, less our own code (AWS Lambda quotas)


def is_current() -> bool:
    """Whether the folder was made from the present requirements.txt."""
    stamp = TARGET / STAMP
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _digest()


def build(interpreter: str | None) -> int:
    """Make the folder anew.

    Args:
        interpreter: A Python of the runtime's version, whose bytecode is shipped; None looks for one. Without, imports
            take twice as long at each cold start.

    Returns:
        Its size in bytes.

    Raises:
        SystemExit: uv is missing or failed, or the libraries are larger than Lambda takes.
    """
    uv = shutil.which("uv")
    if uv is None:
        raise SystemExit("uv is needed to build the layer: pip install uv")
    with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".python-") as scratch:
        made = Path(scratch) / "python"
        install = [uv, "pip", "install", "--target", str(made), "--python", sys.executable, "--only-binary", ":all:"]
        chosen = ["--python-platform", PLATFORM, "--python-version", PYTHON_VERSION, "--require-hashes", "--no-deps"]
        if subprocess.run([*install, *chosen, "-r", str(REQUIREMENTS)], check=False).returncode != 0:
            raise SystemExit("The libraries could not be installed, see above")
        shutil.rmtree(made / "bin", ignore_errors=True)
        compiler = interpreter or _interpreter(uv)
        if compiler:
            # Hashes instead of times: the same libraries give the same layer, and nothing is checked when importing.
            options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(made), "-p", "/opt/python"]
            subprocess.run([compiler, "-m", "compileall", *options, str(made)], check=True)
        else:
            print(f"No Python {PYTHON_VERSION} found: the layer carries no bytecode, and cold starts take longer")
        size_bytes = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
        if size_bytes > MAX_SIZE_BYTES:
            raise SystemExit(f"The libraries take {size_bytes / 1e6:.0f} MB, Lambda allows {MAX_SIZE_BYTES / 1e6:.0f}")
        (made / STAMP).write_text(_digest(), encoding="utf-8")
        shutil.rmtree(TARGET, ignore_errors=True)
        made.rename(TARGET)
    return size_bytes


def _digest() -> str:
    return hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()


def _interpreter(uv: str) -> str | None:
    if sys.version_info[:2] == tuple(int(part) for part in PYTHON_VERSION.split(".")):
        return sys.executable
    found = subprocess.run(
        [uv, "python", "find", "--no-python-downloads", PYTHON_VERSION], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() if found.returncode == 0 else None


def main() -> None:
    """Build the folder if it is missing or old."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--interpreter", help=f"path of a Python {PYTHON_VERSION}")
    parser.add_argument("--force", action="store_true", help="build although the folder is up to date")
    arguments = parser.parse_args()
    if is_current() and not arguments.force:
        print(f"{TARGET} is up to date")
        return
    print(f"{TARGET}: {build(arguments.interpreter) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
