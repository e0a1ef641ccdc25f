import ctypes
import sys
import time

import psutil
import pytest

from segmentation_worker import memory
from tests.worker.test_heartbeat import until

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="these calls are glibc's")

PIECES, PIECE_BYTES = 600, 100_000


def resident() -> int:
    return psutil.Process().memory_info().rss


def leave_holes() -> list[int]:
    """Free memory below memory in use, which stays with the process; what is still in use."""
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    pieces = [libc.malloc(PIECE_BYTES) for _ in range(PIECES)]
    for piece in pieces:
        ctypes.memset(piece, 1, PIECE_BYTES)
    for piece in pieces[::2]:
        libc.free(ctypes.c_void_p(piece))
    return pieces[1::2]


def test_what_was_freed_is_given_back() -> None:
    used = leave_holes()
    before = resident()
    assert memory.give_back_free_memory()
    assert before - resident() > 0.4 * PIECES * PIECE_BYTES
    for piece in used:
        ctypes.CDLL(None).free(ctypes.c_void_p(piece))


def test_it_is_given_back_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[float] = []

    def note() -> bool:
        times.append(time.monotonic())
        return True

    monkeypatch.setattr(memory, "give_back_free_memory", note)
    stopped = memory.keep_giving_back(0.01)
    until(lambda: len(times) > 3)
    stopped.set()


def test_arenas_can_be_limited() -> None:
    assert memory.limit_arenas()
