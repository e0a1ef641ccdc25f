"""What several processes share for a while, and can do without."""

from collections.abc import Sequence
from typing import Protocol

from spheroseg.domain.rate_limit import Allowance, Charge


class Cache(Protocol):
    """Bytes by key; what was put may be gone at any time, and is never another's."""

    def get(self, key: str) -> bytes | None:
        """What was put there last, or None; raises ``CacheUnavailableError`` when nobody can tell."""

    def put(self, key: str, value: bytes, lifetime_s: int) -> None:
        """Keep for so long at most, or raise ``CacheUnavailableError``."""


class RateLimiter(Protocol):
    """Budgets by name."""

    def take(self, charges: Sequence[Charge]) -> Sequence[Allowance]:
        """What becomes of each charge, in their order, or raise ``CacheUnavailableError``; each stands alone."""
