"""Projects: create, list, get."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from http_api.rest.answers import (
    DEFAULT_LIMIT,
    POSITION_HEADER,
    After,
    Answer,
    Body,
    Limit,
    Wired,
    Written,
    next_cursor,
    problems,
)
from http_api.rest.orders import PixelSizeUm, ProjectName
from http_api.viewer import CurrentViewer
from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.project import Project

router = APIRouter(prefix="/v1/projects", tags=["projects"])


class ProjectIn(Body):
    """A project to be made."""

    name: ProjectName = Field(description="1 to 100 characters; several projects may share one", examples=["Day 7"])
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm, 0.001 to 1000, for images whose file does not tell; null: unknown, "
        "measures of such images are in pixels only",
        examples=[0.65],
    )


class ProjectOut(Answer):
    """A named collection of images."""

    id: UUID = Field(description="Names the project", examples=["0198c0de-0000-7000-8000-000000000001"])
    name: str = Field(examples=["Day 7"], description="As it was given")
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm for images whose file does not tell; null: unknown", examples=[0.65]
    )
    created_at: datetime = Field(description="In UTC", examples=["2026-11-22T09:30:00Z"])
    role: Role = Field(
        description="What you may do here: an `owner` everything, an `editor` add, change and remove images and "
        "segmentations, a `viewer` only read",
        examples=["owner"],
    )
    is_archived: bool = Field(description="Whether it can only be read", examples=[False])

    @classmethod
    def of(cls, found: Accessible[Project]) -> "ProjectOut":
        """The domain's project as its viewer has it."""
        project = found.item
        return cls(
            id=project.id,
            name=project.name,
            pixel_size_um=project.pixel_size_um,
            created_at=project.created_at,
            role=found.access.role,
            is_archived=found.access.is_archived,
        )


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
    project = use_cases.create_project(viewer, body.name, body.pixel_size_um)
    written()
    return ProjectOut.of(Accessible(project, Access(Role.OWNER)))


@router.get(
    "", summary="List your projects", response_description="A page of them", responses=problems("invalid-cursor")
)
async def list_projects(
    viewer: CurrentViewer, use_cases: Wired, after: After, limit: Limit = DEFAULT_LIMIT
) -> ProjectPage:
    """The projects that you own and those that were shared with you, the newest first."""
    page = use_cases.read_projects.page(viewer, after, limit)
    return ProjectPage(items=[ProjectOut.of(project) for project in page.items], next_cursor=next_cursor(page.next))


@router.get(
    "/{project_id}",
    summary="Get a project",
    response_description="The project",
    responses=problems("project-not-found"),
)
async def read_project(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> ProjectOut:
    """A project that you have a role in."""
    return ProjectOut.of(use_cases.read_projects.one(viewer, project_id))
