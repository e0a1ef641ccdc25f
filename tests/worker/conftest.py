"""The worker's real surroundings, on the servers that the whole suite shares."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.postgres import Servers
from tests.worker.surroundings import Surroundings
from tests.worker.workplace import Workplace


@pytest.fixture
def around(aws: Mapping[str, str], servers: Servers, tmp_path: Path) -> Iterator[Surroundings]:
    """A bucket, queues and an emptied database."""
    servers.empty()
    database = servers.database()
    surroundings = Surroundings(aws, servers, database, tmp_path)
    yield surroundings
    surroundings.end()
    database.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    place = Workplace(tmp_path)
    yield place
    place.stop()
