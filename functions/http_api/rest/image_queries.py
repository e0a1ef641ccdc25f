"""Filters and orders of lists of images."""

from typing import Annotated

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from spheroseg.domain import sample
from spheroseg.domain.image_list import ImageQuery, ImageSort, ImageState
from spheroseg.errors import InvalidSampleError

LARGEST_BYTES = 2**53 - 1


def _well(text: str) -> str:
    try:
        return sample.well_name(text)
    except InvalidSampleError as error:
        raise ValueError(str(error)) from error


def _visible(text: str) -> str:
    if "\0" in text:
        raise ValueError("A null character is in no name")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_visible)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=sample.TAG_MAX_LENGTH), AfterValidator(_visible)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=sample.TEXT_MAX_LENGTH), AfterValidator(_visible)]
Well = Annotated[str, StringConstraints(min_length=1, max_length=10), AfterValidator(_well)]
Bytes = Annotated[int, Field(ge=0, le=LARGEST_BYTES)]


class ImageFilter(BaseModel):
    """Which images of a project, in which order; what is left away does not matter."""

    model_config = ConfigDict(frozen=True)

    status: ImageState | None = Field(
        default=None, description="How far: of the file, and once it is there of its latest segmentation"
    )
    name: Name | None = Field(default=None, description="A part of its name, in whichever case", examples=["A1"])
    tag: Tag | None = Field(default=None, description="One of its tags", examples=["control"])
    plate: Text | None = Field(default=None, description="Its plate", examples=["P7"])
    well: Well | None = Field(default=None, description="Its well", examples=["B03"])
    condition: Text | None = Field(default=None, description="Its condition", examples=["10 µM"])
    created_from: AwareDatetime | None = Field(default=None, description="Announced then or later")
    created_before: AwareDatetime | None = Field(default=None, description="Announced earlier")
    size_from: Bytes | None = Field(default=None, description="Bytes at least")
    size_to: Bytes | None = Field(default=None, description="Bytes at most")
    sort: ImageSort = Field(
        default=ImageSort.NEWEST, description="What is sorted by; a minus turns the order round", examples=["-name"]
    )

    def query(self) -> ImageQuery:
        """The same for the domain."""
        return ImageQuery(**dict(self))


async def _asked(asked: Annotated[ImageFilter, Query()]) -> ImageQuery:
    return asked.query()


Asked = Annotated[ImageQuery, Depends(_asked)]
