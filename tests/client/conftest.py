"""A service of its own for each test."""

import ssl
from collections.abc import Iterator
from functools import cache

import pytest
import typer.main
import typer.testing

from spheroseg_client.client import Client
from tests.client.service import EMAIL, PASSWORD, Service


@pytest.fixture(scope="session", autouse=True)
def read_once() -> Iterator[None]:
    """Options of commands and certificates: a process reads them once, here many commands run in the same one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("typer.testing._get_command", cache(typer.main.get_command))
        patch.setattr(ssl, "create_default_context", cache(ssl.create_default_context))
        yield


@pytest.fixture
def service() -> Iterator[Service]:
    with Service().running() as running:
        yield running


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, email=EMAIL, password=PASSWORD, retry_for_s=8) as client:
        yield client
