"""Exports: results of a project as one file for other programs, made in the background."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from http_api.correlation import CorrelationId
from http_api.rest.answers import (
    DEFAULT_LIMIT,
    POSITION_HEADER,
    Answer,
    Body,
    CursorText,
    Limit,
    Wired,
    Written,
    problems,
)
from http_api.rest.asked_statistics import StatisticsQuestionIn, StatisticsQuestionOut
from http_api.rest.orders import FailureOut, PixelSizeUm
from http_api.viewer import CurrentViewer
from spheroseg.domain.export import MAX_SELECTED, Export, ExportFormat, ExportOptions, ExportStatus
from spheroseg.use_cases.read_exports import ReadExports

router = APIRouter(prefix="/v1", tags=["exports"])


class ExportIn(Body):
    """What is to be exported, and how."""

    format: ExportFormat = Field(
        description="Tables: `csv`, `xlsx`, `parquet`; outlines: `json`, `geojson` (QuPath), `roi` (ImageJ), `coco`, "
        "`yolo`, `datumaro`, `cvat`; pixels: `labels` (OME-TIFF), `masks` (PNG), `ome-zarr`; `originals`: the images "
        "as they were; `overlays`: pictures with outlines and the numbers of the tables' rows (PNG); `bundle`: "
        "results, originals, model card, parameters, versions and checksums, for `spheroseg verify`; `statistics`: "
        "tables, one JSON document, and plots as SVG, as PNG and as data. What is more than one file is a ZIP archive",
        examples=["csv"],
    )
    image_ids: list[UUID] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_SELECTED,
        description=f"Images of the project, up to {MAX_SELECTED:,}; null: all",
        examples=[None],
    )
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm, 0.001 to 1000; goes before what results say. Null: as they say",
        examples=[None],
    )

    accepted_only: bool = Field(
        default=False,
        description="Only results that somebody accepted, as they are or corrected, in their newest revision",
        examples=[False],
    )
    with_images: bool = Field(
        default=False,
        description="The images themselves, too, in `yolo` and `ome-zarr`; other formats have no place for them",
        examples=[False],
    )

    statistics: StatisticsQuestionIn | None = Field(
        default=None,
        description="What is asked of the measures, with the format `statistics` alone; null: the usual",
        examples=[None],
    )

    def options(self) -> ExportOptions:
        """What is said beside the format."""
        chosen = None if self.image_ids is None else tuple(dict.fromkeys(self.image_ids))
        asked = None if self.statistics is None else self.statistics.wanted()
        return ExportOptions(chosen, self.pixel_size_um, self.accepted_only, self.with_images, asked)


class ExportFileOut(Answer):
    """The file that an export made."""

    name: str = Field(description="What it is called", examples=["day-7-measures.csv"])
    media_type: str = Field(description="What it is", examples=["text/csv"])
    size_bytes: int = Field(description="Its length in bytes", examples=[48213])
    sha256: str = Field(
        description="Digest of its bytes in hexadecimal digits",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    url: str | None = Field(
        description="Where to fetch it, in ranges too, for an hour at most; null in lists: read the export by itself"
    )
    expires_at: datetime = Field(description="When it goes, in UTC: a day after it was made")


class ExportOut(Answer):
    """One export."""

    id: UUID = Field(description="Names the export", examples=["5f0c2f5e-7a55-7c0e-9d0d-1f5f7c7b3a10"])
    project_id: UUID = Field(description="What is exported")
    format: ExportFormat = Field(description="What is written", examples=["csv"])
    image_count: int | None = Field(description="How many images were chosen; null: all of the project", examples=[96])
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm that goes before what results say; null: as they say", examples=[0.65]
    )
    accepted_only: bool = Field(description="Whether only accepted results are in it", examples=[False])
    with_images: bool = Field(description="Whether the images themselves are in it, too", examples=[False])
    statistics: StatisticsQuestionOut | None = Field(description="What is asked of the measures; null: the usual")
    status: ExportStatus = Field(
        description="`queued`, `running`, then `succeeded` with a file, which after a day is gone: `expired`; `failed` "
        "or `cancelled`",
        examples=["running"],
    )
    done: int = Field(description="Images that are written", examples=[120])
    total: int = Field(description="Images that are gone through; 0 before it runs", examples=[500])
    spheroids: int = Field(description="Spheroids that are written", examples=[2710])
    created_at: datetime = Field(description="When it was asked for, in UTC")
    started_at: datetime | None = Field(description="When it was begun last, in UTC; null before")
    finished_at: datetime | None = Field(description="When it ended, in UTC; null before")
    file: ExportFileOut | None = Field(description="What it made; null unless it is `succeeded`")
    failure: FailureOut | None = Field(description="Why there is no file; null unless it is `failed`")

    @classmethod
    def of(cls, export: Export, url: str | None = None) -> "ExportOut":
        """The domain's export.

        Args:
            url: Where its file can be fetched.
        """
        made, until = export.file, export.expires_at
        options = export.options
        return cls(
            id=export.id,
            project_id=export.project_id,
            format=export.format,
            image_count=None if options.image_ids is None else len(options.image_ids),
            pixel_size_um=options.pixel_size_um,
            accepted_only=options.accepted_only,
            with_images=options.with_images,
            statistics=None if options.statistics is None else StatisticsQuestionOut.of(options.statistics),
            status=export.status,
            done=export.done,
            total=export.total,
            spheroids=export.spheroids,
            created_at=export.created_at,
            started_at=export.started_at,
            finished_at=export.finished_at,
            file=ExportFileOut(
                name=made.name,
                media_type=made.media_type,
                size_bytes=made.size_bytes,
                sha256=made.sha256,
                url=url,
                expires_at=until,
            )
            if made is not None and until is not None and export.status is ExportStatus.SUCCEEDED
            else None,
            failure=FailureOut.of(export.failure),
        )

    @classmethod
    def full(cls, export: Export, read: ReadExports) -> "ExportOut":
        """The same with the address of its file."""
        return cls.of(export, read.link(export))


class ExportPageOut(Answer):
    """Some exports of a project, the newest first."""

    items: list[ExportOut] = Field(description="The exports")
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


@router.post(
    "/projects/{project_id}/exports",
    status_code=202,
    summary="Export a project",
    response_description="The export, which waits for its turn",
    responses={
        202: {"headers": POSITION_HEADER},
        **problems("project-not-found", "image-not-found", "too-many-exports", "invalid-question"),
    },
)
async def request_export(
    project_id: UUID,
    body: ExportIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> ExportOut:
    """Write results of a project as a file for other programs, in the background: of each page of each image the
    newest run that succeeded, with its newest, perhaps corrected outlines.

    Any role will do. The file is kept for a day. You may have five exports that are not finished; they are made one
    after another, and people take turns.
    """
    export = use_cases.request_export(viewer, project_id, body.format, body.options(), correlation_id)
    written()
    return ExportOut.of(export)


@router.get(
    "/projects/{project_id}/exports",
    summary="List your exports of a project",
    response_description="A page of exports, the newest first",
    responses=problems("project-not-found", "invalid-cursor"),
)
async def list_exports(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ExportPageOut:
    """Exports of a project that you asked for in the last thirty days, the newest first."""
    cursors = use_cases.cursors.of_list(viewer, "exports", project_id)
    page = use_cases.read_exports.of_project(viewer, project_id, cursors.page_key(cursor), limit)
    return ExportPageOut(items=[ExportOut.of(one) for one in page.items], next_cursor=cursors.following(page.next))


@router.get(
    "/exports/{export_id}",
    summary="Get an export",
    response_description="How far it is, with a link to its file once it succeeded",
    responses=problems("export-not-found"),
)
async def read_export(export_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ExportOut:
    """An export that you asked for, while you may read its project."""
    return ExportOut.full(use_cases.read_exports.one(viewer, export_id), use_cases.read_exports)


@router.get(
    "/exports/{export_id}/file",
    summary="Fetch an export's file",
    status_code=307,
    response_class=Response,
    response_description="The file lies at `Location`, which takes ranges",
    responses=problems("export-not-found", "not-finished", "export-expired"),
)
async def fetch_export(export_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> Response:
    """The file itself; follow the redirect."""
    return Response(status_code=307, headers={"Location": use_cases.read_exports.download(viewer, export_id)})


@router.post(
    "/exports/{export_id}/cancel",
    summary="Cancel an export",
    response_description="The export after it",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("export-not-found", "illegal-move", "stale-state"),
    },
)
async def cancel_export(export_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ExportOut:
    """Stop an export that waits or is made; nothing of it is left. Cancelling it again changes nothing."""
    export = use_cases.cancel_export(viewer, export_id)
    written()
    return ExportOut.full(export, use_cases.read_exports)
