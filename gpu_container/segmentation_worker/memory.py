"""What the process has freed goes back to the system.

The C library keeps freed memory, in up to eight arenas for each core, and more of it whenever more runs than before
meet at a time: the process grows in steps that look like a leak. With few arenas, and what is free in them given back
now and then, its size shows what it uses. Elsewhere than on glibc nothing is done.

Source: glibc's manual, mallopt(3) and malloc_trim(3).
"""

import ctypes
from threading import Event, Thread

M_ARENA_MAX = -8
ARENAS = 2
"""Pixels are computed on with few allocations, and Python has an allocator of its own for what is small."""

EVERY_S = 10.0
"""While there is work; when there is none left it is done at once. A look through 100 MB takes some milliseconds."""


def limit_arenas() -> bool:
    """Let threads share few arenas, those that start from now on; whether that is possible here."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return set_option is not None and bool(set_option(M_ARENA_MAX, ARENAS))


def give_back_free_memory() -> bool:
    """Give free pages of all arenas back now; whether that is possible here."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True


def keep_giving_back(every_s: float = EVERY_S) -> Event:
    """Do so again and again in a thread, until the event is set."""
    stopped = Event()

    def repeat() -> None:
        while not stopped.wait(every_s) and give_back_free_memory():
            pass

    Thread(target=repeat, name="memory", daemon=True).start()
    return stopped
