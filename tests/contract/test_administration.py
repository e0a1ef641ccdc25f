"""Users, quotas and dead letters: the fakes, and PostgreSQL, a user pool and queues of the emulator, do the same."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import boto3
import pytest

from spheroseg.adapters.cognito import CognitoDirectory
from spheroseg.adapters.dead_letters import QueuePair, SqsDeadLetters
from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.deeds import PostgresDeeds
from spheroseg.domain.account import DEFAULT_QUOTA_BYTES, Account, Quota
from spheroseg.domain.administration import AdminAction, DeadLetter, Deed, Depth, Person, QueueName
from spheroseg.errors import (
    DeadLetterNotFoundError,
    InvalidCursorError,
    QueueUnavailableError,
    UserNotFoundError,
    VersionMismatchError,
)
from spheroseg.ports import AccountRepository, DeadLetters, DeedRepository, QueueOverview, UserDirectory
from tests.builders import NOW, OWNER, STRANGER, an_id
from tests.fakes import InMemoryAccounts, InMemoryImages
from tests.fakes.administration import InMemoryDirectory, InMemoryQueues

WORK = QueueName.PROJECT_WORK


@pytest.fixture(params=["in_memory", "postgres"])
def kept(request: pytest.FixtureRequest) -> tuple[AccountRepository, DeedRepository]:
    if request.param == "in_memory":
        accounts = InMemoryAccounts(InMemoryImages())
        return accounts, accounts.deeds
    database: Database = request.getfixturevalue("database")
    return PostgresAccounts(database), PostgresDeeds(database)


def test_a_quota_is_changed_once_in_each_version_and_it_is_noted(
    kept: tuple[AccountRepository, DeedRepository],
) -> None:
    accounts, deeds = kept
    first = accounts.change_quota(OWNER, {"images": 7}, {0}, "admin", an_id(), NOW)
    assert (first.quota, first.quota_version) == (Quota(DEFAULT_QUOTA_BYTES, 7), 1)
    assert accounts.get(OWNER) == first
    with pytest.raises(VersionMismatchError):
        accounts.change_quota(OWNER, {"images": 8}, {0}, "admin", an_id(), NOW)
    second = accounts.change_quota(OWNER, {"size_bytes": 5, "images": None}, None, "other", an_id(), NOW)
    assert (second.quota, second.quota_version) == (Quota(size_bytes=5), 2)
    assert accounts.many([OWNER, STRANGER]) == {OWNER: second, STRANGER: Account(STRANGER)}
    deed = Deed(
        an_id(), NOW + timedelta(seconds=1), "admin", AdminAction.DISCARD_DEAD_LETTER, "updates/1", {"body": ""}
    )
    deeds.add(deed)
    latest, *changes = deeds.latest(10)
    assert latest == deed
    assert {(it.admin_id, it.subject, it.details["version"], it.details["images"]) for it in changes} == {
        ("admin", OWNER, 1, 7),
        ("other", OWNER, 2, None),
    }
    assert deeds.latest(1) == [deed]
    assert deeds.oldest_waiting() == {}


@dataclass(frozen=True)
class Pool:
    directory: UserDirectory
    add: Callable[[str], str]
    promote: Callable[[str], None]


@pytest.fixture(params=["in_memory", "cognito"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    if request.param == "in_memory":
        directory = InMemoryDirectory()

        def put(email: str, *, is_admin: bool = False) -> str:
            directory.people[email] = Person(email, email, True, "CONFIRMED", is_admin, NOW)
            return email

        def promote_fake(user_id: str) -> None:
            put(user_id, is_admin=True)

        yield Pool(directory, put, promote_fake)
        return
    request.getfixturevalue("aws")
    client = boto3.client("cognito-idp")
    pool_id = client.create_user_pool(PoolName="people", UsernameAttributes=["email"])["UserPool"]["Id"]
    client.create_group(UserPoolId=pool_id, GroupName="admin")

    def add(email: str) -> str:
        made = client.admin_create_user(
            UserPoolId=pool_id,
            Username=email,
            UserAttributes=[{"Name": "email", "Value": email}],
            MessageAction="SUPPRESS",
        )
        return next(it["Value"] for it in made["User"]["Attributes"] if it["Name"] == "sub")

    def promote(user_id: str) -> None:
        client.admin_add_user_to_group(UserPoolId=pool_id, Username=user_id, GroupName="admin")

    yield Pool(CognitoDirectory(pool_id), add, promote)
    client.delete_user_pool(UserPoolId=pool_id)


def test_people_are_listed_page_by_page_and_searched_by_the_beginning_of_their_address(pool: Pool) -> None:
    ids = {email: pool.add(email) for email in ("ada@example.com", "ado@example.com", "bo@example.com")}
    pool.promote(ids["bo@example.com"])
    first, token = pool.directory.page(None, None, 2)
    second, end = pool.directory.page(None, token, 2)
    everybody = [*first, *second]
    assert {it.email: it.user_id for it in everybody} == ids
    assert (len(first), end) == (2, None)
    assert [it.email for it in everybody if it.is_admin] == ["bo@example.com"]
    assert {it.email for it in pool.directory.page("ad", None, 10)[0]} == {"ada@example.com", "ado@example.com"}
    assert pool.directory.page('x"', None, 10)[0] == []
    assert pool.directory.get(ids["bo@example.com"]).is_admin
    with pytest.raises(UserNotFoundError):
        pool.directory.get(str(uuid4()))


def test_who_is_disabled_and_removed_is_gone_and_doing_it_again_changes_nothing(pool: Pool) -> None:
    user_id = pool.add("ada@example.com")
    for _ in range(2):
        pool.directory.disable(user_id)
    assert not pool.directory.get(user_id).is_enabled
    for _ in range(2):
        pool.directory.remove(user_id)
    pool.directory.disable(user_id)
    with pytest.raises(UserNotFoundError):
        pool.directory.get(user_id)


def test_a_cursor_that_no_list_gave_out_is_refused() -> None:
    with pytest.raises(InvalidCursorError):
        InMemoryDirectory().page(None, "rubbish", 5)


class Queues(QueueOverview, DeadLetters):
    """Both ports."""


@dataclass(frozen=True)
class Letters:
    queues: Queues
    give_up: Callable[[str], None]
    received: Callable[[], list[tuple[str, str | None]]]


@pytest.fixture(params=["in_memory", "sqs"])
def letters(request: pytest.FixtureRequest) -> Iterator[Letters]:
    if request.param == "in_memory":
        fake = InMemoryQueues()

        def put(body: str) -> None:
            at = NOW + timedelta(seconds=len(fake.dead.get(WORK, [])))
            fake.dead.setdefault(WORK, []).append(DeadLetter(str(uuid4()), WORK, body, at, 3, f"c-{body}"))

        yield Letters(fake, put, lambda: [(body, correlation) for _, body, correlation in fake.sent])  # type: ignore[arg-type]
        return
    request.getfixturevalue("aws")
    client = boto3.client("sqs")
    urls = [client.create_queue(QueueName=f"{name}-{uuid4()}")["QueueUrl"] for name in ("work", "dead")]
    pair = QueuePair(*urls)
    attribute = "correlation_id"

    def give_up(body: str) -> None:
        client.send_message(
            QueueUrl=pair.dead_letters_url,
            MessageBody=body,
            MessageAttributes={attribute: {"DataType": "String", "StringValue": f"c-{body}"}},
        )

    def received() -> list[tuple[str, str | None]]:
        answer = client.receive_message(
            QueueUrl=pair.queue_url, MaxNumberOfMessages=10, MessageAttributeNames=[attribute]
        )
        return [(it["Body"], it["MessageAttributes"][attribute]["StringValue"]) for it in answer.get("Messages", [])]

    yield Letters(SqsDeadLetters(client, dict.fromkeys(QueueName, pair)), give_up, received)  # type: ignore[arg-type]
    for url in urls:
        client.delete_queue(QueueUrl=url)


def test_dead_letters_are_seen_again_and_again_and_leave_when_retried_or_discarded(letters: Letters) -> None:
    for number in range(12):
        letters.give_up(str(number))
    queues = letters.queues
    assert queues.depths()[WORK] == (Depth(0, 0), Depth(12, 0))
    seen = queues.letters(WORK, 100)
    assert {(it.body, it.correlation_id) for it in seen} == {(str(number), f"c-{number}") for number in range(12)}
    assert len(queues.letters(WORK, 5)) == 5
    again = {it.id: it for it in queues.letters(WORK, 100)}
    assert set(again) == {it.id for it in seen}, "a look takes nothing away"
    first, second, *_ = again
    assert queues.retry(WORK, first).body == again[first].body
    assert letters.received() == [(again[first].body, again[first].correlation_id)]
    assert queues.discard(WORK, second).id == second
    for gone in (first, second, str(uuid4())):
        with pytest.raises(DeadLetterNotFoundError):
            queues.retry(WORK, gone)
    assert {it.id for it in queues.letters(WORK, 100)} == set(again) - {first, second}
    assert queues.depths()[WORK][1] == Depth(10, 0)


def test_a_queue_that_is_not_there_is_unavailable(aws: Mapping[str, str]) -> None:
    url = f"{aws['AWS_ENDPOINT_URL']}/000000000000/absent"
    queues = SqsDeadLetters(boto3.client("sqs"), {WORK: QueuePair(url, url)})
    with pytest.raises(QueueUnavailableError):
        queues.letters(WORK, 5)
