"""The worker's real surroundings, on the servers that the whole suite shares."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.postgres import Servers
from tests.worker.surroundings import Surroundings
from tests.worker.workplace import Workplace


@pytest.fixture(scope="module")
def surround(
    emulator: Mapping[str, str], servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Surroundings]]:
    """Gives surroundings that last as long as the file's tests: what is begun in them goes on beside other tests."""
    begun: list[Surroundings] = []

    def new_ones() -> Surroundings:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in emulator.items():
                patch.setenv(name, value)
            begun.append(Surroundings(emulator, servers, servers.database(), tmp_path_factory.mktemp("worker")))
        return begun[-1]

    yield new_ones
    for surroundings in begun:
        surroundings.end()
        surroundings.database.close()


@pytest.fixture
def around(aws: Mapping[str, str], servers: Servers, tmp_path: Path) -> Iterator[Surroundings]:
    """A bucket, queues and a project of the test's own; workers know of nothing else."""
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
