"""Images: announce, list, get, complete, delete."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, model_validator

from http_api.correlation import CorrelationId
from http_api.rest.answers import (
    DEFAULT_LIMIT,
    NOT_WRITABLE,
    POSITION_HEADER,
    Answer,
    Body,
    CursorText,
    Limit,
    Wired,
    Written,
    problems,
)
from http_api.rest.conditional import NOT_MODIFIED, TAG_HEADER, KnownTags
from http_api.rest.image_queries import Asked
from http_api.rest.lists import FieldNames, answer_unless_known, digest_tag, some_fields_of, wanted_fields
from http_api.rest.orders import FailureOut, FileName, OrderIn, PixelSizeUm
from http_api.rest.pages import PagesOut
from http_api.rest.segmentations import SegmentationSummary
from http_api.rest.uploads import Sha256
from http_api.viewer import CurrentViewer
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.upload_parts import PART_BYTES, goes_in_parts, part_count
from spheroseg.ports import UploadForm
from spheroseg.use_cases.read_images import ImageView
from spheroseg.use_cases.request_upload import MAX_FILES, MAX_SIZE_BYTES, AnnouncedFile

router = APIRouter(prefix="/v1", tags=["images"])


class FileIn(Body):
    """A file that is about to be uploaded."""

    name: FileName = Field(
        description="1 to 255 characters, no control characters; only shown, never used as a path",
        examples=["well A1.tif"],
    )
    size_bytes: Annotated[int, Field(ge=1, le=MAX_SIZE_BYTES)] | None = Field(
        default=None,
        description="Its size in bytes, up to 5 GB; the store refuses more than is announced. Null: not known, then up "
        "to 100 MB are taken, and kept free in the quota until it is there",
        examples=[2_097_318],
    )
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm, 0.001 to 1000, if you know better than the file; null: as the file or "
        "the project says",
        examples=[0.65],
    )
    sha256: Sha256 | None = Field(
        default=None,
        description="SHA-256 of its bytes, 64 hexadecimal digits in lower case, for files up to 100 MB: other bytes "
        "are then refused",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )

    @model_validator(mode="after")
    def _no_digest_of_parts(self) -> "FileIn":
        if self.sha256 is not None and goes_in_parts(self.size_bytes):
            raise ValueError("A file above 100 MB goes over in parts; tell the sha256 of each part instead")
        return self


class UploadIn(OrderIn):
    """Files to be uploaded, and what is to be run over each as soon as it arrives."""

    files: Annotated[list[FileIn], Field(min_length=1, max_length=MAX_FILES)] = Field(
        description="1 to 1,000 files, each becomes an image"
    )

    def announced(self) -> list[AnnouncedFile]:
        """The files for the use case."""
        return [AnnouncedFile(file.name, file.size_bytes, file.pixel_size_um, file.sha256) for file in self.files]


class UploadFormOut(Answer):
    """A form that takes one file: POST `fields` as multipart/form-data in this order, then the file as `file`."""

    url: str = Field(description="Where to post", examples=["https://bucket.s3.eu-central-1.amazonaws.com/"])
    fields: dict[str, str] = Field(
        description="Form fields to send before the file, unchanged",
        examples=[
            {"key": "originals/0198c0de-0000-7000-8000-000000000002", "policy": "eyJ…", "x-amz-signature": "9f…"}
        ],
    )
    expires_at: datetime = Field(description="After this the form is refused; in UTC")

    @classmethod
    def of(cls, form: UploadForm) -> "UploadFormOut":
        """The port's form."""
        return cls(url=form.url, fields=dict(form.fields), expires_at=form.expires_at)


