"""A service of its own for each test."""

from collections.abc import Iterator

import pytest

from spheroseg_client.client import Client
from tests.client.service import EMAIL, PASSWORD, Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service().running() as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, email=EMAIL, password=PASSWORD, retry_for_s=8) as client:
        yield client
