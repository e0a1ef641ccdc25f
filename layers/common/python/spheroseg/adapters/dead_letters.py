"""The queues as administrators see them, on Amazon SQS: depths, dead letters.

SQS cannot be browsed. Letters are borrowed for a moment, read, and given back; what somebody else has borrowed is not
seen until then.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from spheroseg.adapters.sqs import BATCH_SIZE, CORRELATION_ID, translated
from spheroseg.domain.administration import DeadLetter, Depth, QueueName
from spheroseg.errors import DeadLetterNotFoundError, QueueUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageAttributeValueTypeDef, MessageTypeDef

LOAN_S = 30
"""How long letters are borrowed: longer than it takes to read a thousand, ten at a time."""
WAIT_S = 1
"""A receive that does not wait may find nothing although there is something (SQS developer guide, «Short polling»)."""
SEARCHED = 1000
"""Letters among which one is looked for."""


@dataclass(frozen=True)
class QueuePair:
    """The addresses of a queue and of its dead letters."""

    queue_url: str
    dead_letters_url: str


class SqsDeadLetters:
    """Queues by name; the ports ``QueueOverview`` and ``DeadLetters``."""

    def __init__(self, client: "SQSClient", pairs: Mapping[QueueName, QueuePair]) -> None:
        self._client = client
        self._pairs = pairs

    def depths(self) -> Mapping[QueueName, tuple[Depth, Depth]]:
        """Each queue's depth and that of its dead letters, or raise ``QueueUnavailableError``."""
        return {
            name: (self._depth(pair.queue_url), self._depth(pair.dead_letters_url))
            for name, pair in self._pairs.items()
        }

    def letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        """Up to ``limit`` letters that nobody else is at, the oldest first."""
        borrowed = self._borrow(queue, limit)
        self._give_back(queue, borrowed)
        found = sorted((_letter(queue, message) for message in borrowed), key=lambda it: (it.sent_at, it.id))
        return found[:limit]

    def retry(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Send a letter to the queue that gave it up, then remove it, or raise ``DeadLetterNotFoundError``."""
        message = self._found(queue, letter_id)
        letter = _letter(queue, message)
        try:
            with translated():
                self._client.send_message(
                    QueueUrl=self._pairs[queue].queue_url,
                    MessageBody=letter.body,
                    MessageAttributes=_attributes(letter),
                )
        except QueueUnavailableError:
            self._give_back(queue, [message])
            raise
        self._remove(queue, message)
        return letter

    def discard(self, queue: QueueName, letter_id: str) -> DeadLetter:
        """Remove a letter for good, or raise ``DeadLetterNotFoundError``."""
        message = self._found(queue, letter_id)
        self._remove(queue, message)
        return _letter(queue, message)

    def _depth(self, url: str) -> Depth:
        with translated():
            counts = self._client.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                ],
            )["Attributes"]
        delayed = int(counts.get("ApproximateNumberOfMessagesDelayed", 0))
        waiting = int(counts.get("ApproximateNumberOfMessages", 0)) + delayed
        return Depth(waiting, int(counts.get("ApproximateNumberOfMessagesNotVisible", 0)))

    def _borrow(self, queue: QueueName, limit: int, wanted: str | None = None) -> "list[MessageTypeDef]":
        """Letters until ``limit`` is reached, the wanted one is among them, or none is left."""
        borrowed: list[MessageTypeDef] = []
        while len(borrowed) < limit:
            with translated():
                answer = self._client.receive_message(
                    QueueUrl=self._pairs[queue].dead_letters_url,
                    MaxNumberOfMessages=BATCH_SIZE,
                    VisibilityTimeout=LOAN_S,
                    WaitTimeSeconds=WAIT_S,
                    MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                    MessageAttributeNames=[CORRELATION_ID],
                )
            found = answer.get("Messages", [])
            borrowed += found
            if not found or any(message["MessageId"] == wanted for message in found):
                break
        return borrowed

    def _found(self, queue: QueueName, letter_id: str) -> "MessageTypeDef":
        borrowed = self._borrow(queue, SEARCHED, letter_id)
        self._give_back(queue, [message for message in borrowed if message["MessageId"] != letter_id])
        for message in borrowed:
            if message["MessageId"] == letter_id:
                return message
        raise DeadLetterNotFoundError(f"There is no dead letter {letter_id} in {queue}, or somebody is at it just now")

    def _give_back(self, queue: QueueName, messages: "Sequence[MessageTypeDef]") -> None:
        for message in messages:
            with suppress(QueueUnavailableError), translated():  # its loan ends by itself
                self._client.change_message_visibility(
                    QueueUrl=self._pairs[queue].dead_letters_url,
                    ReceiptHandle=message["ReceiptHandle"],
                    VisibilityTimeout=0,
                )

    def _remove(self, queue: QueueName, message: "MessageTypeDef") -> None:
        with translated():
            self._client.delete_message(
                QueueUrl=self._pairs[queue].dead_letters_url, ReceiptHandle=message["ReceiptHandle"]
            )


def _letter(queue: QueueName, message: "MessageTypeDef") -> DeadLetter:
    attribute = message.get("MessageAttributes", {}).get(CORRELATION_ID)
    return DeadLetter(
        id=message["MessageId"],
        queue=queue,
        body=message["Body"],
        sent_at=datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC),
        receive_count=int(message["Attributes"]["ApproximateReceiveCount"]),
        correlation_id=attribute.get("StringValue") if attribute else None,
    )


def _attributes(letter: DeadLetter) -> "dict[str, MessageAttributeValueTypeDef]":
    if letter.correlation_id is None:
        return {}
    return {CORRELATION_ID: {"DataType": "String", "StringValue": letter.correlation_id}}
