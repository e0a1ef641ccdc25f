"""What you say of your images: name, project, tags, sample, pixel size; of one, by a table, or by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import AfterValidator, Field, StringConstraints
from starlette.exceptions import HTTPException

from http_api.rest.answers import NOT_WRITABLE, POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.images import ImageOut
from http_api.rest.orders import FailureOut, FileName, PixelSizeUm, without_control_characters
from http_api.viewer import CurrentViewer
from spheroseg.domain import sample
from spheroseg.domain.name_pattern import MAX_LENGTH
from spheroseg.errors import InvalidSampleError, SpherosegError
from spheroseg.use_cases.change_images import NameRead
from spheroseg.use_cases.delete_images import MAX_IMAGES as MAX_DELETED

router = APIRouter(prefix="/v1", tags=["images"])

MAX_LISTED = 50
EXAMPLE = "name,plate,well,condition,time_point_h,replicate,tags\nwell A1.tif,P7,A01,control,24,1,a;b\n"


def _well(text: str) -> str:
    try:
        return sample.well_name(text)
    except InvalidSampleError as error:
        raise ValueError(str(error)) from error


def _tags(tags: list[str]) -> list[str]:
    try:
        return list(sample.tags_of(tags))
    except InvalidSampleError as error:
        raise ValueError(str(error)) from error


OneLine = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=sample.TEXT_MAX_LENGTH),
    AfterValidator(without_control_characters),
]
Well = Annotated[str, StringConstraints(max_length=10), AfterValidator(_well)]
Tags = Annotated[list[str], Field(max_length=sample.MAX_TAGS), AfterValidator(_tags)]


class ImageChanges(Body):
    """What is to be changed; what is left away stays as it is, null takes it back."""

    name: FileName = Field(default="", description="Another name, 1 to 255 characters", examples=["well A1.tif"])
    project_id: UUID = Field(default=UUID(int=0), description="Another project, in which you may write, too")
    tags: Tags = Field(
        default_factory=list, description="All its tags, up to 10 of 1 to 50 characters", examples=[["control"]]
    )
    plate: OneLine | None = Field(default=None, description="Name of its plate, 1 to 100 characters", examples=["P7"])
    well: Well | None = Field(default=None, description="Its place on the plate", examples=["B03"])
    condition: OneLine | None = Field(
        default=None, description="What was done to the sample, 1 to 100 characters", examples=["10 µM"]
    )
    time_point_h: Annotated[float, Field(ge=-sample.MAX_TIME_H, le=sample.MAX_TIME_H)] | None = Field(
        default=None, description="When it was taken, in hours from the experiment's own zero", examples=[24]
    )
    replicate: Annotated[int, Field(ge=1, le=sample.MAX_REPLICATE)] | None = Field(
        default=None, description="Which repetition, from 1", examples=[1]
    )
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm, 0.001 to 1000; goes before what file and project say. µm values of all "
        "its segmentations follow at once",
        examples=[0.65],
    )


class PatternIn(Body):
    """How the names of files are read."""

    pattern: Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)] = Field(
        description="In the syntax of RE2, with groups named `plate`, `well`, `condition`, `time_point_h`, "
        "`replicate`, or `row` and `column` for a well; matches anywhere in the name",
        examples=["(?P<plate>P[0-9]+)_(?P<well>[A-P][0-9]{2})_(?P<time_point_h>[0-9]+)h"],
    )
    dry_run: bool = Field(default=False, description="Only tell what would be changed")


class NameReadOut(Answer):
    """What the name of an image tells."""

    image_id: UUID = Field(description="The image")
    name: str = Field(description="Its name", examples=["P7_B03_24h.tif"])
    fields: dict[str, str | float | int] | None = Field(
        description="What it tells, by field; null: the pattern does not match it", examples=[{"well": "B03"}]
    )


class NamesRead(Answer):
    """What the names of a project's images tell."""

    matched: int = Field(description="Images whose name the pattern matches", examples=[96])
    unmatched: int = Field(description="Images whose name it does not match; they stay as they are", examples=[0])
    items: list[NameReadOut] = Field(
        description="Up to 50 of them, those that do not match first", max_length=MAX_LISTED
    )

    @classmethod
    def of(cls, read: Sequence[NameRead]) -> "NamesRead":
        """The use case's answer."""
        listed = sorted(read, key=lambda each: each.fields is not None)[:MAX_LISTED]
        matched = sum(each.fields is not None for each in read)
        return cls(
            matched=matched,
            unmatched=len(read) - matched,
            items=[
                NameReadOut(
                    image_id=each.image.id,
                    name=each.image.name,
                    fields=None if each.fields is None else dict(each.fields),
                )
                for each in listed
            ],
        )


