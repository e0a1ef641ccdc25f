"""Clock and ids."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from tests.builders import NOW


@dataclass
class InMemoryClock:
    """A clock that stands still until it is told otherwise."""

    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment

    def advance(self, by: timedelta) -> datetime:
        self.moment += by
        return self.moment


@dataclass
class InMemoryIds:
    """Ids that count up from 1."""

    given: int = 0

    def new(self) -> UUID:
        self.given += 1
        return UUID(int=self.given)
