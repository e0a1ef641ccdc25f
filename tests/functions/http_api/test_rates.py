"""Budgets of people and addresses, over HTTP."""

import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from http_api.app import described
from http_api.rates import Rates
from spheroseg.adapters.in_process import InProcessRateLimiter
from spheroseg.domain.rate_limit import Allowance, RateLimit
from spheroseg.errors import CacheUnavailableError
from tests.builders import OWNER, STRANGER
from tests.functions.http_api.world import BehindGateway, Client, World

WIDE = RateLimit(per_s=1_000, burst=1_000)
HOME, OTHER = "192.0.2.7", "192.0.2.8"


@dataclass
class Time:
    now_s: float = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


def a_world(time: Time, user: RateLimit = WIDE, address: RateLimit = WIDE) -> World:
    return World(rates=Rates(None, InProcessRateLimiter(time), user, address))


def someone(world: World, user_id: str | None = OWNER, address: str | None = HOME) -> Client:
    claims = {"sub": user_id, "token_use": "access"} if user_id else None
    return Client(BehindGateway(world.app, claims, address))


def test_who_asks_for_too_much_is_told_when_to_come_again(time: Time) -> None:
    world = a_world(time, user=RateLimit(per_s=0.5, burst=3))
    me = someone(world)
    first = me.get("/v1/projects")
    assert first.headers["RateLimit-Policy"] == '"user";q=3;w=6, "address";q=1000;w=1'
    assert first.headers["RateLimit"] == '"user";r=2;t=2, "address";r=999;t=1'
    assert [me.get("/v1/projects").status_code for _ in range(3)] == [200, 200, 429]
    refused = me.post("/v1/projects", json={"name": "a"})
    assert refused.json()["code"] == "rate-limited"
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.headers["Retry-After"] == "2"
    assert refused.headers["RateLimit"].startswith('"user";r=0;t=6')
    assert world.projects.rows == {}
    assert world.answered[-1].status == 429
    assert someone(world, STRANGER).get("/v1/projects").status_code == 200
    time.now_s += 2
    assert me.get("/v1/projects").status_code == 200


def test_an_address_is_counted_whoever_asks(time: Time) -> None:
    world = a_world(time, address=RateLimit(per_s=1, burst=2))
    assert someone(world).get("/v1/projects").status_code == 200
    assert someone(world, None).get("/problems").status_code == 200
    for user_id in (OWNER, STRANGER, None):
        refused = someone(world, user_id).get("/problems")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert "Your address" in refused.json()["detail"]
    assert someone(world, STRANGER, OTHER).get("/problems").status_code == 200


def test_an_address_that_a_client_tells_counts_for_nothing(time: Time) -> None:
    world = a_world(time, address=RateLimit(per_s=1, burst=1))
    me = someone(world, None)
    assert me.get("/problems", headers={"X-Forwarded-For": OTHER}).status_code == 200
    assert me.get("/problems", headers={"X-Forwarded-For": "192.0.2.9"}).status_code == 429


@pytest.mark.parametrize(
    ("one", "other", "share"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("192.0.2.7", "192.0.2.8", False),
        ("no address", "nor this", True),
    ],
)
def test_a_network_of_ipv6_is_one_address(time: Time, one: str, other: str, *, share: bool) -> None:
    world = a_world(time, address=RateLimit(per_s=1, burst=1))
    assert someone(world, None, one).get("/problems").status_code == 200
    assert someone(world, None, other).get("/problems").status_code == (429 if share else 200)


def test_whoever_watches_the_service_is_never_refused(time: Time) -> None:
    world = a_world(time, RateLimit(per_s=0.1, burst=1), RateLimit(per_s=0.1, burst=1))
    for _ in range(5):
        answer = someone(world, None).get("/health/live")
        assert (answer.status_code, "RateLimit" in answer.headers) == (200, False)


def test_a_query_counts_by_its_cost(time: Time) -> None:
    world = a_world(time, user=RateLimit(per_s=1, burst=10))
    me = someone(world)
    cheap = me.post("/graphql", json={"query": "{ me { name } }"})
    assert cheap.headers["RateLimit"].startswith('"user";r=9;')
    costly = {"query": "{ projects(first: 20) { nodes { images(first: 20) { nodes { uuid } } } } }"}
    answer = me.post("/graphql", json=costly)
    assert answer.json()["extensions"]["cost"]["requested"] > 400
    left = re.match(r'"user";r=(\d+)', me.get("/v1/projects").headers["RateLimit"])
    assert left
    assert int(left[1]) == 10 - 3 - answer.json()["extensions"]["cost"]["requested"] // 100
    refused = me.post("/graphql", json=costly)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    (error,) = refused.json()["errors"]
    assert error["extensions"]["code"] == "rate-limited"
    assert "data" not in refused.json()
    time.now_s += int(refused.headers["Retry-After"])
    assert me.post("/graphql", json=costly).status_code == 200


@dataclass
class Failing:
    """A limiter whose server is gone."""

    asked: list[Any] = field(default_factory=list)

    def take(self, charges: Any) -> list[Allowance]:
        self.asked.append(charges)
        raise CacheUnavailableError("The cache server does not answer")


def test_without_the_cache_server_each_process_counts_alone(time: Time) -> None:
    server = Failing()
    world = World(rates=Rates(server, InProcessRateLimiter(time), RateLimit(per_s=1, burst=2), WIDE))
    me = someone(world)
    assert [me.get("/v1/projects").status_code for _ in range(3)] == [200, 200, 429]
    assert len(server.asked) == 3


def test_every_operation_but_health_tells_of_it() -> None:
    for path, item in described(has_sign_in=True).openapi()["paths"].items():
        for operation in item.values():
            assert ("429" in operation["responses"]) != path.startswith("/health"), path
