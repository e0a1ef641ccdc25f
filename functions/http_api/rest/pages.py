"""Pages of stacks: what they are, and runs over many of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, StringConstraints, model_validator

from http_api.correlation import CorrelationId
from http_api.rest.answers import NOT_WRITABLE, POSITION_HEADER, Answer, Wired, Written, problems
from http_api.rest.orders import MAX_PAGE, OrderIn
from http_api.rest.segmentations import SegmentationSummary
from http_api.viewer import CurrentViewer
from spheroseg.domain.pages import Pages
from spheroseg.use_cases.request_pages import MAX_PAGES, PageRuns

router = APIRouter(prefix="/v1/images/{image_id}", tags=["segmentations"])


class PagesOut(Answer):
    """The pages of a file. Colours are no pages, channels are."""

    count: int = Field(description="How many there are, at least 1", examples=[30])
    axes: str | None = Field(
        description="What they run over where the file says it (ImageJ, OME-TIFF), the slowest first: T time, Z depth, "
        "C channel; null: it does not say, or there is one page",
        examples=["TZC"],
    )
    sizes: list[int] = Field(
        description="How many along each axis, in their order; empty without axes", examples=[[3, 5, 2]]
    )

    @classmethod
    def of(cls, pages: Pages) -> "PagesOut":
        """The domain's pages."""
        return cls(count=pages.count, axes=pages.axes, sizes=list(pages.sizes))


class PagesIn(OrderIn):
    """What is to be run over which pages."""

    pages: (
        Annotated[str, StringConstraints(min_length=1, max_length=4000)]
        | Annotated[list[Annotated[int, Field(ge=1, le=MAX_PAGE)]], Field(min_length=1, max_length=MAX_PAGES)]
    ) = Field(
        description=f"`all`, numbers and ranges such as `1-20,25`, or a list of numbers; the first page is 1. "
        f"Up to {MAX_PAGES:,} in one request",
        examples=["1-20,25"],
    )
    channel: Annotated[int, Field(ge=1, le=MAX_PAGE)] | None = Field(
        default=None,
        description="Only those of the pages that are of this channel, the first is 1; null: of every channel",
        examples=[None],
    )

    @model_validator(mode="after")
    def _page_is_said_once(self) -> "PagesIn":
        if "page" in self.parameters.model_fields_set:
            raise ValueError("parameters.page has no meaning beside pages")
        return self

    @property
    def choice(self) -> str:
        """The pages as text."""
        return self.pages if isinstance(self.pages, str) else ",".join(map(str, self.pages))


class PageRunsOut(Answer):
    """A run for each page that was asked for."""

    pages: PagesOut = Field(description="The pages of the file")
    items: list[SegmentationSummary] = Field(description="The runs, in the order of their pages", max_length=MAX_PAGES)

    @classmethod
    def of(cls, runs: PageRuns) -> "PageRunsOut":
        """The use case's answer."""
        return cls(pages=PagesOut.of(runs.pages), items=[SegmentationSummary.of(run) for run in runs.segmentations])


@router.post(
    "/page-segmentations",
    status_code=202,
    summary="Segment pages of an image",
    response_description="A run for each page: queued, or as far as it already is",
    responses={
        202: {"headers": POSITION_HEADER},
        **problems(
            *("image-not-found", *NOT_WRITABLE, "model-not-found", "not-stored-yet", "pages-not-counted"),
            *("invalid-pages", "page-not-found", "too-many-pages", "queue-unavailable"),
        ),
    },
)
async def request_pages(
    image_id: UUID,
    body: PagesIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> PageRunsOut:
    """Start a run for each of some pages of a multi-page TIFF, z-stack or time series.

    A repeat gives the same runs; where one had failed or was cancelled, a new one follows it. How many pages there
    are is known once the image's first segmentation has decoded its file.
    """
    order = body.order(use_cases.models)
    runs = use_cases.request_pages(viewer, image_id, body.choice, body.channel, order, correlation_id)
    written()
    return PageRunsOut.of(runs)
