"""Which image is meant: ``spheroseg://PROJECT/IMAGE``, ``spheroseg://IMAGE-ID``, or a file that says it."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID

from spheroseg_client.errors import LocalFileError

SCHEME = "spheroseg"
SUFFIX = ".spheroseg"
VERSION = 1


@dataclass(frozen=True)
class Address:
    """An image, and which of its outlines.

    Args:
        image: Id, or name within the project.
        project: Id or name; None: ``image`` is an id.
        run: None: the newest one of the page that succeeded.
        revision: None: the newest.
        page: The first is 1.
        images: Folder that may hold the image's file; without it there is the preview.
    """

    image: str
    project: str | None = None
    run: UUID | None = None
    revision: int | None = None
    page: int = 1
    images: Path | None = None


def is_meant(path: str) -> bool:
    """Whether a path names an image of the service."""
    return path.lower().startswith(f"{SCHEME}://") or path.lower().endswith(SUFFIX)


def address_of(path: str) -> Address:
    """What a path says.

    Args:
        path: ``spheroseg://PROJECT/IMAGE?page=2&run=…&revision=1&images=FOLDER`` (ids or names, percent-encoded where
            they hold ``/``, ``?``, ``#`` or ``%``), ``spheroseg://IMAGE-ID?…``, or the path of a ``.spheroseg`` file.

    Raises:
        LocalFileError: it is no such path, or the file is none.
    """
    if path.lower().startswith(f"{SCHEME}://"):
        return _of_url(path)
    return _of_file(Path(path))


def write_file(path: Path, image: UUID, run: UUID, page: int) -> None:
    """Write the file that opens the newest outlines of a run.

    Raises:
        LocalFileError: it cannot be written.
    """
    content = {SCHEME: VERSION, "image": str(image), "run": str(run), "page": page}
    try:
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise LocalFileError(f"{path} cannot be written: {error.strerror or error}", "unwritable-file") from error


def _of_url(text: str) -> Address:
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        names = [unquote(name) for name in (parts.netloc, parts.path.strip("/")) if name]
        address = Address(
            image=names[-1],
            project=names[0] if len(names) == 2 else None,
            run=UUID(run) if (run := options.pop("run", None)) else None,
            revision=int(revision) if (revision := options.pop("revision", None)) else None,
            page=int(options.pop("page", 1)),
            images=Path(images).expanduser() if (images := options.pop("images", None)) else None,
        )
        if address.project is None:
            UUID(address.image)
    except (ValueError, IndexError) as error:
        raise _no_address(text, str(error)) from error
    if options or parts.fragment:
        raise _no_address(text, f"it says {', '.join(options) or '#'}")
    return address


def _no_address(text: str, why: str) -> LocalFileError:
    return LocalFileError(
        f"{text} names no image ({why}); write {SCHEME}://PROJECT/IMAGE or {SCHEME}://IMAGE-ID, then ?page=, "
        "run=, revision=, images=FOLDER where you need them",
        "invalid-address",
    )


def _of_file(path: Path) -> Address:
    """What a file says; the image's own file may lie beside it."""
    try:
        content = json.loads(path.read_bytes())
        image, run, page = UUID(content["image"]), UUID(content["run"]), int(content["page"])
        is_known = content[SCHEME] == VERSION
    except OSError as error:
        raise LocalFileError(f"{path} cannot be read: {error.strerror or error}", "unreadable-file") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LocalFileError(f"{path} is no file that names an image: {error!r}", "invalid-address") from error
    if not is_known:
        raise LocalFileError(f"{path} is of another version of this plugin", "invalid-address")
    return Address(image=str(image), run=run, page=page, images=path.parent)
