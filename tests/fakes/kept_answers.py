"""Answers to requests with idempotency keys, in a dict."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from threading import Lock

from spheroseg.ports.kept_answers import KeptAnswer


@dataclass
class InMemoryKeptAnswers:
    """Requests with keys; may be asked by several threads at once."""

    rows: dict[str, KeptAnswer] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def begin(self, answer: KeptAnswer, at: datetime) -> KeptAnswer | None:
        with self.lock:
            there = self.rows.get(answer.key)
            if there and at < there.kept_until and (there.content is not None or at < there.under_way_until):
                return there
            self.rows[answer.key] = replace(answer, content=None)
            return None

    def get(self, key: str) -> KeptAnswer | None:
        return self.rows.get(key)

    def finish(self, key: str, content: str, kept_until: datetime) -> None:
        with self.lock:
            if key in self.rows:
                self.rows[key] = replace(self.rows[key], content=content, kept_until=kept_until)

    def forget(self, key: str) -> None:
        self.rows.pop(key, None)

    def forget_older_than(self, at: datetime) -> int:
        with self.lock:
            old = [key for key, answer in self.rows.items() if answer.kept_until <= at]
            for key in old:
                del self.rows[key]
            return len(old)
