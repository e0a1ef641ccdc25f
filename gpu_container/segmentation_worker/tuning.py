"""How the network is run here: measured at the start, for quotas, neighbours and devices show in no list of parts."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread

MEASURED_FOR_S = 0.15
"""For each way; a few dozen runs at the smallest side."""

AS_GOOD_AS = 0.95
"""More threads answer a single image sooner, and a batch answers it later: so the most threads and the smallest batch
are taken that get through as many images as the best, or nearly."""

STREAMS_ON_CPU, STREAMS_ON_GPU = 2, 8
"""Images at the network at a time: the cores are shared with decoding and outlines; a GPU wants batches."""


@dataclass(frozen=True)
class Tuning:
    """How every model is run.

    Args:
        threads: Threads of one run on the CPU.
        streams: Images that are looked at at a time.
        batch: Views of one run at most.
        wait_s: How long a view waits for company at most, in seconds.
        is_bound: Whether buffers are kept on the device (IO binding).
    """

    threads: int = 1
    streams: int = STREAMS_ON_CPU
    batch: int = 1
    wait_s: float = 0.0
    is_bound: bool = False


ONE_BY_ONE = Tuning()
"""One thread, one view in a run: what an answer needs no measuring for."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def best_threads(rate_of: Callable[[int], float], cores: int, streams: int) -> int:
    """The most threads of one run with which ``streams`` runs at a time get through as much as with any other number.

    Args:
        rate_of: Measures images in a second for a number of threads.
        cores: Cores that may be used.
        streams: Runs at a time.
    """
    candidates = sorted({1, max(1, cores // streams), cores})
    return _good_enough(rate_of, candidates)[-1]


def best_batch(rate_of: Callable[[int], float], streams: int) -> int:
    """The smallest batch with which ``streams`` images get through as fast as with any other.

    Args:
        rate_of: Measures images in a second for a size of batches.
        streams: Images that are looked at at a time, and so the most that can come together.
    """
    sizes = [2**power for power in range(streams.bit_length())]
    return _good_enough(rate_of, sizes)[0]


def _good_enough(rate_of: Callable[[int], float], candidates: Sequence[int]) -> list[int]:
    if len(candidates) == 1:
        return list(candidates)
    rates = {candidate: rate_of(candidate) for candidate in candidates}
    enough = AS_GOOD_AS * max(rates.values())
    return [candidate for candidate, rate in rates.items() if rate >= enough]


def runs_per_s(run: Callable[[], object], at_a_time: int = 1) -> float:
    """How often ``run`` is done in a second by so many threads together."""
    run()  # the first one allocates
    counts = [0] * at_a_time
    begun = time.perf_counter()

    def repeat(stream: int) -> None:
        while time.perf_counter() - begun < MEASURED_FOR_S:
            run()
            counts[stream] += 1

    threads = [Thread(target=repeat, args=(stream,)) for stream in range(at_a_time)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)
