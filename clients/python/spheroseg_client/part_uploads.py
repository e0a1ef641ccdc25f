"""Large files in parts: several at once, each repeated after a fault, and none sent that is there already."""

import hashlib
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from spheroseg_client.errors import ApiError, LocalFileError, UploadRefusedError
from spheroseg_client.models import ArrivedPart, PartLink
from spheroseg_client.transfers import UPLOAD_TIMEOUT, Progress, store_error
from spheroseg_client.transport import Transport

PARTS_AT_ONCE = 3
"""Parts in memory at the same time, 16 MiB each."""

Link = Callable[[int, str], PartLink]
"""Gives the link of a part by its number and the SHA-256 of its bytes."""


def upload_parts(
    transport: Transport,
    path: Path,
    part_bytes: int,
    part_count: int,
    arrived: Sequence[ArrivedPart],
    link: Link,
    progress: Progress = lambda _: None,
) -> None:
    """Send the parts of a file that the store does not have yet.

    Args:
        arrived: What the store has; a part is sent again when its bytes are other ones now.
        progress: Told how many bytes are there, those of earlier attempts included.

    Raises:
        LocalFileError: the file cannot be read, or ends early.
        UploadRefusedError: the store does not take a part.
        ServiceUnreachableError: the store did not answer within the time for retries.
    """
    there = {part.number: part.sha256 for part in arrived}
    lock = threading.Lock()
    stop = threading.Event()
    done_bytes = 0

    def send(number: int) -> None:
        nonlocal done_bytes
        if stop.is_set():
            return
        try:
            content = _part_of(path, (number - 1) * part_bytes, part_bytes)
            sha256 = hashlib.sha256(content).hexdigest()
            if there.get(number) != sha256:
                _put(transport, link(number, sha256), content, path.name)
            with lock:
                done_bytes += len(content)
                progress(done_bytes)
        except BaseException:
            stop.set()
            raise

    with ThreadPoolExecutor(PARTS_AT_ONCE, thread_name_prefix="part") as pool:
        for sent in [pool.submit(send, number) for number in range(1, part_count + 1)]:
            sent.result()


def _part_of(path: Path, offset_bytes: int, size_bytes: int) -> bytes:
    try:
        with path.open("rb") as stream:
            stream.seek(offset_bytes)
            content = stream.read(size_bytes)
    except OSError as error:
        raise LocalFileError(f"{path.name} cannot be read: {error.strerror or error}", "unreadable-file") from error
    if not content:
        raise LocalFileError(f"{path.name} has become shorter while it was read", "unreadable-file")
    return content


def _put(transport: Transport, link: PartLink, content: bytes, name: str) -> None:
    if len(content) != link.size_bytes:
        raise LocalFileError(f"{name} has changed while it was read", "unreadable-file")

    def send() -> httpx.Response:
        response = transport.http.put(link.url, content=content, headers=dict(link.headers), timeout=UPLOAD_TIMEOUT)
        if not response.is_success:
            code, message = store_error(response)
            raise ApiError(f"The store did not take {name}: {message}", code, status=response.status_code)
        return response

    try:
        transport.retried(send, repeatable=True)
    except ApiError as error:
        raise UploadRefusedError(error.detail) from error
