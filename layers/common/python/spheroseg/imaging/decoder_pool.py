"""Decoding of files that nobody trusts, in processes that may die over them."""

import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from queue import LifoQueue
from types import TracebackType
from typing import Any, Self, cast

import numpy as np

from spheroseg import errors
from spheroseg.domain.pages import Pages
from spheroseg.errors import ImageTooLargeError, InvalidInputError, UndecodableImageError
from spheroseg.imaging import decoder_child
from spheroseg.imaging.decoder_child import receive_message, send_message
from spheroseg.imaging.mapped import mapped
from spheroseg.imaging.windowing import Grey
from spheroseg.ports import DecodedImage

MEMORY_BYTES = 2**30
TIME_LIMIT_S = 10.0
BYTES_PER_S = 20_000_000
"""Files may take longer by this, at least: LZW, the slowest kind in use, is read three times as fast."""
LARGE_FILE_BYTES = 2**24
"""Of larger files one is decoded at a time: two at the limit of memory would be too much together."""
START_LIMIT_S = 60.0
KILLED_FROM_OUTSIDE = {-signal.SIGKILL, -signal.SIGTERM}


class DecoderPool:
    """The port Decoder on child processes that live long.

    A child that crashes, hangs or wants too much memory is replaced, and the file is refused with a reason. Children
    end with this process, however it ends, and leave nothing behind. Used by any number of threads.

    Args:
        processes: Files decoded at a time.
        memory_bytes: What a child may take for one file beyond what it has anyway.
        time_limit_s: How long a small file may take; each 20 MB have another second.
        program: Module that runs as the child.
    """

    def __init__(
        self,
        processes: int = 1,
        *,
        memory_bytes: int = MEMORY_BYTES,
        time_limit_s: float = TIME_LIMIT_S,
        program: str = decoder_child.__name__,
    ) -> None:
        self._memory_bytes = memory_bytes
        self._time_limit_s = time_limit_s
        self._program = program
        self._size = processes
        self._closed = threading.Event()
        self._large = threading.Lock()
        self._idle: LifoQueue[_Child | None] = LifoQueue()  # None stands for a child that is still to be started
        for _ in range(processes):
            self._idle.put(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def decode(self, path: Path, page: int = 1) -> DecodedImage:
        """One page of a file, the first is 1.

        Raises:
            InvalidInputError: one of its leaves says what is wrong with the file.
        """
        if self._closed.is_set():
            raise RuntimeError("The decoder is closed")
        try:
            return self._decode_once(path, page)
        except _ChildDiedError as death:
            if death.status not in KILLED_FROM_OUTSIDE:
                raise death.as_refusal() from None
        try:  # being killed from outside says nothing about the file, the first time
            return self._decode_once(path, page)
        except _ChildDiedError as death:
            raise death.as_refusal() from None

    def _decode_once(self, path: Path, page: int) -> DecodedImage:
        size = path.stat().st_size
        time_limit_s = self._time_limit_s + size // BYTES_PER_S
        with self._large if size > LARGE_FILE_BYTES else nullcontext():
            child = self._idle.get()
            try:
                child = child or self._start()
                return child.decode(path, page, time_limit_s)
            except TimeoutError:
                raise UndecodableImageError(f"Decoding the file was given up after {time_limit_s:g} s") from None
            finally:
                self._idle.put(child if child and child.is_idle else self._replacement(child))

    def close(self) -> None:
        """End the children; waits for files that are being decoded."""
        self._closed.set()
        for _ in range(self._size):
            child = self._idle.get()
            if child:
                child.end()
        self._size = 0

    def _start(self) -> "_Child":
        return _Child(self._program, self._memory_bytes)

    def _replacement(self, child: "_Child | None") -> "_Child | None":
        """A fresh child for one whose answer can no longer be trusted; None when it cannot be started just now."""
        if child:
            child.end()
        if self._closed.is_set():
            return None
        try:
            return self._start()
        except OSError:  # no process or file number is free; the next file tries again, and tells
            return None


class _ChildDiedError(Exception):
    """The child is gone; ``status`` as subprocess tells it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The decoder ended with status {status}")
        self.status = status

    def as_refusal(self) -> InvalidInputError:
        """What that says about the file."""
        if self.status == -signal.SIGKILL:
            return ImageTooLargeError("Decoding the image was ended by the system, which happens when memory runs out")
        if self.status == -signal.SIGALRM:
            return UndecodableImageError("Decoding the file took too long")
        return UndecodableImageError("The decoder crashed over the file")


class _Child:
    """One decoding process and the parent's ends of what it shares."""

    def __init__(self, program: str, memory_bytes: int) -> None:
        self._connection, theirs = socket.socketpair()
        self._pixels = _nameless_file()
        lifeline, self._lifeline = os.pipe()
        numbers = (theirs.fileno(), self._pixels, lifeline)
        arguments = [*numbers, memory_bytes]
        self._process = subprocess.Popen(
            [sys.executable, "-m", program, *map(str, arguments)],
            pass_fds=numbers,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C or a signal to the group is for the parent alone
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
        )
        theirs.close()
        os.close(lifeline)
        self._ready = False
        self._ended = False
        self.is_idle = True

    def decode(self, path: Path, page: int, time_limit_s: float) -> DecodedImage:
        """Ask and wait, or raise what the child says, ``TimeoutError`` or ``_ChildDiedError``."""
        self.is_idle = False  # until the whole answer is here
        self._become_ready()
        self._connection.settimeout(time_limit_s)
        spill = path.with_name(path.name + ".pixels")
        try:
            return self._answered(path, page, time_limit_s, spill)
        finally:
            spill.unlink(missing_ok=True)  # a map of it keeps its content

    def _answered(self, path: Path, page: int, time_limit_s: float, spill: Path) -> DecodedImage:
        request = {"path": str(path), "page": page, "spill": str(spill), "time_limit_s": int(time_limit_s) + 5}
        try:
            send_message(self._connection, request)
        except (BrokenPipeError, ConnectionResetError):
            raise self._death() from None
        reply = self._receive()
        if "error" in reply:
            self.is_idle = True
            refusal: type[InvalidInputError] = getattr(errors, reply["error"])
            raise refusal(reply["detail"])
        shape, dtype = (reply["shape"][0], reply["shape"][1]), reply["dtype"]
        unequal = reply["unequal_edges_um"]
        decoded = DecodedImage(
            pixels=mapped(spill, shape, dtype) if reply["is_spilled"] else self._read(shape, dtype),
            pixel_type=reply["pixel_type"],
            pages=Pages(reply["page_count"], reply["page_axes"], tuple(reply["page_sizes"])),
            pixel_size_um=reply["pixel_size_um"],
            unequal_edges_um=(unequal[0], unequal[1]) if unequal else None,
        )
        self.is_idle = True
        return decoded

    def end(self) -> None:
        """End the process and give back what it shared; nothing happens the second time."""
        if self._ended:
            return
        self._ended, self.is_idle = True, False
        self._connection.close()
        os.close(self._lifeline)
        os.close(self._pixels)
        self._process.kill()
        self._process.wait()

    def _become_ready(self) -> None:
        """Wait until the child has loaded its libraries, which is no file's fault."""
        if self._ready:
            return
        self._connection.settimeout(START_LIMIT_S)
        try:
            message = receive_message(self._connection)
        except (TimeoutError, ConnectionResetError):
            message = None
        if message is None:
            raise RuntimeError("A decoding process could not be started; its last words are in the log")
        self._ready = True

    def _receive(self) -> dict[str, Any]:
        try:
            reply = receive_message(self._connection)
        except ConnectionResetError:
            reply = None
        if reply is None:
            raise self._death()
        return reply

    def _death(self) -> _ChildDiedError:
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=2)
        return _ChildDiedError(self._process.poll() or 0)

    def _read(self, shape: tuple[int, int], dtype: str) -> Grey:
        """A copy of the pixels, so that the file can take the next ones."""
        size = shape[0] * shape[1] * np.dtype(dtype).itemsize
        with mmap.mmap(self._pixels, size, access=mmap.ACCESS_READ) as content:
            shared: np.ndarray[Any, Any] = np.frombuffer(content, dtype)
            pixels = shared.reshape(shape).copy()
            del shared  # a map cannot be closed while somebody looks at it
        os.ftruncate(self._pixels, 0)
        return cast("Grey", pixels)


def _nameless_file() -> int:
    """A file in memory where the system has such, else an unlinked one: gone with the last process that holds it."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("pixels")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
