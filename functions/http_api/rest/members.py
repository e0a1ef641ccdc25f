"""Members: who has a role in a project; change, remove, leave, hand over."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response
from pydantic import Field

from http_api.rest.answers import POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.projects import ProjectOut
from http_api.viewer import CurrentViewer
from spheroseg.domain.access import Role
from spheroseg.domain.sharing import Member

router = APIRouter(prefix="/v1/projects/{project_id}", tags=["sharing"])

UserId = Annotated[str, Field(min_length=1, max_length=128, description="The user pool's id of somebody")]
USER_ID = "6f1c1d1e-0000-4000-8000-00000000000c"


class MemberOut(Answer):
    """Somebody with a role in a project."""

    user_id: str = Field(description="Names the person in the user pool", examples=[USER_ID])
    role: Role = Field(description="What they may do", examples=["editor"])
    email: str | None = Field(
        description="The verified address of when they joined; null: whoever made the project, or took it over",
        examples=["ada@example.com"],
    )
    name: str | None = Field(description="How they want to be called; null: they did not say", examples=["Ada"])
    joined_at: datetime = Field(description="Since when, in UTC; for the owner since the project was made")

    @classmethod
    def of(cls, member: Member) -> "MemberOut":
        """The domain's member."""
        return cls(
            user_id=member.user_id, role=member.role, email=member.email, name=member.name, joined_at=member.joined_at
        )


class MemberList(Answer):
    """All people of a project, the owner first, then by when they joined."""

    items: list[MemberOut] = Field(description="The people, 201 at most")


class RoleIn(Body):
    """Another role."""

    role: Role = Field(description="`editor` or `viewer`", examples=["viewer"])


class NewOwnerIn(Body):
    """Who is to be the owner."""

    user_id: UserId = Field(description="Somebody who has a role in the project already", examples=[USER_ID])


@router.get(
    "/members",
    summary="List a project's people",
    response_description="All of them",
    responses=problems("project-not-found"),
)
async def list_members(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> MemberList:
    """Who has a role in the project; everybody who has one sees them."""
    return MemberList(items=[MemberOut.of(it) for it in use_cases.change_members.members(viewer, project_id)])


@router.patch(
    "/members/{user_id}",
    summary="Change somebody's role",
    response_description="The person after it",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("project-not-found", "role-too-low", "member-not-found", "owner-stays", "invalid-input"),
    },
)
async def change_role(
    project_id: UUID,
    user_id: Annotated[str, Path(min_length=1, max_length=128)],
    body: RoleIn,
    viewer: CurrentViewer,
    use_cases: Wired,
    written: Written,
) -> MemberOut:
    """Make an editor a viewer, or the other way round. Only the owner may."""
    member = use_cases.change_members.change_role(viewer, project_id, user_id, body.role)
    written()
    return MemberOut.of(member)


@router.delete(
    "/members/{user_id}",
    status_code=204,
    summary="Remove somebody",
    response_description="They have no role any more",
    responses={
        204: {"headers": POSITION_HEADER},
        **problems("project-not-found", "role-too-low", "member-not-found", "owner-stays"),
    },
    response_class=Response,
)
async def remove_member(
    project_id: UUID,
    user_id: Annotated[str, Path(min_length=1, max_length=128)],
    viewer: CurrentViewer,
    use_cases: Wired,
    written: Written,
) -> None:
    """End somebody's role at once. Neither their invitation nor a link from before lets them in again."""
    use_cases.change_members.remove(viewer, project_id, user_id)
    written()


@router.post(
    "/leave",
    status_code=204,
    summary="Leave a project",
    response_description="You have no role in it any more",
    responses={204: {"headers": POSITION_HEADER}, **problems("project-not-found", "owner-stays")},
    response_class=Response,
)
async def leave_project(project_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> None:
    """End your own role. An owner hands the project over first."""
    use_cases.change_members.leave(viewer, project_id)
    written()


@router.post(
    "/transfer",
    summary="Hand a project over",
    response_description="The project as you have it now",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("project-not-found", "role-too-low", "member-not-found", "quota-exceeded", "stale-state"),
    },
)
async def transfer_project(
    project_id: UUID, body: NewOwnerIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> ProjectOut:
    """Make a member the owner; you become an editor. The project's images count for the new owner's quota then."""
    project = use_cases.change_members.hand_over(viewer, project_id, body.user_id)
    written()
    return ProjectOut.of(project)
