"""Queues on Amazon SQS: segmentation requests and updates on the way out, deliveries on the way in."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from spheroseg.domain.segmentation import Priority
from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import (
    AccountClosingRequested,
    BrightnessRequested,
    ExportRequested,
    ImportRequested,
    JobChanged,
    Message,
    ProjectWorkRequested,
    SegmentationChanged,
    SegmentationRequested,
)

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType
    from mypy_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

BATCH_SIZE = 10
"""Messages that SQS takes or gives at once."""

SEND_ATTEMPTS = 3
"""How often entries are sent that a batch left out; each attempt has the client's own retries with pauses in it."""

CORRELATION_ID = "correlation_id"

LOAN_OVER = frozenset(
    {
        "InvalidParameterValue",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
"""What SQS answers about a message that was deleted or came back to the queue, depending on how long ago."""


class SqsSegmentationQueue:
    """One queue for each priority."""

    def __init__(self, client: "SQSClient", urls: Mapping[Priority, str]) -> None:
        self._client = client
        self._urls = urls

    def send(self, requests: Sequence[tuple[Priority, SegmentationRequested]]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""
        for priority, url in self._urls.items():
            chosen = [request for wanted, request in requests if wanted is priority]
            for begin in range(0, len(chosen), BATCH_SIZE):
                _send_batch(self._client, url, chosen[begin : begin + BATCH_SIZE])

    def depth(self) -> int:
        """Requests waiting or lent out over all priorities, roughly: the queues count approximately."""
        return sum(_depth(self._client, url) for url in self._urls.values())


class SqsProjectWorkQueue:
    """The queue of jobs on projects and accounts."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, requests: Sequence[ProjectWorkRequested | AccountClosingRequested], delay_s: int = 0) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""
        for begin in range(0, len(requests), BATCH_SIZE):
            _send_batch(self._client, self._url, requests[begin : begin + BATCH_SIZE], delay_s)


class SqsExportQueue:
    """The queue of exports, imports and brightness."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, requests: Sequence[ExportRequested | ImportRequested | BrightnessRequested]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""
        for begin in range(0, len(requests), BATCH_SIZE):
            _send_batch(self._client, self._url, requests[begin : begin + BATCH_SIZE])

    def depth(self) -> int:
        """Requests waiting or lent out, roughly: the queue counts approximately."""
        return _depth(self._client, self._url)


class SqsUpdatePublisher:
    """The queue that changes are announced on."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def publish(self, update: SegmentationChanged) -> None:
        """Announce a change, or raise ``QueueUnavailableError``."""
        self._send(update)

    def announce(self, update: JobChanged) -> None:
        """Announce where an export or import is, or raise ``QueueUnavailableError``."""
        self._send(update)

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        """Announce changes, ten in a call, or raise ``QueueUnavailableError``; then some may have been announced."""
        for begin in range(0, len(updates), BATCH_SIZE):
            _send_batch(self._client, self._url, updates[begin : begin + BATCH_SIZE])

    def _send(self, update: SegmentationChanged | JobChanged) -> None:
        with translated():
            self._client.send_message(
                QueueUrl=self._url, MessageBody=update.model_dump_json(), MessageAttributes=_attributes(update)
            )


@dataclass(frozen=True)
class Delivery:
    """A message on loan; it comes back by itself when its loan ends.

    Methods raise ``QueueUnavailableError`` when the queue does not answer, and do nothing when the loan is over.

    Args:
        body: What was sent.
        receive_count: How often it was lent out, this time included.
        correlation_id: What log lines about it share; None when the sender said nothing.
        receiver: Where it came from.
        receipt: What stands for this loan there.
    """

    body: str
    receive_count: int
    correlation_id: str | None
    receiver: "SqsReceiver" = field(repr=False)
    receipt: str = field(repr=False)

    def extend(self, seconds: int) -> None:
        """Keep it for so many seconds from now, up to 12 hours from its receipt."""
        self.receiver.extend(self.receipt, seconds)

    def give_back(self, delay_s: int) -> None:
        """Let it be lent out again after so many seconds."""
        self.extend(delay_s)


class SqsReceiver:
    """The receiving side of one queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def receive(self, max_messages: int, wait_s: int) -> list[Delivery]:
        """Up to ``max_messages`` (10 at most); waits up to ``wait_s`` seconds (20 at most) for the first.

        Raises:
            QueueUnavailableError: the queue does not answer, or refuses.
        """
        with translated():
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(max_messages, BATCH_SIZE),
                WaitTimeSeconds=wait_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
                MessageAttributeNames=[CORRELATION_ID],
            )
        return [self._delivery(message) for message in answer.get("Messages", [])]

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Remove messages for good, ten in a call; those whose loan is over are somebody else's and stay.

        Raises:
            QueueUnavailableError: some, or all, were not removed; that may be tried again with all of them.
        """
        for begin in range(0, len(receipts), BATCH_SIZE):
            entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "ReceiptHandle": receipt}
                for number, receipt in enumerate(receipts[begin : begin + BATCH_SIZE])
            ]
            with translated():
                answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
            codes = {entry["Code"] for entry in answer.get("Failed", [])} - LOAN_OVER
            if codes:
                raise QueueUnavailableError(f"Messages could not be removed: {', '.join(sorted(codes))}")

    def extend(self, receipt: str, seconds: int) -> None:
        """Keep a message for so many seconds from now; nothing happens when its loan is over."""
        try:
            with translated():
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=seconds
                )
        except _LoanOverError:
            return

    def _delivery(self, message: "MessageTypeDef") -> Delivery:
        attribute = message.get("MessageAttributes", {}).get(CORRELATION_ID)
        return Delivery(
            body=message["Body"],
            receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
            correlation_id=attribute.get("StringValue") if attribute else None,
            receiver=self,
            receipt=message["ReceiptHandle"],
        )


class _LoanOverError(QueueUnavailableError):
    """The message is not lent to us any more."""


def _depth(client: "SQSClient", url: str) -> int:
    names: list[QueueAttributeNameType] = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    with translated():
        counts = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(counts.get(name, 0)) for name in names)


def _send_batch(client: "SQSClient", url: str, messages: Sequence[Message], delay_s: int = 0) -> None:
    """Send up to ten; what the queue leaves out of a batch that it otherwise took is sent again."""
    entries: list[SendMessageBatchRequestEntryTypeDef] = [
        {
            "Id": str(number),
            "MessageBody": message.model_dump_json(),
            "MessageAttributes": _attributes(message),
            "DelaySeconds": delay_s,
        }
        for number, message in enumerate(messages)
    ]
    reasons: set[str] = set()
    for _ in range(SEND_ATTEMPTS):
        with translated():
            answer = client.send_message_batch(QueueUrl=url, Entries=entries)
        failed = answer.get("Failed", [])
        if not failed:
            return
        reasons = {entry["Code"] for entry in failed}
        left_out = {entry["Id"] for entry in failed}
        entries = [entry for entry in entries if entry["Id"] in left_out]
    raise QueueUnavailableError(f"{len(entries)} messages could not be queued: {', '.join(sorted(reasons))}")


def _attributes(message: Message) -> "dict[str, MessageAttributeValueTypeDef]":
    return {CORRELATION_ID: {"DataType": "String", "StringValue": message.correlation_id}}


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the SDK as ours."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in LOAN_OVER:
            raise _LoanOverError("The message was lent to somebody else meanwhile") from error
        raise QueueUnavailableError(f"The queue refuses: {code}") from error
    except BotoCoreError as error:
        raise QueueUnavailableError("The queue does not answer") from error
