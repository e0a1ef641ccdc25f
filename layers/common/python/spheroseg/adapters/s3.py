"""The bucket on Amazon S3: objects, upload forms and signed links."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from spheroseg.adapters.s3_forms import FormSigner
from spheroseg.domain.upload_parts import UploadPart, of_base64, to_base64
from spheroseg.errors import ObjectChangedError, ObjectNotFoundError, StorageUnavailableError
from spheroseg.ports import Clock, PartLink, StoredObject, UploadForm

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectIdentifierTypeDef

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
CHANGED = frozenset({"412", "PreconditionFailed"})
PAGE_SIZE = 1000
"""Objects that S3 lists, and removes, at once."""

REFUSED_TAG = "refused"
CHUNK_BYTES = 2**20
PARALLEL_FROM_BYTES = 64 * 2**20
"""Larger objects are fetched in parts at a time. Below it that costs more than it brings: four times the processor time
of one plain request for 0.5 MB, one and a half times for 8 MB (docs/results.md)."""
FOREVER = "max-age=31536000, immutable"
"""Results lie under keys that are written once, so that browsers and the CDN may keep them for the longest time."""


class S3ImageStore:
    """One bucket."""

    def __init__(self, client: "S3Client", bucket: str, clock: Clock) -> None:
        self._client = client
        self._bucket = bucket
        self._clock = clock
        self._signer = FormSigner(client, bucket)

    def upload_forms(self, wanted: Sequence[tuple[str, int]], lifetime: timedelta) -> Sequence[UploadForm]:
        """A form for each key and size: it takes one file of 1 to so many bytes; S3 itself holds to the limits."""
        with translated(self._bucket):
            return self._signer.forms(wanted, self._clock.now(), lifetime)

    def begin_parts(self, key: str) -> str:
        """Begin an upload in parts to ``key`` and give its id; the bucket drops what never ends after a day."""
        with translated(key):
            begun = self._client.create_multipart_upload(Bucket=self._bucket, Key=key, ChecksumAlgorithm="SHA256")
        return begun["UploadId"]

    def part_links(
        self, key: str, upload_id: str, parts: Sequence[UploadPart], lifetime: timedelta
    ) -> Sequence[PartLink]:
        """Where to put each part; length and digest are signed, so that S3 takes those very bytes only."""
        expires_at = self._clock.now() + lifetime
        links = []
        with translated(key):
            for part in parts:
                digest = to_base64(part.sha256)
                url = self._client.generate_presigned_url(
                    "upload_part",
                    Params={
                        "Bucket": self._bucket,
                        "Key": key,
                        "UploadId": upload_id,
                        "PartNumber": part.number,
                        "ContentLength": part.size_bytes,
                        "ChecksumSHA256": digest,
                    },
                    ExpiresIn=int(lifetime.total_seconds()),
                )
                headers = {"Content-Length": str(part.size_bytes), "x-amz-checksum-sha256": digest}
                links.append(PartLink(part.number, url, headers, expires_at))
        return links

    def parts(self, key: str, upload_id: str) -> Sequence[UploadPart]:
        """The parts that have arrived, by number, or raise ``ObjectNotFoundError`` when the upload has ended."""
        with translated(key):
            pages = self._client.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PaginationConfig={"PageSize": PAGE_SIZE}
            )
            found = [part for page in pages for part in page.get("Parts", [])]
        return [UploadPart(part["PartNumber"], part["Size"], of_base64(part["ChecksumSHA256"])) for part in found]

    def end_parts(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        """Make the object of its parts, or raise ``ObjectNotFoundError`` when the upload has ended."""
        with translated(key):
            present = self._client.get_paginator("list_parts").paginate(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PaginationConfig={"PageSize": PAGE_SIZE}
            )
            etags = {part["PartNumber"]: part["ETag"] for page in present for part in page.get("Parts", [])}
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=key,
                UploadId=upload_id,
                MpuObjectSize=sum(part.size_bytes for part in parts),
                MultipartUpload={
                    "Parts": [
                        {
                            "PartNumber": part.number,
                            "ETag": etags.get(part.number, ""),
                            "ChecksumSHA256": to_base64(part.sha256),
                        }
                        for part in sorted(parts, key=lambda part: part.number)
                    ]
                },
            )

    def drop_parts(self, key: str, upload_id: str) -> None:
        """Remove what has arrived of an upload; nothing happens when it has ended."""
        try:
            with translated(key):
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=key, UploadId=upload_id)
        except ObjectNotFoundError:
            return

    def sha256(self, key: str) -> str:
        """Digest of an object's bytes, which are read for it; raise ``ObjectNotFoundError`` when it is absent."""
        digest = hashlib.sha256()
        with translated(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            with closing(answer["Body"]) as body:
                for part in body.iter_chunks(CHUNK_BYTES):
                    digest.update(part)
        return digest.hexdigest()

    def describe(self, key: str) -> StoredObject:
        """Size and tag of an object, or raise ``ObjectNotFoundError``."""
        with translated(key):
            head = self._client.head_object(Bucket=self._bucket, Key=key)
        return StoredObject(key=key, size_bytes=head["ContentLength"], etag=head["ETag"].strip('"'))

    def download(self, key: str, path: Path) -> None:
        """Write the object's bytes to a file, large ones in parallel, or raise ``ObjectNotFoundError``."""
        with translated(key):
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
            with closing(answer["Body"]) as body:
                if answer["ContentLength"] <= PARALLEL_FROM_BYTES:
                    with path.open("wb") as file:
                        for part in body.iter_chunks(CHUNK_BYTES):
                            file.write(part)
                    return
            self._client.download_file(self._bucket, key, str(path))

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store bytes that never change again under ``key``."""
        with translated(key):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type, CacheControl=FOREVER
            )

    def copy(self, source_key: str, source_etag: str, key: str) -> StoredObject:
        """Copy inside the bucket.

        Raises:
            ObjectNotFoundError: there is no object at ``source_key``.
            ObjectChangedError: its tag is no longer ``source_etag``.
        """
        with translated(source_key):
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": source_key},
                CopySourceIfMatch=f'"{source_etag}"',
            )
        return self.describe(key)

    def copy_under(self, source_prefix: str, prefix: str) -> Sequence[str]:
        """Copy every object whose key starts with ``source_prefix``, with its type and how long it may be kept.

        Raises:
            ObjectNotFoundError: one of them was removed meanwhile.
        """
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=source_prefix, PaginationConfig={"PageSize": PAGE_SIZE}
        )
        names: list[str] = []
        with translated(source_prefix):
            for page in pages:
                for item in page.get("Contents", []):
                    name = item["Key"].removeprefix(source_prefix)
                    self._client.copy_object(
                        Bucket=self._bucket,
                        Key=prefix + name,
                        CopySource={"Bucket": self._bucket, "Key": item["Key"]},
                    )
                    names.append(name)
        return names

    def refuse(self, key: str, code: str) -> None:
        """Mark an object that cannot be taken in with the reason's code; nothing happens when it is gone."""
        try:
            with translated(key):
                self._client.put_object_tagging(
                    Bucket=self._bucket, Key=key, Tagging={"TagSet": [{"Key": REFUSED_TAG, "Value": code}]}
                )
        except ObjectNotFoundError:
            return

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is gone already."""
        with translated(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_under(self, prefix: str) -> None:
        """Remove every object whose key starts with ``prefix``."""
        if not prefix:
            raise ValueError("An empty prefix would remove the whole bucket")
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE_SIZE}
        )
        with translated(prefix):
            for page in pages:
                found: list[ObjectIdentifierTypeDef] = [{"Key": item["Key"]} for item in page.get("Contents", [])]
                if not found:
                    continue
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": found, "Quiet": True})
                if errors := answer.get("Errors"):
                    raise StorageUnavailableError(f"{len(errors)} objects under {prefix} could not be removed")

    def ping(self) -> None:
        """Return when the bucket answers, or raise ``StorageUnavailableError``."""
        with translated(self._bucket):
            self._client.head_bucket(Bucket=self._bucket)


class S3DownloadLinks:
    """Links that the bucket itself checks."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def link(self, key: str, lifetime: timedelta) -> str:
        """A signed URL of one object; ends with the signer's own credentials at the latest."""
        with translated(key):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": key},
                ExpiresIn=int(lifetime.total_seconds()),
            )


@contextmanager
def translated(key: str) -> Iterator[None]:
    """Errors of the SDK as ours."""
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in ABSENT:
            raise ObjectNotFoundError(f"There is no object at {key}") from error
        if code in CHANGED:
            raise ObjectChangedError(f"{key} is no longer the object that was announced") from error
        raise StorageUnavailableError(f"The object store refuses {key}: {code}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageUnavailableError(f"The object store does not answer for {key}") from error
