"""One measure of every spheroid of a project, by columns: what statistics are made of."""

from typing import Annotated
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from pydantic import Field

from http_api.rest.answers import Answer, CursorText, Wired, problems
from http_api.use_cases import UseCases
from http_api.viewer import CurrentViewer
from spheroseg.domain.image_list import ImageKey
from spheroseg.domain.measurement import INTENSITIES, MeasuredImage, MeasurementKey
from spheroseg.domain.viewer import Viewer
from spheroseg.use_cases.read_measurements import MeasurementPage

router = APIRouter(prefix="/v1/projects/{project_id}", tags=["segmentations"])

DEFAULT_MEASURE = "equivalent_diameter_px"
MAX_ROWS = 10_000
"""With an image for each spheroid 4 MB; a Lambda answer holds 6 MB."""


class MeasuredImageOut(Answer):
    """An image and the run that its measures are of."""

    id: UUID = Field(description="The image")
    name: str = Field(description="Its name", examples=["B03_day7.tif"])
    plate: str | None = Field(description="Name of the plate; null: nobody said, here and below")
    well: str | None = Field(description="Its place there", examples=["B03"])
    condition: str | None = Field(description="What was done to it", examples=["10 µM"])
    time_point_h: float | None = Field(description="When it was taken, in hours", examples=[168.0])
    replicate: int | None = Field(description="Which repetition, from 1", examples=[2])
    segmentation_id: UUID = Field(description="Its newest run that succeeded")
    revision: int = Field(description="Of that run's outlines: the newest")
    pixel_size_um: float | None = Field(description="Edge of one pixel in µm; null: unknown", examples=[0.65])


class MeasurementsOut(Answer):
    """Some spheroids of a project, in order of image ids and numbers; the columns are as long as one another."""

    measure: str = Field(description="What `value` is", examples=["equivalent_diameter_um"])
    images: list[MeasuredImageOut] = Field(description="Those that the page has spheroids of")
    image: list[int] = Field(description="Column: place in `images`, from 0", examples=[[0, 0, 1]])
    number: list[int] = Field(description="Column: number of the spheroid, from 1", examples=[[1, 2, 1]])
    touches_edge: list[bool] = Field(description="Column: whether it reaches the image's border: measured in part only")
    value: list[float | None] = Field(
        description="Column: the measure; null where it is in µm and the pixel size is unknown, and where brightness "
        "was not measured",
        examples=[[412.5, 398.1, None]],
    )
    brightness_due_since: list[int | None] | None = Field(
        description="Column: the revision since which brightness waits to be measured again, so that `value` is null "
        "meanwhile; null: it does not wait. No column for other measures",
        examples=[None],
    )
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


@router.get(
    "/measurements",
    summary="Take one measure of all spheroids",
    response_class=Response,
    responses={
        200: {"model": MeasurementsOut, "description": "A page of values by columns"},
        **problems("project-not-found", "invalid-question", "invalid-cursor"),
    },
)
async def list_measurements(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    measure: Annotated[
        str,
        Query(max_length=100, description="A field of `measures`, or with `um` in the place of `px`"),
    ] = DEFAULT_MEASURE,
    cursor: CursorText = None,
    limit: Annotated[int, Query(ge=1, le=MAX_ROWS, description="Spheroids on the page at most")] = MAX_ROWS,
) -> Response:
    """The values of one measure with what the images show, of each image's newest run and newest outlines.

    Images that a run is missing of have no rows. `spheroseg stats --project` describes, compares and fits them.
    """
    page = measured_page(use_cases, viewer, project_id, measure, cursor, limit)
    content = dict(page) | {"images": [dict(image) for image in page.images]}
    return Response(orjson.dumps(content), media_type="application/json")


def measured_page(
    use_cases: UseCases, viewer: Viewer, project_id: UUID, measure: str, cursor: str | None, limit: int
) -> MeasurementsOut:
    """A page of columns, not checked once more: 10,000 numbers are what was just computed."""
    cursors = use_cases.cursors.of_list(viewer, "measurements", project_id, measure)
    key = cursors.image_key(cursor)
    after = None if key is None else MeasurementKey(key.id, int(str(key.value)))
    page = use_cases.read_measurements.page(viewer, project_id, measure, after, limit)
    end = page.next_after
    following = None if end is None else cursors.of(ImageKey(end.number, end.image_id))
    return _columns(page, measure, following)


def _columns(page: MeasurementPage, measure: str, next_cursor: str | None) -> MeasurementsOut:
    places: dict[UUID, int] = {}
    images: list[MeasuredImage] = []
    for item in page.items:
        if item.image.id not in places:
            places[item.image.id] = len(images)
            images.append(item.image)
    return MeasurementsOut.model_construct(
        measure=measure,
        images=[
            MeasuredImageOut.model_construct(
                id=image.id,
                name=image.name,
                plate=image.sample.plate,
                well=image.sample.well,
                condition=image.sample.condition,
                time_point_h=image.sample.time_point_h,
                replicate=image.sample.replicate,
                segmentation_id=image.segmentation_id,
                revision=image.revision,
                pixel_size_um=image.pixel_size_um,
            )
            for image in images
        ],
        image=[places[item.image.id] for item in page.items],
        number=[item.number for item in page.items],
        touches_edge=[item.touches_edge for item in page.items],
        value=[item.value for item in page.items],
        brightness_due_since=[item.due_since for item in page.items] if measure in INTENSITIES else None,
        next_cursor=next_cursor,
    )
