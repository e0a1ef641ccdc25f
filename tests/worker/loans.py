"""A queue in memory that lends messages as SQS does: for a while, again and again, until they are acknowledged."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Condition
from uuid import UUID

from spheroseg.errors import QueueUnavailableError
from spheroseg.messages import SegmentationRequested


@dataclass(eq=False)
class Message:
    body: str
    visible_at: float = 0.0
    receive_count: int = 0


@dataclass
class Loan:
    """One delivery; like a receipt handle, it is of no use once the message was lent out again."""

    queue: "LendingQueue"
    message: Message
    receive_count: int

    @property
    def body(self) -> str:
        return self.message.body

    @property
    def receiver(self) -> "LendingQueue":
        return self.queue

    @property
    def receipt(self) -> str:
        return f"{id(self.message)} {self.receive_count}"

    def extend(self, seconds: int) -> None:
        self._show_in(seconds)

    def give_back(self, delay_s: int) -> None:
        self._show_in(delay_s)

    def _show_in(self, seconds: int) -> None:
        with self.queue.change:
            self.queue.require()
            if self._is_valid():
                self.message.visible_at = time.monotonic() + seconds * self.queue.second
                self.queue.change.notify_all()

    def _is_valid(self) -> bool:
        return self.receive_count == self.message.receive_count


@dataclass(eq=False)
class LendingQueue:
    """The queue; ``second`` shortens its seconds, so that a test of a loan of 30 s takes less."""

    visibility_s: float = 30
    second: float = 1.0
    messages: list[Message] = field(default_factory=list)
    is_available: bool = True
    receives: list[int] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    """How many messages each call removed."""
    change: Condition = field(default_factory=Condition)

    def send(self, body: str) -> Message:
        with self.change:
            self.messages.append(message := Message(body))
            self.change.notify_all()
        return message

    def request(self, segmentation_id: UUID) -> Message:
        return self.send(SegmentationRequested(correlation_id="c", segmentation_id=segmentation_id).model_dump_json())

    def receive(self, max_messages: int, wait_s: int) -> Sequence[Loan]:
        deadline = time.monotonic() + wait_s * self.second
        with self.change:
            self.receives.append(wait_s)
            while True:
                self.require()
                now = time.monotonic()
                visible = [message for message in self.messages if message.visible_at <= now][:max_messages]
                if visible or now >= deadline:
                    return [self._lend(message) for message in visible]
                self.change.wait(min(deadline - now, 0.01))

    def acknowledge(self, receipts: Sequence[str]) -> None:
        with self.change:
            self.require()
            lent = [message for message in self.messages if f"{id(message)} {message.receive_count}" in receipts]
            self.acknowledged.append(len(lent))
            for message in lent:
                self.messages.remove(message)

    def require(self) -> None:
        if not self.is_available:
            raise QueueUnavailableError("The queue does not answer")

    def _lend(self, message: Message) -> Loan:
        message.receive_count += 1
        message.visible_at = time.monotonic() + self.visibility_s * self.second
        return Loan(self, message, message.receive_count)