class TableTaken(Answer):
    """What a table did."""

    changed: int = Field(description="Images that say something else now", examples=[96])


@router.patch(
    "/images/{image_id}",
    summary="Change an image",
    response_description="The image after it",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("image-not-found", "project-not-found", "quota-exceeded", *NOT_WRITABLE),
    },
)
async def change_image(
    image_id: UUID, body: ImageChanges, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> ImageOut:
    """Rename it, move it to another project, tag it, say what it shows or how large its pixels are."""
    changes: dict[str, Any] = body.model_dump(exclude_unset=True)
    if "tags" in changes:
        changes["tags"] = tuple(changes["tags"])
    use_cases.change_images.one(viewer, image_id, changes)
    return ImageOut.of(use_cases.read_images.one(replace(viewer, read_after=written()), image_id))


@router.post(
    "/projects/{project_id}/images/samples",
    summary="Say what images show, by a table",
    response_description="How many were changed",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems(
            "project-not-found", "invalid-table", "malformed-body", "body-too-large", "stale-state", *NOT_WRITABLE
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "text/csv": {
                    "schema": {"type": "string"},
                    "example": EXAMPLE,
                }
            },
        }
    },
)
async def take_samples(
    project_id: UUID, request: Request, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> TableTaken:
    """Take a CSV file (UTF-8; comma, semicolon or tab) with a heading, all of it or nothing.

    Columns are `id` or `name` of each image, then any of `plate`, `well`, `condition`, `time_point_h`, `replicate`,
    `tags` (separated by `;`) and `pixel_size_um`. An empty cell takes the field back, a column that is left away leaves
    it. Up to 10,000 rows.
    """
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise HTTPException(400) from error
    changed = use_cases.change_images.by_table(viewer, project_id, text)
    written()
    return TableTaken(changed=len(changed))


@router.post(
    "/projects/{project_id}/images/read-names",
    summary="Say what images show, by their names",
    response_description="What the names tell",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems(
            "project-not-found", "invalid-pattern", "invalid-sample", "too-many-images", "stale-state", *NOT_WRITABLE
        ),
    },
)
async def read_names(
    project_id: UUID, body: PatternIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> NamesRead:
    """Read plate, well, condition, time point and replicate from the names of all images of a project."""
    read = use_cases.change_images.by_names(viewer, project_id, body.pattern, dry_run=body.dry_run)
    written()
    return NamesRead.of(read)


class ImagesToDelete(Body):
    """Images that are to go."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MAX_DELETED)] = Field(description="1 to 1,000 images")


class DeletedImage(Answer):
    """What became of one image."""

    id: UUID = Field(description="The image")
    is_deleted: bool = Field(description="Whether nothing is left of it")
    failure: FailureOut | None = Field(description="Why it stays; null when it is gone")


class DeletedImages(Answer):
    """What became of each image, in the order that they were named."""

    items: list[DeletedImage] = Field(description="Each image once")

    @classmethod
    def of(cls, outcomes: Mapping[UUID, SpherosegError | None]) -> "DeletedImages":
        """The use case's outcomes."""
        return cls(
            items=[
                DeletedImage(
                    id=image_id,
                    is_deleted=error is None,
                    failure=None if error is None else FailureOut(code=error.code, detail=str(error)),
                )
                for image_id, error in outcomes.items()
            ]
        )


@router.post(
    "/images/delete",
    summary="Delete many images",
    response_description="What became of each",
    responses={200: {"headers": POSITION_HEADER}, **problems()},
)
async def delete_images(
    body: ImagesToDelete, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> DeletedImages:
    """Remove up to 1,000 images with all that was made of them; each is told of, and none stops the others."""
    outcomes = use_cases.delete_images(viewer, list(dict.fromkeys(body.ids)))
    written()
    return DeletedImages.of(outcomes)
