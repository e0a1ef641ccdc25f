"""Projects: create, list, get, change, archive, statistics."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

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
from http_api.rest.conditional import NOT_MODIFIED, TAG_HEADER, KnownTags, SeenVersions, tag_of, unchanged
from http_api.rest.jobs import JobOut
from http_api.rest.orders import PixelSizeUm, ProjectName, without_control_characters
from http_api.viewer import CurrentViewer
from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.project import DESCRIPTION_MAX_LENGTH, MAX_TAGS, TAG_MAX_LENGTH, Project, ProjectStatistics
from spheroseg.domain.segmentation import PixelSizeSource

router = APIRouter(prefix="/v1/projects", tags=["projects"])
CHANGED: dict[str, Any] = {"headers": {**POSITION_HEADER, **TAG_HEADER}}
CHANGED_MEANWHILE = ("version-mismatch", "stale-state")


def _lines(text: str) -> str:
    if any(unicodedata.category(sign) == "Cc" and sign not in "\n\r\t" for sign in text):
        raise ValueError("Control characters but line breaks and tabs are not allowed")
    return text


def _distinct(tags: list[str]) -> list[str]:
    if len(set(tags)) < len(tags):
        raise ValueError("A tag is given once")
    return tags


Description = Annotated[str, StringConstraints(max_length=DESCRIPTION_MAX_LENGTH), AfterValidator(_lines)]
Tag = Annotated[
    str, StringConstraints(min_length=1, max_length=TAG_MAX_LENGTH), AfterValidator(without_control_characters)
]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS), AfterValidator(_distinct)]


class ProjectIn(Body):
    """A project to be made."""

    name: ProjectName = Field(description="1 to 100 characters; several projects may share one", examples=["Day 7"])
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm, 0.001 to 1000, for images whose file does not tell; left away: the one "
        "of your profile; null: unknown, measures of such images are in pixels only",
        examples=[0.65],
    )

    description: Description = Field(default="", description="Up to 1,000 characters", examples=["HT-29"])
    tags: Tags = Field(default_factory=list, description="Up to 10, each 1 to 50 characters", examples=[["control"]])

    @property
    def says_no_pixel_size(self) -> bool:
        """True when it was left away, which is not the same as null."""
        return "pixel_size_um" not in self.model_fields_set


class ProjectChange(Body):
    """What is to be changed; what is left away stays as it is."""

    name: ProjectName | None = Field(default=None, description="1 to 100 characters", examples=["Day 8"])
    pixel_size_um: PixelSizeUm | None = Field(
        default=None, description="Edge of one pixel in µm, 0.001 to 1000; null: unknown", examples=[0.65]
    )
    description: Description | None = Field(default=None, description="Up to 1,000 characters", examples=["HT-29"])
    tags: Tags | None = Field(default=None, description="All of them: up to 10", examples=[["control"]])

    def changes(self) -> dict[str, Any]:
        """The fields that were sent; a null takes the pixel size back and leaves the others as they are."""
        sent = self.model_dump(exclude_unset=True)
        if sent.get("tags") is not None:
            sent["tags"] = tuple(sent["tags"])
        return {key: value for key, value in sent.items() if value is not None or key == "pixel_size_um"}


class DuplicateIn(Body):
    """How a project is duplicated."""

    name: ProjectName | None = Field(
        default=None, description="Of the new project; left away: the old one's with «(copy)» behind it"
    )


class ProjectOut(Answer):
    """A named collection of images."""

    id: UUID = Field(description="Names the project", examples=["0198c0de-0000-7000-8000-000000000001"])
    name: str = Field(examples=["Day 7"], description="As it was given")
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm for images whose file does not tell; null: unknown", examples=[0.65]
    )
    pixel_size_source: PixelSizeSource | None = Field(
        description="`project` when that number was given for this project, `profile` when its maker's usual one was "
        "taken; null: there is none",
        examples=["project"],
    )
    created_at: datetime = Field(description="In UTC", examples=["2026-11-22T09:30:00Z"])
    role: Role = Field(
        description="What you may do here: an `owner` everything, an `editor` add, change and remove images and "
        "segmentations, a `viewer` only read",
        examples=["owner"],
    )
    description: str = Field(description="What was said of it; empty: nothing", examples=["HT-29"])
    tags: list[str] = Field(description="Its tags, in the order in which they were given", examples=[["control"]])
    version: int = Field(description="Counts its changes, from 1; the ETag is made from it", examples=[3])
    updated_at: datetime | None = Field(description="When these fields were changed last, in UTC; null: never")
    archived_at: datetime | None = Field(description="Since when it can only be read, in UTC; null: it is not archived")

    @classmethod
    def of(cls, found: Accessible[Project]) -> "ProjectOut":
        """The domain's project as its viewer has it."""
        project = found.item
        return cls(
            id=project.id,
            name=project.name,
            pixel_size_um=project.pixel_size_um,
            pixel_size_source=project.pixel_size_source,
            created_at=project.created_at,
            role=found.access.role,
            description=project.description,
            tags=list(project.tags),
            version=project.version,
            updated_at=project.updated_at,
            archived_at=project.archived_at,
        )


