"""The receiving side of a queue: messages are lent, and come back unless they are acknowledged in time."""

from collections.abc import Sequence
from typing import Protocol


class Delivery(Protocol):
    """A message on loan; it comes back by itself when its loan ends.

    Every method raises ``QueueUnavailableError`` when the queue does not answer.
    """

    @property
    def body(self) -> str:
        """What was sent."""

    @property
    def receive_count(self) -> int:
        """How often it was lent out, this time included."""

    @property
    def receiver(self) -> "Receiver":
        """Where it came from."""

    @property
    def receipt(self) -> str:
        """What stands for this loan there."""

    def extend(self, seconds: int) -> None:
        """Keep it for so many seconds from now."""

    def give_back(self, delay_s: int) -> None:
        """Let it be lent out again after so many seconds."""


class Receiver(Protocol):
    """The receiving side of one queue."""

    def receive(self, max_messages: int, wait_s: int) -> Sequence[Delivery]:
        """Up to ``max_messages`` (10 at most); waits up to ``wait_s`` seconds (20 at most) for the first.

        Raises:
            QueueUnavailableError: the queue does not answer, or refuses.
        """

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """Remove messages for good; those whose loan is over are somebody else's and stay.

        Raises:
            QueueUnavailableError: some, or all, were not removed; that may be tried again with all of them.
        """
