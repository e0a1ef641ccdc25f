"""Time, chance and patterns."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.name_pattern import CompiledPattern


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class IdSource(Protocol):
    """Where new ids come from."""

    def new(self) -> UUID:
        """An id that was never given out before; later ones sort later (UUID version 7 where it is at hand)."""


class Patterns(Protocol):
    """Compiles patterns of users, so that none of them can take long."""

    def compile(self, pattern: str) -> CompiledPattern:
        """The pattern, ready to run, or raise ``InvalidPatternError``."""
