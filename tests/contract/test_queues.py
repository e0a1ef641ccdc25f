"""Queues: what goes in comes out; in memory and on SQS (the emulator here, the same client as in production)."""

import json
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any

import boto3
import pytest

from spheroseg.adapters import aws as clients
from spheroseg.adapters.sqs import SqsReceiver, SqsSegmentationQueue, SqsUpdatePublisher
from spheroseg.domain.segmentation import Priority
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import SegmentationChanged, SegmentationRequested
from spheroseg.ports import SegmentationQueue, UpdatePublisher
from tests.builders import NOW, a_segmentation, an_id
from tests.fakes import InMemorySegmentationQueue, InMemoryUpdatePublisher

Received = Callable[[], list[tuple[Priority, SegmentationRequested]]]


@pytest.fixture
def urls(aws: Mapping[str, str]) -> dict[Priority, str]:
    """A new queue for each priority."""
    client = boto3.client("sqs")
    return {priority: client.create_queue(QueueName=f"{priority}-{an_id()}")["QueueUrl"] for priority in Priority}


@pytest.fixture
def sqs_queue(urls: dict[Priority, str]) -> SqsSegmentationQueue:
    return SqsSegmentationQueue(clients.sqs_client(), urls)


def requests(count: int) -> list[SegmentationRequested]:
    return [SegmentationRequested.of(a_segmentation()) for _ in range(count)]


def everything_in(receiver: SqsReceiver) -> list[SegmentationRequested]:
    found = []
    while deliveries := receiver.receive(10, 0):
        found += [SegmentationRequested.model_validate_json(delivery.body) for delivery in deliveries]
        receiver.acknowledge([delivery.receipt for delivery in deliveries])
    return found


@pytest.fixture(params=["in_memory", "sqs"])
def queue_and_received(request: pytest.FixtureRequest) -> tuple[SegmentationQueue, Received]:
    """A queue, and what was received from it by priority."""
    if request.param == "in_memory":
        fake = InMemorySegmentationQueue()
        return fake, lambda: fake.sent
    urls: dict[Priority, str] = request.getfixturevalue("urls")

    def received() -> list[tuple[Priority, SegmentationRequested]]:
        receivers = {priority: SqsReceiver(clients.sqs_client(), url) for priority, url in urls.items()}
        return [(priority, found) for priority, receiver in receivers.items() for found in everything_in(receiver)]

    return SqsSegmentationQueue(clients.sqs_client(), urls), received


def test_every_request_waits_in_the_queue_of_its_priority(
    queue_and_received: tuple[SegmentationQueue, Received],
) -> None:
    queue, received = queue_and_received
    sent = [(priority, request) for priority in Priority for request in requests(23)]
    queue.send(sent)
    assert queue.depth() == 69
    found = received()
    assert len(found) == 69
    assert set(found) == set(sent)


def test_nothing_is_sent_for_no_requests(queue_and_received: tuple[SegmentationQueue, Received]) -> None:
    queue, received = queue_and_received
    queue.send([])
    assert received() == []


def test_a_message_carries_its_correlation_id_beside_the_body(
    sqs_queue: SqsSegmentationQueue, urls: dict[Priority, str]
) -> None:
    [request] = requests(1)
    sqs_queue.send([(Priority.HIGH, request)])
    receiver = SqsReceiver(clients.sqs_client(), urls[Priority.HIGH])
    [delivery] = receiver.receive(10, 1)
    assert delivery.correlation_id == request.correlation_id
    assert delivery.receive_count == 1
    receiver.acknowledge([delivery.receipt])
    receiver.acknowledge([delivery.receipt])


def test_what_is_given_back_is_lent_out_again(sqs_queue: SqsSegmentationQueue, urls: dict[Priority, str]) -> None:
    sqs_queue.send([(Priority.LOW, request) for request in requests(1)])
    receiver = SqsReceiver(clients.sqs_client(), urls[Priority.LOW])
    [first] = receiver.receive(1, 1)
    assert receiver.receive(1, 0) == []
    first.give_back(0)
    [second] = receiver.receive(1, 1)
    assert (second.body, second.receive_count) == (first.body, 2)


def test_what_is_kept_longer_is_not_lent_out(sqs_queue: SqsSegmentationQueue, urls: dict[Priority, str]) -> None:
    client = boto3.client("sqs")
    client.set_queue_attributes(QueueUrl=urls[Priority.LOW], Attributes={"VisibilityTimeout": "1"})
    sqs_queue.send([(Priority.LOW, request) for request in requests(1)])
    receiver = SqsReceiver(clients.sqs_client(), urls[Priority.LOW])
    [delivery] = receiver.receive(1, 1)
    delivery.extend(30)
    assert receiver.receive(1, 2) == []


