"""One local cloud for all flow tests, in a folder and on ports of its own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra_cdk.local.cloud import LocalCloud, start_local_cloud
from infra_cdk.local.processes import free_ports
from tests.flow.api_user import ApiUser

SAMPLES = Path(__file__).parents[2] / "clients" / "python" / "spheroseg_client" / "samples"


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    folder = Path(tempfile.mkdtemp(prefix="spheroseg-flow-"))
    folder.chmod(0o755)  # PostgreSQL may run as another account
    try:
        with start_local_cloud(folder, free_ports(1)[0]) as running:
            yield running
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def sign_up(cloud: LocalCloud) -> Iterator[Callable[[], ApiUser]]:
    users: list[ApiUser] = []

    def new_user() -> ApiUser:
        users.append(ApiUser(cloud.api_url))
        return users[-1]

    yield new_user
    for user in users:
        user.http.close()


@pytest.fixture(scope="session")
def user(sign_up: Callable[[], ApiUser]) -> ApiUser:
    return sign_up()


@pytest.fixture(scope="session")
def stranger(sign_up: Callable[[], ApiUser]) -> ApiUser:
    return sign_up()


@pytest.fixture(scope="session")
def sample() -> bytes:
    """A real image with several spheroids."""
    return (SAMPLES / "spheroids-1.png").read_bytes()