class ImageOut(Answer):
    """An image file and where it is on its way."""

    id: UUID = Field(description="Names the image", examples=["0198c0de-0000-7000-8000-000000000002"])
    project_id: UUID = Field(description="The project that it belongs to")
    name: str = Field(description="The file's name as it was given", examples=["well A1.tif"])
    status: ImageStatus = Field(description="`awaiting_upload`, `stored`, or `refused` with a failure")
    size_bytes: int | None = Field(description="Size as announced, then as stored, in bytes", examples=[2_097_318])
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm as you gave it; null: as the file or the project says"
    )
    created_at: datetime = Field(description="When it was announced, in UTC")
    stored_at: datetime | None = Field(description="When its file was taken in, in UTC; null before")
    failure: FailureOut | None = Field(description="Why its file was refused; null otherwise")
    pages: PagesOut | None = Field(description="The pages of its file; null before it was decoded for the first time")
    tags: list[str] = Field(description="Up to ten words of its owner", examples=[["control"]])
    plate: str | None = Field(description="Name of its plate; null: not said", examples=["P7"])
    well: str | None = Field(description="Its place on the plate; null: not said", examples=["B03"])
    condition: str | None = Field(description="What was done to the sample; null: not said", examples=["10 µM"])
    time_point_h: float | None = Field(description="When it was taken, in hours; null: not said", examples=[24])
    replicate: int | None = Field(description="Which repetition, from 1; null: not said", examples=[1])
    digest: str | None = Field(
        description="`sha256:…` of the file's bytes, or `sha256-of-parts:…`, the SHA-256 of its parts' SHA-256; as "
        "announced, then as checked; null: not known",
        examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )
    duplicate_of: UUID | None = Field(
        description="An image of the same project with the same bytes, stored before this one; null: there is none, or "
        "the bytes are not known yet"
    )
    segmentation: SegmentationSummary | None = Field(description="Its latest segmentation; null before the first")

    @classmethod
    def of(cls, view: ImageView) -> "ImageOut":
        """The use case's view of an image."""
        segmentation = view.segmentation
        return cls(
            **_common(view.image),
            segmentation=SegmentationSummary.of(segmentation) if segmentation else None,
        )


class PartsOut(Answer):
    """How a file above 100 MB goes over: cut into parts that are sent by the links of `POST /v1/images/{id}/parts`."""

    part_bytes: int = Field(description="Size of every part but the last, in bytes", examples=[PART_BYTES])
    part_count: int = Field(description="How many parts the file has", examples=[9])


class AnnouncedImage(ImageOut):
    """An image that waits for its file, and the form that takes it."""

    upload: UploadFormOut | None = Field(description="How to upload the file; null: it goes over in parts")
    parts: PartsOut | None = Field(description="How to cut a file above 100 MB; null for smaller ones")


class AnnouncedImages(Answer):
    """The images in the order of the files that were announced."""

    items: list[AnnouncedImage] = Field(description="One for each file")


ImageFields = some_fields_of(ImageOut, "ImageFields", "The fields of an image that were asked for.")


class ImagePage(Answer):
    """Some images of a project, in the order that was asked for."""

    items: list[ImageOut] | list[ImageFields] = Field(  # type: ignore[valid-type]
        description="The images, or those fields that were asked for"
    )
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


def _version(view: ImageView) -> tuple[object, ...]:
    """What an answer about an image depends on."""
    run = view.segmentation
    return view.image.id, view.image.version, (run.id, run.status, run.attempt, run.queued_at) if run else None


def _shown(view: ImageView, wanted: frozenset[str] | None) -> dict[str, Any]:
    return ImageOut.of(view).model_dump(mode="json", include=None if wanted is None else set(wanted))


def parts_of(image: Image) -> PartsOut:
    """How to cut the file of an announced image."""
    return PartsOut(part_bytes=PART_BYTES, part_count=part_count(image.size_bytes or 0))


def _common(image: Image) -> dict[str, object]:
    return {
        "id": image.id,
        "project_id": image.project_id,
        "name": image.name,
        "status": image.status,
        "size_bytes": image.size_bytes,
        "pixel_size_um": image.pixel_size_um,
        "created_at": image.created_at,
        "stored_at": image.stored_at,
        "failure": FailureOut.of(image.failure),
        "pages": PagesOut.of(image.pages) if image.pages else None,
        "digest": image.digest,
        "duplicate_of": image.duplicate_of,
        "tags": list(image.tags),
        **asdict(image.sample),
    }


