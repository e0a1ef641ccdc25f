"""The bucket on Amazon S3 for whoever moves many objects: transfers by obstore, the rest by the SDK.

obstore is the object store of Apache Arrow, in Rust. It takes a fifth of the SDK's processor time for an object of the
usual size, and does not hold the interpreter meanwhile (docs/results.md). Only the worker has it.
"""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store

from spheroseg.adapters.aws import CONNECT_TIMEOUT_S, READ_TIMEOUT_S, TRIES
from spheroseg.adapters.s3 import CHUNK_BYTES, FOREVER, PARALLEL_FROM_BYTES, S3ImageStore
from spheroseg.errors import StorageUnavailableError
from spheroseg.ports import Clock

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore import GetResult

NOT_THERE = (FileNotFoundError, NotFoundError)
"""obstore raises Python's own error where it is documented to raise its own."""

WHOLE_TIMEOUT = timedelta(minutes=3)
"""For one transfer from its first to its last byte: 64 MB at 3 Mbit/s. Where nothing moves it ends much earlier."""

RETRY_FOR = timedelta(seconds=10)
"""Within its few tries. Whoever calls tries again, and longer."""

CREDENTIALS_FOR = timedelta(minutes=5)
"""For so long they are not asked for anew; the SDK renews those that expire 10 to 15 minutes ahead."""


class S3TransferStore(S3ImageStore):
    """One bucket, as ``S3ImageStore`` but for how objects get to and from it."""

    def __init__(self, client: "S3Client", bucket: str, clock: Clock) -> None:
        """Nothing is asked yet.

        Args:
            client: Its region, endpoint and credentials are used for transfers, too.
        """
        super().__init__(client, bucket, clock)
        endpoint = client.meta.endpoint_url
        self._transfers = S3Store(
            bucket,
            region=client.meta.region_name,
            endpoint=endpoint,
            virtual_hosted_style_request=False,
            credential_provider=Boto3CredentialProvider(boto3.Session(), ttl=CREDENTIALS_FOR),
            client_options={
                "allow_http": endpoint.startswith("http://"),  # the emulator; the SDK was told its address
                "connect_timeout": timedelta(seconds=CONNECT_TIMEOUT_S),
                "read_timeout": timedelta(seconds=READ_TIMEOUT_S),
                "timeout": WHOLE_TIMEOUT,
            },
            retry_config={"max_retries": TRIES - 1, "retry_timeout": RETRY_FOR},
        )

    def download(self, key: str, path: Path) -> None:
        """Write the object's bytes to a file, large ones in parallel, or raise ``ObjectNotFoundError``."""
        try:
            found = self._transfers.get(key)
            if found.meta["size"] <= PARALLEL_FROM_BYTES:
                _write(found, path)
                return
        except NOT_THERE:
            pass  # so is an absent bucket told, which must not end a run: the SDK tells the two apart
        except BaseError as error:
            raise _unavailable(key) from error
        super().download(key, path)

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store bytes that never change again under ``key``."""
        attributes = {"Content-Type": content_type, "Cache-Control": FOREVER}
        try:
            self._transfers.put(key, content, attributes=attributes, use_multipart=False)
        except (BaseError, *NOT_THERE) as error:
            raise _unavailable(key) from error


def _write(found: "GetResult", path: Path) -> None:
    with path.open("wb") as file:
        for part in found.stream(min_chunk_size=CHUNK_BYTES):
            file.write(part)


def _unavailable(key: str) -> StorageUnavailableError:
    return StorageUnavailableError(f"The object store does not answer for {key}, or refuses it")