class ImageCounts(Answer):
    """Images by where they are; those whose file is there by how their latest segmentation is."""

    awaiting_upload: int = Field(description="Announced, not there yet", examples=[0])
    refused: int = Field(description="Could not be taken in", examples=[0])
    without_segmentation: int = Field(description="There, and nothing was run over it", examples=[0])
    queued: int = Field(description="Wait for a worker", examples=[0])
    processing: int = Field(description="A worker is at it", examples=[1])
    completed: int = Field(description="Done", examples=[95])
    failed: int = Field(description="Ended without a result", examples=[0])
    cancelled: int = Field(description="Nobody wanted it any more", examples=[0])


class StatisticsOut(Answer):
    """What is in a project."""

    images: ImageCounts = Field(description="Images by where they are")
    size_bytes: int = Field(description="Of the original files that are there", examples=[201_342_528])
    spheroids: int = Field(
        description="In the newest revision of the latest segmentation of each image that succeeded", examples=[1140]
    )
    last_activity_at: datetime = Field(
        description="When a file came, a segmentation ended, or the project itself was changed last; in UTC"
    )

    @classmethod
    def of(cls, counts: ProjectStatistics) -> "StatisticsOut":
        """The domain's counts."""
        return cls(
            images=ImageCounts(**counts.images),
            size_bytes=counts.size_bytes,
            spheroids=counts.spheroids,
            last_activity_at=counts.last_activity_at,
        )


class ProjectFilter(BaseModel):
    """Which projects; what is left away does not matter."""

    model_config = ConfigDict(frozen=True)

    archived: bool | None = Field(default=None, description="Only archived ones, or only others")
    tag: Tag | None = Field(default=None, description="Only those with that tag", examples=["control"])


async def _asked(asked: Annotated[ProjectFilter, Query()]) -> ProjectFilter:
    return asked


Asked = Annotated[ProjectFilter, Depends(_asked)]


class ProjectPage(Answer):
    """Some of the projects that you have a role in, the newest first."""

    items: list[ProjectOut] = Field(description="The projects")
    next_cursor: str | None = Field(description="Where the next page begins; null: this is the last one")