def test_a_loan_that_is_over_is_no_error(sqs_queue: SqsSegmentationQueue, urls: dict[Priority, str]) -> None:
    sqs_queue.send([(Priority.LOW, request) for request in requests(1)])
    receiver = SqsReceiver(clients.sqs_client(), urls[Priority.LOW])
    [delivery] = receiver.receive(1, 1)
    receiver.acknowledge([delivery.receipt])
    delivery.extend(30)
    delivery.give_back(0)
    assert receiver.receive(1, 0) == []


def test_waiting_ends_when_nothing_comes(urls: dict[Priority, str]) -> None:
    begun = monotonic()
    assert SqsReceiver(clients.sqs_client(), urls[Priority.LOW]).receive(10, 1) == []
    assert 0.9 < monotonic() - begun < 3


def test_a_queue_that_is_absent_is_unavailable(aws: Mapping[str, str], urls: dict[Priority, str]) -> None:
    absent = dict.fromkeys(Priority, urls[Priority.LOW] + "-absent")
    with pytest.raises(QueueUnavailableError):
        SqsSegmentationQueue(clients.sqs_client(), absent).send([(Priority.LOW, request) for request in requests(1)])
    with pytest.raises(QueueUnavailableError):
        SqsSegmentationQueue(clients.sqs_client(), absent).depth()
    with pytest.raises(QueueUnavailableError):
        SqsReceiver(clients.sqs_client(), absent[Priority.LOW]).receive(1, 0)


def test_a_queue_that_cannot_be_reached_is_unavailable(
    urls: dict[Priority, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    unreachable = dict.fromkeys(Priority, "http://127.0.0.1:9/000000000000/queue")
    with pytest.raises(QueueUnavailableError):
        SqsSegmentationQueue(clients.sqs_client(), unreachable).depth()


def leaving_out(client: Any, times: int) -> Callable[..., None]:
    """Let SQS's answers say, that many times, that the first entry of a batch was not taken."""
    left = [times]

    def change(parsed: dict[str, Any], **_: object) -> None:
        if left[0]:
            left[0] -= 1
            first = parsed["Successful"].pop(0)
            parsed["Failed"] = [{"Id": first["Id"], "SenderFault": False, "Code": "InternalError"}]

    client.meta.events.register("after-call.sqs.SendMessageBatch", change)
    return change


def test_what_a_batch_left_out_is_sent_again(urls: dict[Priority, str]) -> None:
    client = clients.sqs_client()
    leaving_out(client, times=2)
    sent = requests(3)
    SqsSegmentationQueue(client, urls).send([(Priority.HIGH, request) for request in sent])
    found = everything_in(SqsReceiver(clients.sqs_client(), urls[Priority.HIGH]))
    assert set(found) == set(sent)
    assert len(found) == 5  # the emulator had taken the two that its answers were made to leave out


def test_what_is_left_out_again_and_again_is_an_error(urls: dict[Priority, str]) -> None:
    client = clients.sqs_client()
    leaving_out(client, times=100)
    with pytest.raises(QueueUnavailableError, match="1 messages could not be queued: InternalError"):
        SqsSegmentationQueue(client, urls).send([(Priority.HIGH, request) for request in requests(3)])


@pytest.mark.parametrize("kind", ["in_memory", "sqs"])
def test_a_change_is_announced(request: pytest.FixtureRequest, kind: str) -> None:
    update = SegmentationChanged.of(a_segmentation(), NOW)
    if kind == "in_memory":
        fake = InMemoryUpdatePublisher()
        fake.publish(update)
        assert fake.published == [update]
        return
    url = request.getfixturevalue("urls")[Priority.LOW]
    publisher: UpdatePublisher = SqsUpdatePublisher(clients.sqs_client(), url)
    publisher.publish(update)
    receiver = SqsReceiver(clients.sqs_client(), url)
    [delivery] = receiver.receive(1, 1)
    assert SegmentationChanged.model_validate_json(delivery.body) == update
    assert json.loads(delivery.body)["version"] == 1
    assert delivery.correlation_id == update.correlation_id
    receiver.acknowledge([delivery.receipt])
    publisher.publish_many([update] * 12)
    assert len([delivery for _ in range(4) for delivery in receiver.receive(10, 0)]) == 12
