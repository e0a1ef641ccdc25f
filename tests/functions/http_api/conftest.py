"""Fixtures of the API's tests."""

import pytest

from tests.functions.http_api.world import Client, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def owner(world: World) -> Client:
    return world.as_()
