"""Whether the parts behind the API answer."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from time import perf_counter

from spheroseg.errors import SpherosegError

PATIENCE_S = 4.0
"""How long all parts together may take: a load balancer or a person asks again after 5 s."""


@dataclass(frozen=True)
class Part:
    """Something behind the API.

    Args:
        check: Gives what is worth telling in numbers, such as ``{"lag_s": 0.02}``; raises when the part is down.
        is_needed: False when requests can be served without it.
    """

    name: str
    check: Callable[[], dict[str, float | None]]
    is_needed: bool = True


@dataclass(frozen=True)
class PartHealth:
    """What one look at a part gave.

    Args:
        code: Of the error when the part is down; never its text, which may name hosts.
        duration_s: Seconds that the look took; None when it was not waited for.
    """

    name: str
    is_needed: bool
    code: str | None
    duration_s: float | None
    figures: dict[str, float | None]


def look_at(parts: Sequence[Part], patience_s: float = PATIENCE_S) -> list[PartHealth]:
    """The health of each part, looked at side by side; one that is silent for too long counts as down."""
    executor = ThreadPoolExecutor(max_workers=max(len(parts), 1), thread_name_prefix="health")
    looks = {part.name: executor.submit(_look, part) for part in parts}
    wait(looks.values(), timeout=patience_s)
    executor.shutdown(wait=False, cancel_futures=True)  # a silent part ends by its adapter's own timeout
    return [_outcome(part, looks[part.name]) for part in parts]


def _look(part: Part) -> PartHealth:
    begun = perf_counter()
    try:
        figures, code = part.check(), None
    except SpherosegError as error:
        figures, code = {}, error.code
    return PartHealth(part.name, part.is_needed, code, perf_counter() - begun, figures)


def _outcome(part: Part, look: Future[PartHealth]) -> PartHealth:
    if not look.done():
        return PartHealth(part.name, part.is_needed, "timed-out", None, {})
    return look.result()
