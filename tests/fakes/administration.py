"""The user pool's people, queues with dead letters, and deeds, in lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from spheroseg.domain.administration import DeadLetter, Deed, Depth, Person, QueueName
from spheroseg.errors import DeadLetterNotFoundError, InvalidCursorError, UserNotFoundError


@dataclass
class InMemoryDeeds:
    """Deeds in a list; ``waiting`` tells since when queues have something."""

    rows: list[Deed] = field(default_factory=list)
    waiting: dict[QueueName, datetime] = field(default_factory=dict)

    def add(self, deed: Deed) -> None:
        self.rows.append(deed)

    def latest(self, limit: int) -> Sequence[Deed]:
        return sorted(self.rows, key=lambda deed: (deed.at, deed.id), reverse=True)[:limit]

    def oldest_waiting(self) -> Mapping[QueueName, datetime]:
        return self.waiting


@dataclass
class InMemoryDirectory:
    """People in a dict."""

    people: dict[str, Person] = field(default_factory=dict)

    def page(self, search: str | None, token: str | None, limit: int) -> tuple[Sequence[Person], str | None]:
        if token is not None and not token.isdigit():
            raise InvalidCursorError("The cursor is not one that a list gave out")
        found = [it for it in self.people.values() if search is None or (it.email or "").startswith(search)]
        begin = int(token or 0)
        end = begin + limit
        return found[begin:end], str(end) if end < len(found) else None

    def get(self, user_id: str) -> Person:
        if user_id not in self.people:
            raise UserNotFoundError(f"There is no user {user_id}")
        return self.people[user_id]

    def disable(self, user_id: str) -> None:
        if user_id in self.people:
            self.people[user_id] = replace(self.people[user_id], is_enabled=False)

    def remove(self, user_id: str) -> None:
        self.people.pop(user_id, None)


@dataclass
class InMemoryQueues:
    """Letters by queue; ``sent`` has what went back to the queues."""

    dead: dict[QueueName, list[DeadLetter]] = field(default_factory=dict)
    sent: list[tuple[QueueName, str, str | None]] = field(default_factory=list)

    def depths(self) -> Mapping[QueueName, tuple[Depth, Depth]]:
        return {
            name: (Depth(sum(queue is name for queue, *_ in self.sent), 0), Depth(len(self.dead.get(name, [])), 0))
            for name in QueueName
        }

    def letters(self, queue: QueueName, limit: int) -> Sequence[DeadLetter]:
        letters = [replace(it, receive_count=it.receive_count + 1) for it in self.dead.get(queue, [])]
        self.dead[queue] = letters
        return sorted(letters, key=lambda it: (it.sent_at, it.id))[:limit]

    def retry(self, queue: QueueName, letter_id: str) -> DeadLetter:
        letter = self.discard(queue, letter_id)
        self.sent.append((queue, letter.body, letter.correlation_id))
        return letter

    def discard(self, queue: QueueName, letter_id: str) -> DeadLetter:
        for letter in self.letters(queue, 1000):
            if letter.id == letter_id:
                self.dead[queue].remove(letter)
                return letter
        raise DeadLetterNotFoundError(f"There is no dead letter {letter_id} in {queue}")
