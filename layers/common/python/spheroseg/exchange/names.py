"""Names of files in an export: unique, safe on every file system, and still recognisable."""

import hashlib
import re
import unicodedata
from pathlib import PurePosixPath

MAX_BYTES = 150
"""Longest name without its suffix, in UTF-8; file systems take 255 bytes."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_DOUBLE_SUFFIXES = (".ome.tif", ".ome.tiff")


def name_of_image(file: str) -> str:
    """What the files of an image are called: its own name without suffix, in characters that file systems take.

    A long name is cut and ends with a part of its SHA-256. ``spheroseg export`` names files so, too.
    """
    lowered = file.lower()
    suffix = next((one for one in _DOUBLE_SUFFIXES if lowered.endswith(one) and len(file) > len(one)), None)
    stem = PurePosixPath(file).stem if suffix is None else file[: -len(suffix)]
    composed = unicodedata.normalize("NFC", stem.encode("utf-8", "replace").decode("utf-8"))
    cleaned = _UNSAFE.sub("_", composed).strip().rstrip(".") or "image"
    if cleaned.startswith("."):
        cleaned = "_" + cleaned[1:]
    if _RESERVED.fullmatch(cleaned):
        cleaned = "_" + cleaned
    encoded = cleaned.encode()
    if len(encoded) <= MAX_BYTES:
        return cleaned
    digest = hashlib.sha256(encoded).hexdigest()[:8]
    return encoded[: MAX_BYTES - 9].decode(errors="ignore") + "-" + digest


def unique_name(name: str, taken: set[str]) -> str:
    """The name, or with a number behind it where it is taken, in another case of letters too; remembered."""
    found, count = name, 1
    while found.lower() in taken:
        count += 1
        found = f"{name}-{count}"
    taken.add(found.lower())
    return found
