"""Imports: outlines in files of other programs, as revisions or as results that a person drew."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, model_validator

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
from http_api.rest.edits import Note
from http_api.rest.images import UploadFormOut
from http_api.rest.orders import FailureOut
from http_api.viewer import CurrentViewer
from spheroseg.domain.outline_import import (
    MAX_BASES,
    MAX_FILE_BYTES,
    MAX_NAME,
    MAX_TEXT_BYTES,
    Base,
    Import,
    Imported,
    ImportFormat,
    ImportOptions,
    ImportStatus,
)
from spheroseg.ports import UploadForm

router = APIRouter(prefix="/v1", tags=["imports"])

FILE_NAME = r"^[^\x00-\x1f\x7f/\\]*[^\x00-\x1f\x7f/\\.]$"
"""No control character, no slash, no dot at the end: the worker's file is called so."""
MAX_PAGE = 1_000_000
MAX_REVISION = 2**31 - 2


class BaseIn(Body):
    """A result that is to be corrected."""

    segmentation_id: UUID = Field(description="The result", examples=["0198c0de-0000-7000-8000-000000000003"])
    revision: Annotated[int, Field(ge=0, le=MAX_REVISION)] = Field(
        description="The newest revision that you know of it; 0: the segmenter's own. Another one by then is refused",
        examples=[0],
    )


class ImportIn(Body):
    """What is to be imported, and where to."""

    format: ImportFormat = Field(
        description="`coco`, `geojson` (QuPath), `roi` (ImageJ), `labels` (a label image, TIFF or PNG), `yolo`",
        examples=["coco"],
    )
    # No dot alone, no slash, no control character: the worker calls the file so.
    file_name: Annotated[
        str, Field(min_length=1, max_length=MAX_NAME, pattern=r"^[^\x00-\x1f\x7f/\\]*[^\x00-\x1f\x7f/\\.]$")
    ] = Field(
        description="What the file is called. Formats that do not name their image are matched by it. Many files of a "
        "format, and a YOLO dataset, come as one ZIP archive",
        examples=["annotations.json"],
    )
    size_bytes: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES)] = Field(
        description=f"Its size in bytes; the store refuses more. Up to {MAX_FILE_BYTES // 10**6:,} MB, and "
        f"{MAX_TEXT_BYTES // 10**6} MB where its name ends in `.json` or `.geojson`",
        examples=[48_213],
    )
    revisions: Annotated[list[BaseIn], Field(min_length=1, max_length=MAX_BASES)] | None = Field(
        default=None,
        description=f"Results that get a new revision, up to {MAX_BASES:,}: a file about one image is taken for the "
        "one that is named, of several they are found by their images' names. Null: every image gets a new result, "
        "drawn by you",
        examples=[None],
    )
    image_id: UUID | None = Field(
        default=None,
        description="For new results: the one image that the file is about, whatever it is called. Null: images are "
        "found by their names",
        examples=[None],
    )
    page: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(
        default=1, description="For new results: the page of the images, the first is 1", examples=[1]
    )
    note: Note = Field(default=None, examples=["corrected in QuPath"])

    @model_validator(mode="after")
    def _one_way(self) -> "ImportIn":
        named = [base.segmentation_id for base in self.revisions or ()]
        if len(set(named)) < len(named):
            raise ValueError("revisions names a result twice")
        if named and (self.image_id is not None or self.page != 1):
            raise ValueError("image_id and page are for new results: leave them away, or leave revisions away")
        return self

    def options(self) -> ImportOptions:
        """The domain's."""
        return ImportOptions(
            format=self.format,
            file_name=self.file_name,
            size_bytes=self.size_bytes,
            bases=tuple(Base(one.segmentation_id, one.revision) for one in self.revisions or ()),
            image_id=self.image_id,
            page=self.page,
            note=self.note,
        )


class ImportedOut(Answer):
    """What became of one image."""

    name: str = Field(description="What the file calls it", examples=["well A1.tif"])
    image_id: UUID = Field(description="The image")
    segmentation_id: UUID = Field(description="The result that was corrected, or the new one")
    revision: int | None = Field(
        description="The new revision; 0 for a new result; null: the outlines were the same, so none was made",
        examples=[1],
    )
    added: int = Field(description="Spheroids that are new", examples=[2])
    changed: int = Field(description="Spheroids with another outline", examples=[5])
    removed: int = Field(description="Spheroids that are no more", examples=[1])

    @classmethod
    def of(cls, imported: Imported) -> "ImportedOut":
        """The domain's."""
        return cls(**vars(imported))


