"""Files to and from the store, through signed addresses: streamed, repeated after a fault, never half there."""

import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import httpx

from spheroseg_client.errors import ApiError, LocalFileError, UploadRefusedError
from spheroseg_client.transport import Transport

Progress = Callable[[int], None]
"""Called with the number of bytes that have gone over so far; it falls back to 0 when a transfer starts over."""

UPLOAD_TIMEOUT = httpx.Timeout(120.0, connect=5.0, pool=300.0)
CHUNK_BYTES = 256 * 1024
_XML_CODE = re.compile(r"<Code>([^<]*)</Code>")
_XML_MESSAGE = re.compile(r"<Message>([^<]*)</Message>")


class _Counted:
    """A file that tells how much of it was read; httpx asks for ``read``, ``seek``, ``tell`` and ``fileno``."""

    def __init__(self, stream: BinaryIO, progress: Progress) -> None:
        self._stream = stream
        self._progress = progress
        self._read_bytes = 0
        self.fileno = stream.fileno
        self.tell = stream.tell

    def seek(self, offset: int, whence: int = 0) -> int:
        self._read_bytes = 0
        return self._stream.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._read_bytes += len(chunk)
        self._progress(self._read_bytes)
        return chunk


def upload(
    transport: Transport, url: str, fields: Mapping[str, str], path: Path, progress: Progress = lambda _: None
) -> None:
    """Send a file by the form that the service gave out for it; the same bytes twice are the same object.

    Raises:
        LocalFileError: the file cannot be read.
        UploadRefusedError: the store does not take it, such as a form that is too old or a file that has grown.
        ServiceUnreachableError: the store did not answer within the time for retries.
    """

    def send() -> httpx.Response:
        with path.open("rb") as stream:
            # The file goes last: a store ignores the fields after it.
            response = transport.http.post(
                url,
                data=dict(fields),
                files={"file": ("file", _Counted(stream, progress), "application/octet-stream")},  # type: ignore[dict-item]
                timeout=UPLOAD_TIMEOUT,
            )
        if not response.is_success:
            code, message = store_error(response)
            raise ApiError(f"The store did not take {path.name}: {message}", code, status=response.status_code)
        return response

    try:
        transport.retried(send, repeatable=True)
    except ApiError as error:
        raise UploadRefusedError(error.detail) from error
    except OSError as error:
        raise LocalFileError(f"{path.name} cannot be read: {error.strerror or error}", "unreadable-file") from error


def download(transport: Transport, url: str, path: Path, progress: Progress = lambda _: None) -> None:
    """Bring an object to ``path``, which is there as a whole or not at all.

    What has arrived is kept over a fault of the connection, and only the rest is asked for again. An existing file is
    replaced at the end.

    Raises:
        ApiError: the store refuses, such as an address that is too old.
        LocalFileError: the file cannot be written.
        ServiceUnreachableError: the store did not answer within the time for retries.
    """
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    etag: str | None = None

    def fetch() -> httpx.Response:
        nonlocal etag
        have = part.stat().st_size if etag and part.exists() else 0
        headers = {"Accept-Encoding": "identity"}
        if have and etag:
            headers |= {"Range": f"bytes={have}-", "If-Range": etag}
        with transport.http.stream("GET", url, headers=headers, timeout=UPLOAD_TIMEOUT) as response:
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                etag = None  # all of it had arrived when the connection broke; simply begin anew
                raise httpx.ReadError("the rest of the file is not there")
            if not response.is_success:
                response.read()
                code, message = store_error(response)
                raise ApiError(f"The store did not hand out {path.name}: {message}", code, status=response.status_code)
            etag = response.headers.get("ETag")
            resumes = response.status_code == httpx.codes.PARTIAL_CONTENT
            done = have if resumes else 0
            with part.open("ab" if resumes else "wb") as stream:
                for chunk in response.iter_raw(CHUNK_BYTES):
                    stream.write(chunk)
                    done += len(chunk)
                    progress(done)
        return response

    try:
        transport.retried(fetch, repeatable=True)
        part.replace(path)
    except OSError as error:
        raise LocalFileError(f"{path} cannot be written: {error.strerror or error}", "unwritable-file") from error
    finally:
        part.unlink(missing_ok=True)


def store_error(response: httpx.Response) -> tuple[str | None, str]:
    """What the store says about a refusal: its code, and words."""
    code, message = _XML_CODE.search(response.text), _XML_MESSAGE.search(response.text)
    return (code[1] if code else None), (message[1] if message else f"HTTP {response.status_code}")
