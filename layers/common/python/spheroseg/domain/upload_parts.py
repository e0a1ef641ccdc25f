"""Files that go over in parts: how large a part is, and what tells that all have arrived."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass

PARTS_FROM_BYTES = 100_000_000
"""Larger files go over in parts, so that a fault costs a part and not the file."""
PART_BYTES = 16 * 2**20
"""5 GB are then 299 parts; S3 takes 10,000 of at least 5 MiB (Amazon S3 user guide, «Multipart upload limits»)."""


@dataclass(frozen=True)
class UploadPart:
    """One part of a file.

    Args:
        number: From 1.
        size_bytes: ``PART_BYTES``, less for the last one.
        sha256: Digest of its bytes, 64 hexadecimal digits.
    """

    number: int
    size_bytes: int
    sha256: str


def goes_in_parts(size_bytes: int | None) -> bool:
    """Whether a file of that size goes over in parts; one whose size nobody told does not."""
    return size_bytes is not None and size_bytes > PARTS_FROM_BYTES


def part_count(size_bytes: int) -> int:
    """How many parts a file has."""
    return -(-size_bytes // PART_BYTES)


def part_size(size_bytes: int, number: int) -> int:
    """The size of one part of a file, in bytes.

    Args:
        number: From 1 to ``part_count``.
    """
    return min(PART_BYTES, size_bytes - (number - 1) * PART_BYTES)


def digest_of_bytes(sha256: str) -> str:
    """The digest of a whole file as images carry it."""
    return f"sha256:{sha256}"


def digest_of_parts(parts: Iterable[UploadPart]) -> str:
    """The digest of a file that went over in parts: the SHA-256 of its parts' SHA-256, in order.

    Equal bytes have equal digests, because the size of a file alone says where its parts begin.
    """
    ordered = sorted(parts, key=lambda part: part.number)
    whole = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in ordered)).hexdigest()
    return f"sha256-of-parts:{whole}"


def to_base64(sha256: str) -> str:
    """A digest as S3 writes it."""
    return b64encode(bytes.fromhex(sha256)).decode()


def of_base64(text: str) -> str:
    """The digest in what S3 wrote, in hexadecimal digits."""
    return b64decode(text).hex()
