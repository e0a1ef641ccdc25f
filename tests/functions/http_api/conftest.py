"""Fixtures of the API's tests."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.functions.http_api.world import Client, World


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """An event loop for the test, as Lambda's process has one for its life."""
    own = asyncio.new_event_loop()
    asyncio.set_event_loop(own)
    yield
    asyncio.set_event_loop(None)
    own.close()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def owner(world: World) -> Client:
    return world.as_()
