"""The emulator for tests of single adapters: a bare process without state, on a free port of loopback."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra_cdk.local.emulator import EmulatorClients
from tests.postgres import free_port

START_TIMEOUT_S = 30


@contextmanager
def running_emulator() -> Iterator[Mapping[str, str]]:
    """Gives the environment that an SDK finds it with."""
    port = free_port()
    sdk = EmulatorClients(f"127.0.0.1:{port}").environment()
    with tempfile.TemporaryDirectory(prefix="spheroseg-test-") as folder:
        own = {
            "PATH": os.defpath,
            "HOME": folder,
            "TMPDIR": folder,
            "GATEWAY_PORT": str(port),
            "BIND_HOST": "127.0.0.1",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "DOCKER_HOST": f"unix://{folder}/no-docker",
            "LOG_LEVEL": "WARNING",
        }
        with (Path(folder) / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"], env=sdk | own, cwd=folder, stdout=log, stderr=log
            )
            try:
                _wait_until_it_answers(process, f"{sdk['AWS_ENDPOINT_URL']}/_ministack/health")
                yield sdk
            finally:
                process.terminate()
                process.wait(timeout=20)


def _wait_until_it_answers(process: subprocess.Popen[bytes], health: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(health, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.03)
    raise RuntimeError(f"The emulator does not answer (exit code {process.poll()})")
