"""Answers that are kept so that a request that is sent again has its effect once."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class KeptAnswer:
    """A request that came with an idempotency key.

    Args:
        key: Who asked for what by which key, as a digest.
        request: Digest of what was asked for: the same key must come with the same.
        content: The answer; None while the request is under way.
        under_way_until: When it has surely ended, whether it answered or not.
        kept_until: When the answer is forgotten.
    """

    key: str
    request: str
    content: str | None
    under_way_until: datetime
    kept_until: datetime


class KeptAnswerRepository(Protocol):
    """Requests with keys, by key."""

    def begin(self, answer: KeptAnswer, at: datetime) -> KeptAnswer | None:
        """Note a request as under way; of all that come with one key at once exactly one may begin.

        Gives the one that is there, and changes nothing, unless that was forgotten, or ended without an answer.
        """

    def get(self, key: str) -> KeptAnswer | None:
        """What is there under a key."""

    def finish(self, key: str, content: str, kept_until: datetime) -> None:
        """Keep the answer of a request that is under way."""

    def forget(self, key: str) -> None:
        """Let the request be made again; nothing happens when there is none."""

    def forget_older_than(self, at: datetime) -> int:
        """Forget answers that were kept until then; how many there were."""
