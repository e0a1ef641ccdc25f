"""How much somebody may ask for: counted by person and by address, for all processes together."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from aws_lambda_powertools.metrics import MetricUnit

from spheroseg.domain.rate_limit import Allowance, Charge, RateLimit
from spheroseg.errors import CacheUnavailableError
from spheroseg.observability import metrics
from spheroseg.ports import RateLimiter

COST_OF_ONE = 100
"""What of a query's cost counts as one request: a page of a hundred objects is what one request of REST gives."""
IPV6_NETWORK_BITS = 64
"""What a provider gives to one customer at least. Source: RFC 6177."""


@dataclass(frozen=True)
class Rates:
    """The budgets.

    Args:
        limiter: Where all processes count, None: each counts alone.
        alone: Counts in this process while the other does not answer.
        user, address: What each person, and each address, may ask for.
    """

    limiter: RateLimiter | None
    alone: RateLimiter
    user: RateLimit
    address: RateLimit

    def charge(self, user_id: str | None, address: str | None, cost: int = 1) -> dict[str, Allowance]:
        """What becomes of a request of somebody from somewhere; nobody from nowhere is not counted."""
        charges = {}
        if user_id is not None:
            charges["user"] = Charge(f"rate:user:{user_id}", self.user, cost)
        if address is not None:
            charges["address"] = Charge(f"rate:address:{_network(address)}", self.address, cost)
        return dict(zip(charges, self._taken(list(charges.values())), strict=True))

    def limit(self, name: str) -> RateLimit:
        """The budget of a charge."""
        return self.user if name == "user" else self.address

    def _taken(self, charges: list[Charge]) -> list[Allowance]:
        if not charges:
            return []
        if self.limiter is not None:
            try:
                return list(self.limiter.take(charges))
            except CacheUnavailableError:
                metrics.add_metric(name="RateCountedAlone", unit=MetricUnit.Count, value=1)
        return list(self.alone.take(charges))


def wait_in_words(whose: str, wait_s: int) -> str:
    """The refusal in words."""
    who = "You have" if whose == "user" else "Your address has"
    return f"{who} asked for more than one may in a while; try again in {wait_s} s"


def _network(address: str) -> str:
    """The address, or the network that one customer has of IPv6."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ip_network((parsed, IPV6_NETWORK_BITS), strict=False).network_address)
