"""Large files in parts: links for them, which have arrived, and giving up."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field, StringConstraints, model_validator

from http_api.rest.answers import NOT_WRITABLE, POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.viewer import CurrentViewer
from spheroseg.domain.image import Image
from spheroseg.domain.upload_parts import PART_BYTES, UploadPart, part_count
from spheroseg.ports import PartLink
from spheroseg.use_cases.upload_in_parts import MAX_LINKS

router = APIRouter(prefix="/v1/images/{image_id}/parts", tags=["images"])

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PartIn(Body):
    """A part that is about to be sent."""

    number: int = Field(ge=1, le=10_000, description="Which one, from 1", examples=[1])
    sha256: Sha256 = Field(
        description="SHA-256 of its bytes, 64 hexadecimal digits in lower case; the store takes those bytes only",
        examples=["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    )


class PartsIn(Body):
    """Parts that are about to be sent."""

    parts: Annotated[list[PartIn], Field(min_length=1, max_length=MAX_LINKS)] = Field(
        description="1 to 100 parts, each once"
    )

    @model_validator(mode="after")
    def _each_once(self) -> "PartsIn":
        if len({part.number for part in self.parts}) < len(self.parts):
            raise ValueError("A part is named twice")
        return self


class PartLinkOut(Answer):
    """Where one part goes: PUT its bytes to `url` with exactly these headers."""

    number: int = Field(description="Which part", examples=[1])
    offset_bytes: int = Field(description="Where in the file it begins", examples=[0])
    size_bytes: int = Field(description="How many bytes it has", examples=[PART_BYTES])
    url: str = Field(description="Where to put it")
    headers: dict[str, str] = Field(description="Headers to send with it, unchanged")
    expires_at: datetime = Field(description="After this the link is refused; in UTC")

    @classmethod
    def of(cls, link: PartLink) -> "PartLinkOut":
        """The port's link."""
        return cls(
            number=link.number,
            offset_bytes=(link.number - 1) * PART_BYTES,
            size_bytes=int(link.headers["Content-Length"]),
            url=link.url,
            headers=dict(link.headers),
            expires_at=link.expires_at,
        )


class PartLinks(Answer):
    """Links for the parts that were asked for."""

    part_bytes: int = Field(description="Size of every part but the last, in bytes", examples=[PART_BYTES])
    part_count: int = Field(description="How many parts the file has", examples=[9])
    items: list[PartLinkOut] = Field(description="By number")

    @classmethod
    def of(cls, image: Image, links: Sequence[PartLink]) -> "PartLinks":
        """The use case's links."""
        items = [PartLinkOut.of(link) for link in links]
        return cls(part_bytes=PART_BYTES, part_count=_count(image), items=items)


class ArrivedPart(Answer):
    """A part that is there."""

    number: int = Field(description="Which part", examples=[1])
    size_bytes: int = Field(description="How many bytes it has", examples=[PART_BYTES])
    sha256: str = Field(description="SHA-256 of its bytes, in hexadecimal digits")


class ArrivedParts(Answer):
    """The parts that are there; what is missing is still to be sent."""

    part_bytes: int = Field(description="Size of every part but the last, in bytes", examples=[PART_BYTES])
    part_count: int = Field(description="How many parts the file has", examples=[9])
    items: list[ArrivedPart] = Field(description="By number")

    @classmethod
    def of(cls, image: Image, parts: Sequence[UploadPart]) -> "ArrivedParts":
        """The use case's parts."""
        items = [ArrivedPart(number=part.number, size_bytes=part.size_bytes, sha256=part.sha256) for part in parts]
        return cls(part_bytes=PART_BYTES, part_count=_count(image), items=items)


def _count(image: Image) -> int:
    return part_count(image.size_bytes or 0)


@router.post(
    "",
    summary="Get links for parts of a large file",
    response_description="A link for each part",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems(
            "image-not-found", *NOT_WRITABLE, "illegal-move", "not-in-parts", "invalid-input", "storage-unavailable"
        ),
    },
)
async def link_parts(
    image_id: UUID, body: PartsIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> PartLinks:
    """Begin an upload in parts, or go on with one. A link may be used again, and asked for again."""
    digests = {part.number: part.sha256 for part in body.parts}
    image, links = use_cases.upload_in_parts.links(viewer, image_id, digests)
    written()
    return PartLinks.of(image, links)


@router.get(
    "",
    summary="List the parts that have arrived",
    response_description="The parts that are there",
    responses=problems("image-not-found", *NOT_WRITABLE, "illegal-move", "not-in-parts", "storage-unavailable"),
)
async def list_parts(image_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ArrivedParts:
    """What need not be sent again when an upload is resumed. Parts are kept for a day."""
    return ArrivedParts.of(*use_cases.upload_in_parts.arrived(viewer, image_id))


@router.delete(
    "",
    status_code=204,
    summary="Forget the parts that have arrived",
    response_description="None is left",
    responses={
        204: {"headers": POSITION_HEADER},
        **problems(
            "image-not-found", *NOT_WRITABLE, "illegal-move", "not-in-parts", "stale-state", "storage-unavailable"
        ),
    },
    response_class=Response,
)
async def drop_parts(image_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> None:
    """Begin anew: the image stays announced. To give up the file as well, delete the image."""
    use_cases.upload_in_parts.drop(viewer, image_id)
    written()
