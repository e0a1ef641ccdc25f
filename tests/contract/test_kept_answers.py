"""Answers that are kept for repeats: what the repository does, in memory and in PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from spheroseg.adapters.postgres.kept_answers import PostgresKeptAnswers
from spheroseg.ports.kept_answers import KeptAnswer, KeptAnswerRepository
from tests.builders import NOW
from tests.fakes.kept_answers import InMemoryKeptAnswers
from tests.postgres import Servers

UNDER_WAY_UNTIL, KEPT_UNTIL = NOW + timedelta(seconds=30), NOW + timedelta(hours=24)
FIRST = KeptAnswer("key", "request", None, UNDER_WAY_UNTIL, KEPT_UNTIL)
OTHER = replace(FIRST, request="another")


@pytest.fixture(params=["in_memory", "postgres"])
def answers(request: pytest.FixtureRequest) -> KeptAnswerRepository:
    if request.param == "in_memory":
        return InMemoryKeptAnswers()
    return PostgresKeptAnswers(request.getfixturevalue("database"))


def test_the_second_of_two_finds_the_first(answers: KeptAnswerRepository) -> None:
    assert answers.get("key") is None
    assert answers.begin(FIRST, NOW) is None
    assert answers.begin(OTHER, NOW) == FIRST == answers.get("key")


def test_an_answer_is_kept_until_its_time_is_over(answers: KeptAnswerRepository) -> None:
    answers.begin(FIRST, NOW)
    later = KEPT_UNTIL + timedelta(seconds=1)
    answers.finish("key", "the answer €", later)
    kept = replace(FIRST, content="the answer €", kept_until=later)
    assert answers.begin(OTHER, KEPT_UNTIL) == kept
    assert answers.begin(OTHER, later) is None
    assert answers.get("key") == OTHER


def test_a_request_that_ended_without_an_answer_gives_way(answers: KeptAnswerRepository) -> None:
    answers.begin(FIRST, NOW)
    assert answers.begin(OTHER, UNDER_WAY_UNTIL - timedelta(seconds=1)) == FIRST
    assert answers.begin(OTHER, UNDER_WAY_UNTIL) is None


def test_a_forgotten_request_may_be_made_again(answers: KeptAnswerRepository) -> None:
    answers.forget("key")
    answers.begin(FIRST, NOW)
    answers.forget("key")
    assert answers.begin(OTHER, NOW) is None


def test_old_answers_are_forgotten_and_no_others(answers: KeptAnswerRepository) -> None:
    answers.begin(FIRST, NOW)
    answers.begin(replace(FIRST, key="younger", kept_until=KEPT_UNTIL + timedelta(seconds=1)), NOW)
    assert answers.forget_older_than(KEPT_UNTIL) == 1
    assert answers.get("key") is None
    assert answers.get("younger") is not None


@pytest.mark.parametrize("kind", ["in_memory", "postgres"])
def test_of_fifty_at_once_exactly_one_begins(kind: str, request: pytest.FixtureRequest) -> None:
    """Also where the first ones are refused meanwhile, so that rows come and go."""
    if kind == "in_memory":
        answers: KeptAnswerRepository = InMemoryKeptAnswers()
    else:
        servers: Servers = request.getfixturevalue("servers")
        servers.empty()
        database = servers.database()
        request.addfinalizer(database.close)
        answers = PostgresKeptAnswers(database)
    with ThreadPoolExecutor(max_workers=16) as pool:
        found = list(pool.map(lambda _: answers.begin(FIRST, NOW), range(50)))
    assert found.count(None) == 1
    assert found.count(FIRST) == 49

    def begun_and_refused(_: int) -> bool:
        if answers.begin(replace(FIRST, key="refused"), NOW) is not None:
            return False
        answers.forget("refused")
        return True

    with ThreadPoolExecutor(max_workers=16) as pool:
        assert any(pool.map(begun_and_refused, range(50)))
    assert answers.get("refused") is None
