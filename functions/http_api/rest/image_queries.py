"""Filters and orders of lists of images."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime

from spheroseg.domain import sample
from spheroseg.domain.image_list import ImageQuery, ImageSort, ImageState
from spheroseg.errors import InvalidSampleError

LARGEST_BYTES = 2**53


def _well(text: str) -> str:
    try:
        return sample.well_name(text)
    except InvalidSampleError as error:
        raise ValueError(str(error)) from error


def _visible(text: str) -> str:
    if "\0" in text:
        raise ValueError("A null character is in no name")
    return text


def _filter(description: str, max_length: int, examples: list[str]) -> object:
    return Query(min_length=1, max_length=max_length, description=description, examples=examples)


Text = AfterValidator(_visible)


async def _asked(  # noqa: PLR0917 - parameters of a query, which FastAPI fills by name
    status: Annotated[
        ImageState | None, Query(description="How far: of the file, and once it is there of its latest segmentation")
    ] = None,
    name: Annotated[str | None, Text, _filter("A part of its name, in whichever case", 255, ["A1"])] = None,
    tag: Annotated[str | None, Text, _filter("One of its tags", sample.TAG_MAX_LENGTH, ["control"])] = None,
    plate: Annotated[str | None, Text, _filter("Its plate", sample.TEXT_MAX_LENGTH, ["P7"])] = None,
    well: Annotated[str | None, AfterValidator(_well), _filter("Its well", 10, ["B03"])] = None,
    condition: Annotated[str | None, Text, _filter("Its condition", sample.TEXT_MAX_LENGTH, ["10 µM"])] = None,
    created_from: Annotated[AwareDatetime | None, Query(description="Announced then or later")] = None,
    created_before: Annotated[AwareDatetime | None, Query(description="Announced earlier")] = None,
    size_from: Annotated[int | None, Query(ge=0, le=LARGEST_BYTES, description="Bytes at least")] = None,
    size_to: Annotated[int | None, Query(ge=0, le=LARGEST_BYTES, description="Bytes at most")] = None,
    sort: Annotated[
        ImageSort, Query(description="What is sorted by; a minus turns the order round")
    ] = ImageSort.NEWEST,
) -> ImageQuery:
    return ImageQuery(
        status=status,
        name=name,
        tag=tag,
        plate=plate,
        well=well,
        condition=condition,
        created_from=created_from,
        created_before=created_before,
        size_from=size_from,
        size_to=size_to,
        sort=sort,
    )


Asked = Annotated[ImageQuery, Depends(_asked)]
