"""Clock and ids."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from spheroseg.errors import InvalidPatternError
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


@dataclass(frozen=True)
class InMemoryPattern:
    """A pattern of the standard library, which only tests may trust."""

    compiled: re.Pattern[str]

    @property
    def groups(self) -> frozenset[str]:
        return frozenset(self.compiled.groupindex)

    def search(self, text: str) -> Mapping[str, str | None] | None:
        match = self.compiled.search(text)
        return match.groupdict() if match else None


@dataclass
class InMemoryPatterns:
    """Compiles patterns that RE2 and the standard library know alike."""

    def compile(self, pattern: str) -> InMemoryPattern:
        try:
            return InMemoryPattern(re.compile(pattern))
        except re.error as error:
            raise InvalidPatternError(f"This is no pattern: {error}") from error