@router.post(
    "",
    status_code=201,
    summary="Create a project",
    response_description="The project",
    responses={201: {"headers": POSITION_HEADER}, **problems()},
)
async def create_project(body: ProjectIn, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ProjectOut:
    """Make an empty project that only you can see."""
    project = use_cases.create_project(
        viewer, body.name, body.pixel_size_um, body.description, body.tags, by_profile=body.says_no_pixel_size
    )
    written()
    return ProjectOut.of(Accessible(project, Access(Role.OWNER)))


@router.get(
    "", summary="List your projects", response_description="A page of them", responses=problems("invalid-cursor")
)
async def list_projects(
    viewer: CurrentViewer,
    use_cases: Wired,
    asked: Asked,
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> ProjectPage:
    """The projects that you own and those that were shared with you, the newest first."""
    cursors = use_cases.cursors.of_list(viewer, "projects", asked)
    after = cursors.page_key(cursor)
    page = use_cases.read_projects.page(viewer, after, limit, archived=asked.archived, tag=asked.tag)
    return ProjectPage(
        items=[ProjectOut.of(project) for project in page.items], next_cursor=cursors.following(page.next)
    )


@router.get(
    "/{project_id}",
    summary="Get a project",
    response_description="The project",
    response_model=ProjectOut,
    responses={200: {"headers": TAG_HEADER}, **NOT_MODIFIED, **problems("project-not-found")},
)
async def read_project(
    project_id: UUID, viewer: CurrentViewer, use_cases: Wired, response: Response, known: KnownTags
) -> ProjectOut | Response:
    """A project that you have a role in."""
    found = use_cases.read_projects.one(viewer, project_id)
    return unchanged(response, known, _tag(found)) or ProjectOut.of(found)


@router.patch(
    "/{project_id}",
    summary="Change a project",
    response_description="The project after it",
    responses={200: CHANGED, **problems("project-not-found", *NOT_WRITABLE, *CHANGED_MEANWHILE)},
)
async def change_project(
    project_id: UUID,
    body: ProjectChange,
    viewer: CurrentViewer,
    use_cases: Wired,
    seen: SeenVersions,
    response: Response,
    written: Written,
) -> ProjectOut:
    """Change what you send and leave the rest."""
    found = use_cases.change_project(viewer, project_id, body.changes(), seen)
    return _changed(found, response, written)


@router.post(
    "/{project_id}/archive",
    summary="Archive a project",
    response_description="The project after it",
    responses={200: CHANGED, **problems("project-not-found", "role-too-low", *CHANGED_MEANWHILE)},
)
async def archive_project(
    project_id: UUID, viewer: CurrentViewer, use_cases: Wired, seen: SeenVersions, response: Response, written: Written
) -> ProjectOut:
    """Let a project only be read from now on; runs that wait or work are finished. Only the owner may."""
    return _changed(use_cases.change_project.archive(viewer, project_id, seen), response, written)


@router.post(
    "/{project_id}/unarchive",
    summary="Take a project out of the archive",
    response_description="The project after it",
    responses={200: CHANGED, **problems("project-not-found", "role-too-low", *CHANGED_MEANWHILE)},
)
async def unarchive_project(
    project_id: UUID, viewer: CurrentViewer, use_cases: Wired, seen: SeenVersions, response: Response, written: Written
) -> ProjectOut:
    """Let a project be written to again. Only the owner may."""
    return _changed(use_cases.change_project.unarchive(viewer, project_id, seen), response, written)


@router.delete(
    "/{project_id}",
    status_code=202,
    summary="Delete a project",
    response_description="The job that removes what lies below it",
    responses={
        202: {"headers": POSITION_HEADER},
        **problems("project-not-found", "role-too-low", *CHANGED_MEANWHILE),
    },
)
async def delete_project(
    project_id: UUID,
    viewer: CurrentViewer,
    use_cases: Wired,
    seen: SeenVersions,
    correlation_id: CorrelationId,
    written: Written,
) -> JobOut:
    """Remove a project for everybody at once; its images, runs and files follow in the background.

    It cannot be undone. Only the owner may. `GET /v1/jobs/{job_id}` tells how far it is.
    """
    job = use_cases.delete_project(viewer, project_id, correlation_id, seen)
    written()
    return JobOut.of(job)


@router.post(
    "/{project_id}/duplicate",
    status_code=202,
    summary="Duplicate a project",
    response_description="The job that copies it",
    responses={202: {"headers": POSITION_HEADER}, **problems("project-not-found", "quota-exceeded")},
)
async def duplicate_project(
    project_id: UUID,
    body: DuplicateIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
) -> JobOut:
    """Make a project of your own out of one that you may read, in the background.

    It gets the images whose file is there, what is said of them, and the segmentations that succeeded with all their
    results; not who shares the original, nor what waits, runs or failed. Your quota is charged with all of it at once.
    You find the new project when the job has succeeded, and nothing of it if it is cancelled or fails.
    """
    job = use_cases.duplicate_project(viewer, project_id, body.name, correlation_id)
    written()
    return JobOut.of(job)


@router.get(
    "/{project_id}/statistics",
    summary="Count what is in a project",
    response_description="The counts",
    responses=problems("project-not-found"),
)
async def read_statistics(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> StatisticsOut:
    """Images by where they are, bytes, spheroids, and when something last happened."""
    return StatisticsOut.of(use_cases.read_projects.statistics(viewer, project_id))


def _tag(found: Accessible[Project]) -> str:
    return tag_of(found.item.version, found.access.role)


def _changed(found: Accessible[Project], response: Response, written: Written) -> ProjectOut:
    written()
    response.headers["ETag"] = _tag(found)
    return ProjectOut.of(found)
