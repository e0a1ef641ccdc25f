"""The same work on many parts of a large image, on all cores: numpy lets other threads run while it computes."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Part = TypeVar("Part")
Outcome = TypeVar("Outcome")

FEW = 8
"""Fewer parts take a few milliseconds at most, of which starting threads would be a good share."""

THREADS_MAX = 4
"""More would mostly wait for the interpreter, which each of them needs between two calls of numpy."""


def each_of(work: Callable[[Part], Outcome], parts: Iterable[Part]) -> list[Outcome]:
    """What ``work`` gives for each part, in order; the first error is raised.

    For few parts, and in a process with a single core, no thread is started.

    Args:
        work: Called in several threads at a time.
    """
    items = list(parts)
    threads = min(_usable_cores(), THREADS_MAX)
    if threads <= 1 or len(items) < FEW:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads, thread_name_prefix="part") as pool:
        return list(pool.map(work, items))


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
