"""A process that decodes files for its parent and may die over them: ``python -m spheroseg.imaging.decoder_child``.

Requests and answers are JSON with a length before them, on an inherited socket. Pixels go into an inherited file
without a name, so that nothing is left behind when this process is killed.
"""

import json
import os
import resource
import signal
import socket
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from spheroseg.errors import ImageTooLargeError, SpherosegError, UndecodableImageError
from spheroseg.imaging.decode import LIMITS, DecodedPage, WrittenPage, decode_page
from spheroseg.imaging.header import DecodeLimits

Decode = Callable[[Path, int, DecodeLimits, Path | None], DecodedPage | WrittenPage]
LENGTH = struct.Struct("!I")


def send_message(connection: socket.socket, message: dict[str, Any]) -> None:
    """Write one message."""
    content = json.dumps(message).encode()
    connection.sendall(LENGTH.pack(len(content)) + content)


def receive_message(connection: socket.socket) -> dict[str, Any] | None:
    """Read one message; None when the other side is gone."""
    head = _exactly(connection, LENGTH.size)
    content = _exactly(connection, LENGTH.unpack(head)[0]) if head else None
    message: dict[str, Any] | None = json.loads(content) if content else None
    return message


def _exactly(connection: socket.socket, size: int) -> bytes | None:
    parts = []
    while size:
        part = connection.recv(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def limit_memory(budget_bytes: int) -> None:
    """Let this process grow by so much from what it has mapped now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except FileNotFoundError:  # no Linux: there the address space cannot be limited in a useful way
        return
    limit = pages * resource.getpagesize() + budget_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def end_with_parent(lifeline: int) -> None:
    """End this process as soon as the other end of a pipe is closed, which the kernel does for a killed parent."""

    def wait() -> None:
        os.read(lifeline, 1)
        os._exit(0)

    threading.Thread(target=wait, daemon=True, name="lifeline").start()


def answer(request: dict[str, Any], pixels_file: int, decode: Decode) -> dict[str, Any]:
    """Decode what is asked for: pixels into the shared file, or the one that is named for large pages, the rest into
    the answer."""
    try:
        page = decode(Path(request["path"]), request["page"], LIMITS, Path(request["spill"]))
        if isinstance(page, DecodedPage):
            _write(pixels_file, page.pixels)
    except SpherosegError as error:
        return {"error": type(error).__name__, "detail": str(error)}
    except MemoryError:
        return {"error": ImageTooLargeError.__name__, "detail": "Decoding the image needs more memory than it is given"}
    except OSError as error:
        return {"error": UndecodableImageError.__name__, "detail": f"The file cannot be read: {error.strerror}"}
    return {
        "is_spilled": isinstance(page, WrittenPage),
        "shape": page.pixels.shape,
        "dtype": np.dtype(page.pixels.dtype).str,
        "pixel_type": page.pixel_type,
        "page_count": page.pages.count,
        "page_axes": page.pages.axes,
        "page_sizes": page.pages.sizes,
        "pixel_size_um": page.pixel_size_um,
        "unequal_edges_um": page.unequal_edges_um,
    }


def _write(file: int, pixels: np.ndarray[Any, Any]) -> None:
    content = np.ascontiguousarray(pixels).data.cast("B")
    os.ftruncate(file, len(content))
    written = 0
    while written < len(content):
        written += os.pwrite(file, content[written:], written)


def main(decode: Decode = decode_page) -> None:
    """Answer requests until the parent closes the socket."""
    socket_number, pixels_file, lifeline, budget_bytes = (int(argument) for argument in sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it is over
    cv2.setNumThreads(1)
    end_with_parent(lifeline)
    limit_memory(budget_bytes)
    with socket.socket(fileno=socket_number) as connection:
        send_message(connection, {"ready": True})
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())  # libraries chat about the content of files
        while request := receive_message(connection):
            signal.alarm(
                request["time_limit_s"]
            )  # ends this process even inside a library, should the parent not do it
            reply = answer(request, pixels_file, decode)
            signal.alarm(0)
            send_message(connection, reply)


if __name__ == "__main__":
    main()