@router.post(
    "/projects/{project_id}/images",
    status_code=201,
    summary="Announce files",
    response_description="An image and an upload form for each file",
    responses={
        201: {"headers": POSITION_HEADER},
        **problems(
            "project-not-found",
            *NOT_WRITABLE,
            "model-not-found",
            "image-too-large",
            "body-too-large",
            "quota-exceeded",
        ),
    },
)
async def announce_images(
    project_id: UUID,
    body: UploadIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> AnnouncedImages:
    """Make an image for each file and get the form that takes it. The file's arrival starts its segmentation."""
    announced = use_cases.request_upload(
        viewer, project_id, body.announced(), body.order(use_cases.models), correlation_id
    )
    written()
    return AnnouncedImages(
        items=[
            AnnouncedImage(
                **_common(image),
                segmentation=None,
                upload=UploadFormOut.of(form) if form else None,
                parts=None if form else parts_of(image),
            )
            for image, form in announced
        ]
    )


@router.get(
    "/projects/{project_id}/images",
    summary="List a project's images",
    response_description="A page of them",
    response_model=ImagePage,
    responses={
        200: {"headers": TAG_HEADER},
        **NOT_MODIFIED,
        **problems("project-not-found", "invalid-cursor", "invalid-fields"),
    },
)
async def list_images(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    known: KnownTags,
    query: Asked,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    fields: FieldNames = None,
) -> Response:
    """Images of a project by status, name, tag, plate, well, condition, date and size, in an order of your choice.

    Each has its latest segmentation. A cursor is good for the filters and the order that it came with.
    """
    wanted = wanted_fields(fields, ImageOut)
    cursors = use_cases.cursors.of_list(viewer, "images", project_id, query)
    with_segmentations = wanted is None or "segmentation" in wanted
    views, following = use_cases.read_images.search(
        viewer, project_id, query, cursors.image_key(cursor), limit, with_segmentations=with_segmentations
    )
    next_cursor = cursors.following(following)
    tag = digest_tag([_version(view) for view in views], next_cursor is None, fields)
    return answer_unless_known(
        known, tag, lambda: {"items": [_shown(view, wanted) for view in views], "next_cursor": next_cursor}
    )


@router.get(
    "/images/{image_id}",
    summary="Get an image",
    response_description="The image with its latest segmentation",
    response_model=ImageOut | ImageFields,
    responses={200: {"headers": TAG_HEADER}, **NOT_MODIFIED, **problems("image-not-found", "invalid-fields")},
)
async def read_image(
    image_id: UUID, viewer: CurrentViewer, use_cases: Wired, known: KnownTags, fields: FieldNames = None
) -> Response:
    """One image."""
    wanted = wanted_fields(fields, ImageOut)
    view = use_cases.read_images.one(viewer, image_id)
    return answer_unless_known(known, digest_tag(_version(view), fields), lambda: _shown(view, wanted))


@router.post(
    "/images/{image_id}/complete",
    summary="Say that an upload is done",
    response_description="The image, stored, with its queued segmentation",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("image-not-found", *NOT_WRITABLE, "not-stored-yet", "parts-missing"),
    },
)
async def complete_upload(image_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ImageOut:
    """Start the work at once. Without this call it starts when the store announces the file, seconds later."""
    use_cases.complete_upload(viewer, image_id)
    return ImageOut.of(use_cases.read_images.one(replace(viewer, read_after=written()), image_id))


@router.delete(
    "/images/{image_id}",
    status_code=204,
    summary="Delete an image",
    response_description="Nothing is left",
    responses={204: {"headers": POSITION_HEADER}, **problems("image-not-found", *NOT_WRITABLE, "storage-unavailable")},
    response_class=Response,
)
async def delete_image(image_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> None:
    """Remove the image, its file, its segmentations and all their results. It cannot be undone."""
    use_cases.delete_image(viewer, image_id)
    written()
