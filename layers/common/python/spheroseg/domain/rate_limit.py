"""How much somebody may ask for in a while.

A budget refills evenly and holds a burst. Only one number is kept of it: the time at which it will be full again.
Source: the generic cell rate algorithm, ITU-T I.371, annex A (virtual scheduling).
"""

from dataclasses import dataclass

MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class RateLimit:
    """A budget.

    Args:
        per_s: What comes back each second, above 0.
        burst: What may be taken at once when it is full, at least 1.
    """

    per_s: float
    burst: int

    @property
    def unit_us(self) -> float:
        """Microseconds in which one comes back."""
        return MICROSECONDS / self.per_s

    @property
    def window_s(self) -> float:
        """Seconds in which an empty budget is full again."""
        return self.burst / self.per_s


@dataclass(frozen=True)
class Charge:
    """What is to be taken from a budget.

    Args:
        budget: Whose it is, such as ``user:…``.
        cost: How much, at least 1; more than the burst takes all of it.
    """

    budget: str
    limit: RateLimit
    cost: int = 1


@dataclass(frozen=True)
class Allowance:
    """What became of a charge; a refused one takes nothing.

    Args:
        left: What may still be taken now.
        retry_after_s: Seconds until the same charge fits; 0 when it was granted.
        full_after_s: Seconds until the budget is full.
    """

    is_granted: bool
    left: int
    retry_after_s: float
    full_after_s: float


def charged(charge: Charge, full_at_us: float, now_us: float) -> tuple[Allowance, float]:
    """What becomes of a charge, and when the budget is full after it.

    Args:
        full_at_us: When it would have been full before it, in microseconds; any time that is over: it is full.
        now_us: The present, on the same clock.
    """
    limit = charge.limit
    capacity_us = limit.burst * limit.unit_us
    before_us = max(full_at_us, now_us)
    after_us = before_us + min(charge.cost, limit.burst) * limit.unit_us
    wait_us = after_us - capacity_us - now_us
    # Half a microsecond: sums of fractions are not exact.
    is_granted = wait_us <= 0.5
    stands_us = after_us if is_granted else before_us
    allowance = Allowance(
        is_granted=is_granted,
        left=max(int((capacity_us - (stands_us - now_us) + 0.5) / limit.unit_us), 0),
        retry_after_s=0.0 if is_granted else wait_us / MICROSECONDS,
        full_after_s=(stands_us - now_us) / MICROSECONDS,
    )
    return allowance, stands_us
