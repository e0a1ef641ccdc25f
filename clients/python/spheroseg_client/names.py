"""Names of result files: unique, safe on every file system, and still recognisable."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

MAX_BYTES = 150
"""Longest name without its suffix, in UTF-8; file systems take 255 bytes, and a temporary name is longer."""

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
_DOUBLE_SUFFIXES = (".ome.tif", ".ome.tiff")


def result_names(paths: Sequence[Path]) -> list[str]:
    """A name for the results of each file, in the same order.

    The name is the file's own without its suffix. Where two would share it (``a.png`` and ``a.tif``, also ``A.tif``,
    as some file systems do not tell the two apart), both keep their suffix: ``a.png`` and ``a.tif``. Where that does
    not part them (``one/a.png`` and ``two/a.png``), as many folders are set before it as are needed:
    ``one_a.png`` and ``two_a.png``. What is left is numbered: ``…-2``. Characters that some file system refuses
    become ``_``; a long name is cut and ends with a part of its SHA-256.

    The names depend on the files of this one call only: another set of files may give other names.
    """
    resolved = [path.absolute() for path in paths]
    names = [_safe(_stem(path)) for path in resolved]
    names = _told_apart(names, [_safe(path.name) for path in resolved])
    depth = 1
    while depth < max((len(path.parts) for path in resolved), default=0) and _clashing(names):
        names = _told_apart(names, [_safe("_".join(path.parts[1:][-depth - 1 :])) for path in resolved])
        depth += 1
    return _numbered(names)


def _stem(path: PurePath) -> str:
    lowered = path.name.lower()
    for suffix in _DOUBLE_SUFFIXES:
        if lowered.endswith(suffix) and len(lowered) > len(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def _safe(name: str) -> str:
    composed = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
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


def key_of(name: str) -> str:
    """Equal for names that some file system takes for one."""
    return unicodedata.normalize("NFD", name).casefold()


def _clashing(names: Iterable[str]) -> set[str]:
    return {key for key, count in Counter(key_of(name) for name in names).items() if count > 1}


def _told_apart(names: Sequence[str], longer: Sequence[str]) -> list[str]:
    clashing = _clashing(names)
    return [replacement if key_of(name) in clashing else name for name, replacement in zip(names, longer, strict=True)]


def _numbered(names: Sequence[str]) -> list[str]:
    taken = {key_of(name) for name in names}
    seen: set[str] = set()
    unique: list[str] = []
    for name in names:
        candidate, number = name, 1
        while key_of(candidate) in seen or (number > 1 and key_of(candidate) in taken):
            number += 1
            candidate = f"{name}-{number}"
        seen.add(key_of(candidate))
        unique.append(candidate)
    return unique
