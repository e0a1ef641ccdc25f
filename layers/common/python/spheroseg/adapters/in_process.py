"""A cache and budgets in the memory of this process: where there is no cache server, and while it does not answer."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from time import monotonic

from spheroseg.domain.rate_limit import MICROSECONDS, Allowance, Charge, charged

MAX_BYTES = 16_000_000
MAX_BUDGETS = 10_000


class InProcessCache:
    """Bytes by key; what was used least lately gives way.

    Args:
        max_bytes: Size of all values together.
        clock: Seconds that never go back.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[bytes, float]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes | None:
        """What was put there last, or None."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            if found[1] <= self._clock():
                self._drop(key)
                return None
            self._kept.move_to_end(key)
            return found[0]

    def put(self, key: str, value: bytes, lifetime_s: int) -> None:
        """Keep for so long at most; what is larger than all of the cache is not kept."""
        with self._lock:
            self._drop(key)
            if len(value) > self._max_bytes:
                return
            self._kept[key] = value, self._clock() + lifetime_s
            self._bytes += len(value)
            while self._bytes > self._max_bytes:
                self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= len(found[0])


class InProcessRateLimiter:
    """Budgets of this process alone.

    Args:
        clock: Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._full_at_us: OrderedDict[str, float] = OrderedDict()

    def take(self, charges: Sequence[Charge]) -> Sequence[Allowance]:
        """What becomes of each charge, in their order; each stands alone."""
        with self._lock:
            return [self._taken(charge) for charge in charges]

    def _taken(self, charge: Charge) -> Allowance:
        now_us = self._clock() * MICROSECONDS
        allowance, full_at_us = charged(charge, self._full_at_us.get(charge.budget, 0.0), now_us)
        self._full_at_us[charge.budget] = full_at_us
        self._full_at_us.move_to_end(charge.budget)
        while len(self._full_at_us) > MAX_BUDGETS:
            self._full_at_us.popitem(last=False)
        return allowance
