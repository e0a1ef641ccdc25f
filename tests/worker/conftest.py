"""The worker's real surroundings, started once for all tests that ask for them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.emulator import running_emulator
from tests.postgres import Servers, running_servers
from tests.worker.surroundings import Surroundings


@pytest.fixture(scope="session")
def sdk() -> Iterator[Mapping[str, str]]:
    """The emulator, as an SDK finds it."""
    with running_emulator() as sdk:
        yield sdk


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """A PostgreSQL primary and its standby."""
    with running_servers() as servers:
        yield servers


@pytest.fixture
def around(sdk: Mapping[str, str], servers: Servers, tmp_path: Path) -> Iterator[Surroundings]:
    """A bucket, queues and an emptied database."""
    servers.empty()
    database = servers.database()
    surroundings = Surroundings(sdk, servers, database, tmp_path)
    yield surroundings
    surroundings.end()
    database.close()
