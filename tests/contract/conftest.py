"""The real adapters' surroundings."""

from collections.abc import Iterator, Mapping

import pytest

from spheroseg.adapters.postgres.database import Database
from tests.postgres import Servers


@pytest.fixture(scope="session")
def writer_only(servers: Servers) -> Iterator[Database]:
    """A database without a reader: whatever is written can be read."""
    database = servers.database()
    yield database
    database.close()


@pytest.fixture
def database(servers: Servers, writer_only: Database) -> Database:
    """The same, emptied."""
    servers.empty()
    return writer_only


@pytest.fixture
def aws(emulator: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """The environment of a process that runs against the emulator, as the deployed one runs against AWS."""
    for name, value in emulator.items():
        monkeypatch.setenv(name, value)
    return emulator
