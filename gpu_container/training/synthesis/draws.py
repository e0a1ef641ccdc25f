"""Random numbers of the kinds that a scene is made of."""

from collections.abc import Mapping
from math import exp, log
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Rng = np.random.Generator
Field = NDArray[np.float32]

T = TypeVar("T")


def between(rng: Rng, low: float, high: float) -> float:
    """Any value from low to high, equally likely."""
    return low + (high - low) * rng.random()


def log_between(rng: Rng, low: float, high: float) -> float:
    """Any order of magnitude from low to high, equally likely; both above 0."""
    return exp(between(rng, log(low), log(high)))


def chance(rng: Rng, probability: float) -> bool:
    """True in this share of draws."""
    return bool(rng.random() < probability)


def whole(rng: Rng, low: int, high: int) -> int:
    """Any whole number from low to high, both included."""
    return int(rng.integers(low, high + 1))


def pick(rng: Rng, weights: Mapping[T, float]) -> T:
    """One of the keys, as often as its weight says."""
    at = rng.random() * sum(weights.values())
    return list(weights)[int(np.searchsorted(np.cumsum(list(weights.values()))[:-1], at, side="right"))]