class ImportOut(Answer):
    """One import."""

    id: UUID = Field(description="Names the import", examples=["5f0c2f5e-7a55-7c0e-9d0d-1f5f7c7b3a11"])
    project_id: UUID = Field(description="Where its outlines go")
    format: ImportFormat = Field(description="What is read", examples=["coco"])
    file_name: str = Field(description="What the file is called", examples=["annotations.json"])
    size_bytes: int = Field(description="Its size in bytes, as announced", examples=[48_213])
    revision_count: int = Field(description="Results that are to be corrected; 0: new results", examples=[0])
    note: str | None = Field(description="What there is to say about the revisions", examples=[None])
    status: ImportStatus = Field(
        description="`awaiting_upload`, `queued`, `running`, then `succeeded`; `failed` and `cancelled` ones changed "
        "nothing; `expired` when the file was not there and started within an hour",
        examples=["running"],
    )
    done: int = Field(description="Images of the file that are read, checked and measured", examples=[12])
    total: int = Field(description="Images of the file; 0 before it is read", examples=[96])
    spheroids: int = Field(description="Their outlines", examples=[271])
    created_at: datetime = Field(description="When it was asked for, in UTC")
    upload_until: datetime = Field(description="When its file must be there and started, in UTC")
    started_at: datetime | None = Field(description="When it was begun last, in UTC; null before")
    finished_at: datetime | None = Field(description="When it ended, in UTC; null before")
    images: list[ImportedOut] = Field(description="What became of each image; empty unless it is `succeeded`")
    unmatched: list[str] = Field(
        description="What the file calls images that are not meant by any name here; nothing was made of them",
        examples=[["well H12.tif"]],
    )
    failure: FailureOut | None = Field(description="Why nothing was changed; null unless it is `failed`")

    @classmethod
    def of(cls, import_: Import) -> "ImportOut":
        """The domain's import."""
        options = import_.options
        return cls(
            id=import_.id,
            project_id=import_.project_id,
            format=options.format,
            file_name=options.file_name,
            size_bytes=options.size_bytes,
            revision_count=len(options.bases),
            note=options.note,
            status=import_.status,
            done=import_.done,
            total=import_.total,
            spheroids=import_.spheroids,
            created_at=import_.created_at,
            upload_until=import_.upload_until,
            started_at=import_.started_at,
            finished_at=import_.finished_at,
            images=[ImportedOut.of(one) for one in import_.images],
            unmatched=list(import_.unmatched),
            failure=FailureOut.of(import_.failure),
        )


class AnnouncedImport(ImportOut):
    """An import with the form for its file."""

    upload: UploadFormOut = Field(description="How to upload the file; then start the import")

    @classmethod
    def with_form(cls, import_: Import, form: UploadForm) -> "AnnouncedImport":
        """The domain's import and the port's form."""
        return cls(**ImportOut.of(import_).model_dump(), upload=UploadFormOut.of(form))


class ImportPageOut(Answer):
    """Some imports into a project, the newest first."""

    items: list[ImportOut] = Field(description="The imports")
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


@router.post(
    "/projects/{project_id}/imports",
    status_code=201,
    summary="Announce outlines of another program",
    response_description="The import, and the form for its file",
    responses={
        201: {"headers": POSITION_HEADER},
        **problems(
            "project-not-found",
            "role-too-low",
            "project-archived",
            "image-not-found",
            "segmentation-not-found",
            "too-many-imports",
            "import-file-too-large",
        ),
    },
)
async def request_import(
    project_id: UUID,
    body: ImportIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> AnnouncedImport:
    """Get a form for a file of outlines: as new revisions of results, or as new results of images, drawn by you.

    Post the file to the form within an hour, then start the import. Every object is measured anew; what the file says
    about measures or confidence is not taken. All of the file is stored, or nothing.
    """
    import_, form = use_cases.request_import(viewer, project_id, body.options(), correlation_id)
    written()
    return AnnouncedImport.with_form(import_, form)


@router.post(
    "/imports/{import_id}/start",
    status_code=202,
    summary="Start an import",
    response_description="The import, which waits for its turn",
    responses={
        202: {"headers": POSITION_HEADER},
        **problems("import-not-found", "role-too-low", "project-archived", "import-expired", "file-missing"),
    },
)
async def start_import(import_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ImportOut:
    """Read the file, which must be there by now, in the background. Starting it again changes nothing."""
    import_ = use_cases.request_import.start(viewer, import_id)
    written()
    return ImportOut.of(import_)


@router.get(
    "/projects/{project_id}/imports",
    summary="List your imports into a project",
    response_description="A page of imports, the newest first",
    responses=problems("project-not-found", "invalid-cursor"),
)
async def list_imports(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ImportPageOut:
    """Imports into a project that you asked for in the last thirty days, the newest first."""
    cursors = use_cases.cursors.of_list(viewer, "imports", project_id)
    page = use_cases.read_imports.of_project(viewer, project_id, cursors.page_key(cursor), limit)
    return ImportPageOut(items=[ImportOut.of(one) for one in page.items], next_cursor=cursors.following(page.next))


@router.get(
    "/imports/{import_id}",
    summary="Get an import",
    response_description="How far it is, what it changed, or why it changed nothing",
    responses=problems("import-not-found"),
)
async def read_import(import_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ImportOut:
    """An import that you asked for, while you may read its project."""
    return ImportOut.of(use_cases.read_imports.one(viewer, import_id))


@router.post(
    "/imports/{import_id}/cancel",
    summary="Cancel an import",
    response_description="The import after it",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("import-not-found", "illegal-move", "stale-state"),
    },
)
async def cancel_import(import_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ImportOut:
    """Stop an import that waits or is read; nothing of it is left. Cancelling it again changes nothing."""
    import_ = use_cases.cancel_import(viewer, import_id)
    written()
    return ImportOut.of(import_)
