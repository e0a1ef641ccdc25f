"""The bucket as exports need it: files of any size written front to back, in constant memory."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from spheroseg.adapters.s3 import PAGE_SIZE, S3ImageStore, translated
from spheroseg.errors import ObjectNotFoundError
from spheroseg.ports import ObjectStream

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 16 * 2**20
"""All that is in memory of a file. S3 takes 10,000 parts, so files may have 167 GB (S3 user guide, «Multipart upload
limits»)."""
KEPT_BY_NOBODY = "private, no-store"


class _Parts(RawIOBase):
    """Takes bytes, and sends them part by part; a file of less than one part is sent as a whole."""

    def __init__(self, client: "S3Client", target: dict[str, Any]) -> None:
        self.size_bytes = 0
        self.upload_id: str | None = None
        self._client = client
        self._target = target
        self._place = {"Bucket": target["Bucket"], "Key": target["Key"]}
        self._waiting = bytearray()
        self._digest = hashlib.sha256()
        self._sent: list[CompletedPartTypeDef] = []

    @property
    def stream(self) -> BinaryIO:
        """Takes the bytes."""
        return cast(BinaryIO, self)

    @property
    def sha256(self) -> str:
        """Digest of the bytes until now."""
        return self._digest.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - whatever has bytes
        view = memoryview(content).cast("B")
        self._digest.update(view)
        self.size_bytes += len(view)
        for begin in range(0, len(view), PART_BYTES):
            self._waiting += view[begin : begin + PART_BYTES]
            if len(self._waiting) >= PART_BYTES:
                self._send()
        return len(view)

    def complete(self) -> None:
        """Make the object."""
        if self.upload_id is None:
            with translated(self._target["Key"]):
                self._client.put_object(Body=bytes(self._waiting), **self._target)
            return
        if self._waiting:
            self._send()
        with translated(self._target["Key"]):
            self._client.complete_multipart_upload(
                UploadId=self.upload_id, MultipartUpload={"Parts": self._sent}, **self._place
            )

    def abort(self) -> None:
        """Leave nothing."""
        if self.upload_id is not None:
            try:
                with translated(self._target["Key"]):
                    self._client.abort_multipart_upload(UploadId=self.upload_id, **self._place)
            except ObjectNotFoundError:
                return

    def _send(self) -> None:
        with translated(self._target["Key"]):
            if self.upload_id is None:
                self.upload_id = self._client.create_multipart_upload(**self._target)["UploadId"]
            number = len(self._sent) + 1
            # bytes: the SDK reads a body more than once, for its checksum and when it tries again.
            body, self._waiting = bytes(self._waiting), bytearray()
            answer = self._client.upload_part(
                UploadId=self.upload_id, PartNumber=number, Body=body, ContentLength=len(body), **self._place
            )
        self._sent.append({"PartNumber": number, "ETag": answer["ETag"]})


class S3ExportStore(S3ImageStore):
    """One bucket."""

    @contextmanager
    def write(self, key: str, media_type: str, file_name: str) -> Iterator[ObjectStream]:
        """An object that appears when the block ends well; else nothing of it is left."""
        parts = _Parts(
            self._client,
            {
                "Bucket": self._bucket,
                "Key": key,
                "ContentType": media_type,
                "ContentDisposition": f'attachment; filename="{file_name}"',
                "CacheControl": KEPT_BY_NOBODY,
            },
        )
        try:
            yield parts
            parts.complete()
        except BaseException:
            parts.abort()
            raise

    def clear(self, prefix: str) -> None:
        """Remove the objects whose key starts with ``prefix``, and what has arrived of unfinished ones."""
        self.delete_under(prefix)
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE_SIZE}
        )
        with translated(prefix):
            begun = [(upload["Key"], upload["UploadId"]) for page in pages for upload in page.get("Uploads", [])]
        for key, upload_id in begun:
            self.drop_parts(key, upload_id)
