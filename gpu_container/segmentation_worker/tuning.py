"""How many threads one run of a model gets here: measured, for quotas and neighbours show in no core count."""

import os
import time
from collections.abc import Callable
from threading import Thread

MEASURED_FOR_S = 0.15
"""For each number of threads; a few dozen runs at the smallest side."""

AS_GOOD_AS = 0.95
"""More threads answer a single image sooner, so they are taken where they get through as many images, or nearly."""


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measured_threads(run_with: Callable[[int], Callable[[], object]], cores: int, streams: int) -> int:
    """The most threads of one run with which ``streams`` runs at a time get through as much as with any other number.

    Args:
        run_with: Gives one run of the model, callable from several threads at a time, for a number of threads.
    """
    candidates = sorted({1, max(1, cores // streams), cores})
    if len(candidates) == 1:
        return candidates[0]
    rates = {threads: _runs_per_s(run_with(threads), streams) for threads in candidates}
    enough = AS_GOOD_AS * max(rates.values())
    return max(threads for threads, rate in rates.items() if rate >= enough)


def _runs_per_s(run: Callable[[], object], streams: int) -> float:
    run()  # the first one allocates
    counts = [0] * streams
    begun = time.perf_counter()

    def repeat(stream: int) -> None:
        while time.perf_counter() - begun < MEASURED_FOR_S:
            run()
            counts[stream] += 1

    threads = [Thread(target=repeat, args=(stream,)) for stream in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)
