"""Exports in the background, as Python calls; a part of ``Client``."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

from spheroseg_client.answers import items
from spheroseg_client.calls import Calls
from spheroseg_client.errors import UnexpectedAnswerError, WorkFailedError
from spheroseg_client.jobs import ASK_AGAIN_AFTER_S, followed
from spheroseg_client.models import Answer, Failure
from spheroseg_client.transfers import Progress, download

PAGE_EXPORTS = 100


class ExportedFile(Answer):
    """The file that an export made; ``url`` is None in lists, and good for an hour at most.

    It is gone at ``expires_at``; ``sha256`` is the digest of its bytes in hexadecimal digits.
    """

    name: str
    media_type: str
    size_bytes: int
    sha256: str
    url: str | None
    expires_at: datetime


class Export(Answer):
    """Results of a project as one file for other programs, made in the background.

    ``status`` is ``queued``, ``running``, ``succeeded``, ``failed``, ``cancelled`` or ``expired``. ``done`` of
    ``total`` images are written, ``spheroids`` with them. ``image_count`` is how many were chosen; None: all.
    """

    id: UUID
    project_id: UUID
    format: str
    image_count: int | None
    pixel_size_um: float | None
    accepted_only: bool
    with_images: bool
    status: str
    done: int
    total: int
    spheroids: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    file: ExportedFile | None
    failure: Failure | None

    @property
    def is_final(self) -> bool:
        """Whether nothing more is done for it."""
        return self.status not in {"queued", "running"}


class ExportCalls(Calls):
    """What the service writes for other programs."""

    def request_export(
        self,
        project_id: UUID,
        format_name: str,
        *,
        image_ids: Iterable[UUID] | None = None,
        pixel_size_um: float | None = None,
        accepted_only: bool = False,
        with_images: bool = False,
        statistics: Mapping[str, object] | None = None,
    ) -> Export:
        """Ask for a file with the results of a project; it is made in the background and kept for a day.

        Args:
            format_name: ``csv``, ``xlsx``, ``parquet``, ``json``, ``geojson``, ``roi``, ``coco``, ``yolo``,
                ``datumaro``, ``cvat``, ``labels``, ``masks``, ``ome-zarr``, ``originals``, ``overlays``,
                ``bundle`` or ``statistics``.
            image_ids: Only these images, up to 10,000; None: all of the project.
            pixel_size_um: Edge of one pixel in µm that goes before what results say.
            accepted_only: Only results that somebody accepted.
            with_images: The images themselves, too, in ``yolo`` and ``ome-zarr``.
            statistics: What is asked of the measures, with ``statistics`` alone: see ``Client.statistics``.
        """
        body: dict[str, object] = {"format": format_name, "accepted_only": accepted_only, "with_images": with_images}
        if image_ids is not None:
            body["image_ids"] = [str(id_) for id_ in image_ids]
        if pixel_size_um is not None:
            body["pixel_size_um"] = pixel_size_um
        if statistics is not None:
            body["statistics"] = dict(statistics)
        return self._call("POST", f"/v1/projects/{project_id}/exports", Export, body, repeatable=True)

    def exports(self, project_id: UUID) -> Iterator[Export]:
        """Exports of a project that you asked for in the last thirty days, the newest first."""
        path, cursor = f"/v1/projects/{project_id}/exports", ""
        while True:
            params: dict[str, str | int] = {"limit": PAGE_EXPORTS, **({"cursor": cursor} if cursor else {})}
            answer = self._ask("GET", path, params=params, repeatable=True)
            yield from items(Export, answer, path)
            following = answer.get("next_cursor") if isinstance(answer, dict) else None
            if following is None:
                return
            if not isinstance(following, str):
                raise UnexpectedAnswerError(f"{path} answered no cursor")
            cursor = following

    def export(self, export_id: UUID) -> Export:
        """One export, with the address of its file once it succeeded."""
        return self._call("GET", f"/v1/exports/{export_id}", Export, repeatable=True)

    def cancel_export(self, export_id: UUID) -> Export:
        """Stop an export; nothing of it is left."""
        return self._call("POST", f"/v1/exports/{export_id}/cancel", Export, repeatable=True)

    def follow_export(
        self, export_id: UUID, every_s: float = ASK_AGAIN_AFTER_S, *, push: bool = True
    ) -> Iterator[Export]:
        """The export whenever it has changed, until it has ended: as it is told, and else by asking.

        Args:
            every_s: Seconds between two looks, while nothing is told.
            push: False: only ask from time to time, open no socket.
        """
        yield from followed(export_id, lambda: self.export(export_id), self._socket if push else None, every_s)

    def download_export(self, export_id: UUID, path: Path, progress: Progress = lambda _: None) -> Export:
        """Bring the file of an export to ``path``, which is there as a whole or not at all; waits until it is made.

        Raises:
            WorkFailedError: it ended without a file, or the file is gone, and why.
        """
        export = None
        for export in self.follow_export(export_id):  # noqa: B007 - the last one is wanted
            pass
        if export is None or export.file is None or export.file.url is None:
            raise _no_file(export)
        download(self._transport, export.file.url, path, progress)
        return export


def _no_file(export: Export | None) -> WorkFailedError:
    if export is not None and export.failure is not None:
        return WorkFailedError(export.failure.detail, export.failure.code)
    if export is not None and export.status == "expired":
        return WorkFailedError("The file was kept for a day and is gone; ask for a new export", "export-expired")
    return WorkFailedError("The export was cancelled", "export-cancelled")
