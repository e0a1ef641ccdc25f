"""The real adapters' surroundings."""

from collections.abc import Iterator

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
