"""The cache and the budgets: the same on a real server and in this process; and what happens when the server is gone."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from infra_cdk.local.cache import CacheServer
from spheroseg.adapters.in_process import InProcessCache, InProcessRateLimiter
from spheroseg.adapters.valkey import IamCredentials, ValkeyCache, ValkeyRateLimiter, ValkeyServer, client_of
from spheroseg.domain.rate_limit import Charge, RateLimit
from spheroseg.errors import CacheUnavailableError
from spheroseg.ports import Cache, RateLimiter
from tests.valkey import connection_to, running_cache

KINDS = ["in_process", "valkey"]


@pytest.fixture(scope="module")
def server() -> Iterator[CacheServer]:
    with running_cache() as server:
        yield server


@pytest.fixture
def connection(server: CacheServer) -> Iterator[ValkeyServer]:
    connection = connection_to(server)
    yield connection
    connection.close()


@pytest.fixture(params=KINDS)
def cache(request: pytest.FixtureRequest) -> Cache:
    if request.param == "in_process":
        return InProcessCache()
    return ValkeyCache(request.getfixturevalue("connection"))


@pytest.fixture(params=KINDS)
def limiter(request: pytest.FixtureRequest) -> RateLimiter:
    if request.param == "in_process":
        return InProcessRateLimiter()
    return ValkeyRateLimiter(request.getfixturevalue("connection"))


def test_what_was_put_last_is_found_until_its_time_is_over(cache: Cache) -> None:
    key = f"key:{uuid4()}"
    assert cache.get(key) is None
    cache.put(key, b"\x00\xff first", 60)
    cache.put(key, b"", 60)
    assert cache.get(key) == b""
    cache.put(key, b"short", 1)
    assert cache.get(key) == b"short"
    time.sleep(1.1)
    assert cache.get(key) is None


def test_a_budget_grants_its_burst_and_tells_when_to_come_again(limiter: RateLimiter) -> None:
    limit = RateLimit(per_s=2, burst=3)
    charge = Charge(f"rate:{uuid4()}", limit)
    taken = [limiter.take([charge])[0] for _ in range(3)]
    assert [each.is_granted for each in taken] == [True] * 3
    assert [each.left for each in taken] == [2, 1, 0]
    (refused,) = limiter.take([charge])
    assert (refused.is_granted, refused.left) == (False, 0)
    assert 0 < refused.retry_after_s <= 0.5
    time.sleep(refused.retry_after_s + 0.01)
    assert limiter.take([charge])[0].is_granted


def test_budgets_are_each_ones_own_and_answered_in_order(limiter: RateLimiter) -> None:
    narrow, wide = RateLimit(per_s=0.1, burst=1), RateLimit(per_s=0.1, burst=9)
    one, other = Charge(f"rate:{uuid4()}", narrow), Charge(f"rate:{uuid4()}", wide, cost=4)
    assert [each.is_granted for each in limiter.take([one, other])] == [True, True]
    refused, granted = limiter.take([one, other])
    assert (refused.is_granted, granted.is_granted, granted.left) == (False, True, 1)
    assert limiter.take([]) == []


def test_all_who_ask_at_once_share_one_budget(limiter: RateLimiter) -> None:
    charge = Charge(f"rate:{uuid4()}", RateLimit(per_s=0.001, burst=20))
    with ThreadPoolExecutor(8) as pool:
        granted = list(pool.map(lambda _: limiter.take([charge])[0].is_granted, range(60)))
    assert granted.count(True) == 20


def test_the_largest_cost_fits_into_a_full_budget(limiter: RateLimiter) -> None:
    (taken,) = limiter.take([Charge(f"rate:{uuid4()}", RateLimit(per_s=3, burst=7), cost=1_000)])
    assert (taken.is_granted, taken.left) == (True, 0)


def test_a_cache_in_the_process_does_not_grow() -> None:
    cache = InProcessCache(max_bytes=100)
    for number in range(50):
        cache.put(f"{number}", b"x" * 10, 60)
        cache.get("40")
    assert sum(cache.get(f"{number}") is not None for number in range(50)) == 10
    assert cache.get("40") is not None
    cache.put("40", b"x" * 101, 60)
    assert cache.get("40") is None


def test_a_server_that_is_gone_is_told_at_once_and_found_again() -> None:
    with running_cache() as server:
        connection = connection_to(server, rest_s=30)
        cache, limiter = ValkeyCache(connection), ValkeyRateLimiter(connection)
        cache.put("a", b"1", 60)
        server.stop()
        charge = Charge("rate:a", RateLimit(per_s=1, burst=1))
        lasted_s = []
        for _ in range(20):
            begun = time.perf_counter()
            with pytest.raises(CacheUnavailableError):
                cache.get("a")
            with pytest.raises(CacheUnavailableError):
                cache.put("a", b"2", 60)
            with pytest.raises(CacheUnavailableError):
                limiter.take([charge])
            lasted_s.append(time.perf_counter() - begun)
        assert sorted(lasted_s)[15] < 0.1  # it rests: nobody waits for it
        with pytest.raises(CacheUnavailableError):
            connection.ping()
        server.start()
        connection.ping()
        assert cache.get("a") is None
        assert limiter.take([charge])[0].is_granted
        connection.close()


def test_a_server_answers_nobody_without_the_password(server: CacheServer) -> None:
    stranger = ValkeyServer(lambda: client_of("127.0.0.1", server.port, tls=False), "test")
    with pytest.raises(CacheUnavailableError):
        ValkeyCache(stranger).get("a")
    stranger.close()


def test_a_token_of_iam_names_cache_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    user, token = IamCredentials("spheroseg-production", "spheroseg-production").get_credentials()
    assert user == "spheroseg-production"
    assert token.startswith(
        "spheroseg-production/?Action=connect&User=spheroseg-production&ResourceType=ServerlessCache"
    )
    assert "X-Amz-Expires=900" in token
    assert "%2Feu-central-1%2Felasticache%2Faws4_request" in token
    assert "X-Amz-Signature=" in token
