"""Outlines of other programs, read by the service, as Python calls; a part of ``Client``."""

import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from uuid import UUID

from spheroseg_client.answers import items
from spheroseg_client.calls import Calls
from spheroseg_client.errors import LocalFileError, UnexpectedAnswerError, WorkFailedError
from spheroseg_client.jobs import ASK_AGAIN_AFTER_S, followed
from spheroseg_client.models import Answer, Failure, UploadForm
from spheroseg_client.transfers import Progress, upload

PAGE_IMPORTS = 100
MAX_NAME = 150

FORMATS: Mapping[str, tuple[str, ...]] = {
    "coco": (".json",),
    "geojson": (".geojson",),
    "roi": (".zip", ".roi"),
    "labels": (".tif", ".tiff", ".png"),
    "yolo": (".yaml", ".yml"),
}
"""What is read, and how its files end; a YOLO dataset is a folder."""
YOLO_FILES = (".txt", ".yaml", ".yml", ".csv")


class ImportedImage(Answer):
    """What became of one image of the file.

    ``revision`` is the new one of the result ``segmentation_id``; 0: it is a new result; None: nothing was different.
    """

    name: str
    image_id: UUID
    segmentation_id: UUID
    revision: int | None
    added: int
    changed: int
    removed: int


class Import(Answer):
    """Outlines in a file of another program, read in the background.

    ``status`` is ``awaiting_upload``, ``queued``, ``running``, ``succeeded``, ``failed`` or ``cancelled`` (nothing was
    changed) or ``expired``. ``done`` of ``total`` images of the file are read, with ``spheroids`` outlines.
    ``revision_count`` is how many results are corrected; 0: images get new ones. ``unmatched`` are names that no image
    here has.
    """

    id: UUID
    project_id: UUID
    format: str
    file_name: str
    size_bytes: int
    revision_count: int
    note: str | None
    status: str
    done: int
    total: int
    spheroids: int
    created_at: datetime
    upload_until: datetime
    started_at: datetime | None
    finished_at: datetime | None
    images: Sequence[ImportedImage]
    unmatched: Sequence[str]
    failure: Failure | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more is done for it."""
        return self.status not in {"awaiting_upload", "queued", "running"}


class AnnouncedImport(Import):
    """An import with the form for its file."""

    upload: UploadForm


class ImportCalls(Calls):
    """Files of other programs that the service reads."""

    def import_outlines(
        self,
        project_id: UUID,
        source: Path,
        *,
        format_name: str | None = None,
        revisions: Mapping[UUID, int] | None = None,
        image_id: UUID | None = None,
        page: int = 1,
        note: str | None = None,
        progress: Progress = lambda _: None,
    ) -> Import:
        """Send a file of outlines and start its import, which goes on in the background; see ``follow_import``.

        Args:
            source: A COCO, GeoJSON or ROI file or label image; a ZIP archive or a folder of them; a YOLO dataset.
            format_name: ``coco``, ``geojson``, ``roi``, ``labels`` or ``yolo``; None: the name tells.
            revisions: Results that get a new revision, each with the newest revision that you know of it. None: images
                get new results, which you drew.
            image_id: For new results: the one image that the file is about; None: images are found by their names.
            page: For new results: the page of the images, the first is 1.
            note: What there is to say about the revisions.

        Raises:
            LocalFileError: the file cannot be read, or its name does not tell what it is.
            UploadRefusedError: the store does not take it.
        """
        format_name = format_name or told_format(source)
        with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
            path = _one_file(source, format_name, Path(folder))
            body: dict[str, object] = {
                "format": format_name,
                "file_name": sent_name(path.name),
                "size_bytes": path.stat().st_size,
                "page": page,
                "note": note,
            }
            if revisions is not None:
                body["revisions"] = [
                    {"segmentation_id": str(id_), "revision": revision} for id_, revision in revisions.items()
                ]
            if image_id is not None:
                body["image_id"] = str(image_id)
            # Repeating it is harmless: an import that nothing is uploaded for lapses after an hour.
            announced = self._call("POST", f"/v1/projects/{project_id}/imports", AnnouncedImport, body, repeatable=True)
            upload(self._transport, announced.upload.url, announced.upload.fields, path, progress)
        return self._call("POST", f"/v1/imports/{announced.id}/start", Import, repeatable=True)

    def imports(self, project_id: UUID) -> Iterator[Import]:
        """Imports into a project that you asked for in the last thirty days, the newest first."""
        path, cursor = f"/v1/projects/{project_id}/imports", ""
        while True:
            params: dict[str, str | int] = {"limit": PAGE_IMPORTS, **({"cursor": cursor} if cursor else {})}
            answer = self._ask("GET", path, params=params, repeatable=True)
            yield from items(Import, answer, path)
            following = answer.get("next_cursor") if isinstance(answer, dict) else None
            if following is None:
                return
            if not isinstance(following, str):
                raise UnexpectedAnswerError(f"{path} answered no cursor")
            cursor = following

    def import_(self, import_id: UUID) -> Import:
        """One import: how far it is, what it changed, or why it changed nothing."""
        return self._call("GET", f"/v1/imports/{import_id}", Import, repeatable=True)

    def cancel_import(self, import_id: UUID) -> Import:
        """Stop an import; nothing of it is left."""
        return self._call("POST", f"/v1/imports/{import_id}/cancel", Import, repeatable=True)

    def follow_import(
        self, import_id: UUID, every_s: float = ASK_AGAIN_AFTER_S, *, push: bool = True
    ) -> Iterator[Import]:
        """The import whenever it has changed, until it has ended: as it is told, and else by asking.

        Args:
            every_s: Seconds between two looks, while nothing is told.
            push: False: only ask from time to time, open no socket.
        """
        yield from followed(import_id, lambda: self.import_(import_id), self._socket if push else None, every_s)

    def wait_for_import(self, import_id: UUID) -> Import:
        """The import once it has succeeded.

        Raises:
            WorkFailedError: it changed nothing, and why.
        """
        ended = None
        for ended in self.follow_import(import_id):  # noqa: B007 - the last one is wanted
            pass
        return succeeded(ended)


def succeeded(ended: Import | None) -> Import:
    """An import that has ended, or ``WorkFailedError``: it changed nothing, and why."""
    if ended is None or ended.status == "expired":
        raise WorkFailedError("The file did not come within an hour; import it again", "import-expired")
    if ended.status == "cancelled":
        raise WorkFailedError("The import was cancelled; nothing was changed", "import-cancelled")
    if ended.failure is not None:
        raise WorkFailedError(ended.failure.detail, ended.failure.code)
    return ended


def told_format(source: Path) -> str:
    """The format that a name tells, or ``LocalFileError``."""
    if source.is_dir():
        if (source / "labels").is_dir():
            return "yolo"
        found = {told for path in source.iterdir() if path.is_file() and (told := _by_suffix(path)) is not None}
        if len(found) == 1:
            return found.pop()
    elif (told := _by_suffix(source)) is not None:
        return told
    raise LocalFileError(f"{source}: its name does not tell what it is; it is one of {', '.join(FORMATS)}", "no-format")


def sent_name(name: str) -> str:
    """A file's name as the service takes it: up to 150 characters, none of which means something else to a system."""
    text = "".join("_" if character in "/\\" or not character.isprintable() else character for character in name)
    suffix = PurePath(text).suffix
    return (text[: MAX_NAME - len(suffix)].removesuffix(suffix) + suffix if len(text) > MAX_NAME else text).rstrip(".")


def _by_suffix(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return next((name for name, suffixes in FORMATS.items() if suffix in suffixes), None)


def _one_file(source: Path, format_name: str, folder: Path) -> Path:
    """The file itself, or an archive of the files in a folder."""
    if not source.exists():
        raise LocalFileError(f"{source}: no such file or folder", "file-not-found")
    if format_name == "yolo" and source.is_file() and source.suffix.lower() in FORMATS["yolo"]:
        source = source.resolve().parent  # data.yaml stands for its dataset
    if source.is_file():
        return source
    suffixes = YOLO_FILES if format_name == "yolo" else FORMATS.get(format_name, ())
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and path.suffix.lower() in suffixes]
    if not files:
        raise LocalFileError(f"{source} has no file of the format {format_name}", "no-results")
    packed = folder / f"{source.resolve().name or 'outlines'}.zip"
    try:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                archive.write(path, path.relative_to(source).as_posix())
    except OSError as error:
        raise LocalFileError(f"{source} cannot be read: {error.strerror or error}", "unreadable-file") from error
    return packed
