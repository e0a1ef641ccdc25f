"""Changes of projects and of who shares them; a part of the graph's writing half."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from http_api.graphql.context import Context, Info
from http_api.graphql.costs import WRITES
from http_api.graphql.deriving import enum_of, input_argument, type_of, validated
from http_api.graphql.ids import id_of
from http_api.graphql.nodes import Image, Project
from http_api.graphql.queries import Id
from http_api.rest.image_changes import ImageChanges
from http_api.rest.jobs import JobOut
from http_api.rest.members import MemberOut
from http_api.rest.offers import InvitationIn, LinkIn, LinkOut, OfferOut
from http_api.rest.projects import ProjectChange
from spheroseg.domain.access import Accessible, Role
from spheroseg.domain.project import Project as ProjectRecord

SeenVersion = Annotated[
    int | None,
    strawberry.argument(
        name="seenVersion",
        description="The version that you have seen: when there is another one by now, nothing is changed",
    ),
]
UserId = Annotated[str, strawberry.argument(description="The user pool's id of somebody")]
NewRole = Annotated[enum_of(Role), strawberry.argument(description="`EDITOR` or `VIEWER`")]  # type: ignore[valid-type]
OfferId = Annotated[UUID, strawberry.argument(description="Names the offer")]


@strawberry.type
class ProjectMutations:
    """Projects, members, offers, and what is said of images."""

    @strawberry.field(description="Change what you send of a project and leave the rest", directives=[WRITES])
    def change_project(
        self,
        info: Info,
        project_id: Id,
        body: input_argument(ProjectChange, "What is to be changed"),  # type: ignore[valid-type]
        seen: SeenVersion = None,
    ) -> Project | None:
        """The project after it."""
        context = info.context
        changes = validated(ProjectChange, body).changes()
        change = context.use_cases.change_project
        return _written(context, change(context.viewer, id_of("Project", project_id), changes, _versions(seen)))

    @strawberry.field(description="Let a project only be read from now on; only its owner may", directives=[WRITES])
    def archive_project(self, info: Info, project_id: Id, seen: SeenVersion = None) -> Project | None:
        """The project after it."""
        context = info.context
        change = context.use_cases.change_project
        return _written(context, change.archive(context.viewer, id_of("Project", project_id), _versions(seen)))

    @strawberry.field(description="Let a project be written to again; only its owner may", directives=[WRITES])
    def unarchive_project(self, info: Info, project_id: Id, seen: SeenVersion = None) -> Project | None:
        """The project after it."""
        context = info.context
        change = context.use_cases.change_project
        return _written(context, change.unarchive(context.viewer, id_of("Project", project_id), _versions(seen)))

    @strawberry.field(
        description="Remove a project for everybody at once; its images, runs and files follow in the background. It "
        "cannot be undone; only its owner may",
        directives=[WRITES],
        graphql_type=type_of(JobOut) | None,
    )
    def delete_project(self, info: Info, project_id: Id, seen: SeenVersion = None) -> JobOut:
        """The job that removes what lies below it."""
        context = info.context
        id_ = id_of("Project", project_id)
        job = context.use_cases.delete_project(context.viewer, id_, context.correlation_id, _versions(seen))
        context.wrote()
        return JobOut.of(job)

    @strawberry.field(
        description="Make an editor a viewer, or the other way round; only the owner may",
        directives=[WRITES],
        graphql_type=type_of(MemberOut) | None,
    )
    def change_role(self, info: Info, project_id: Id, user_id: UserId, role: NewRole) -> Any:  # type: ignore[valid-type]
        """The person after it."""
        context = info.context
        id_ = id_of("Project", project_id)
        member = context.use_cases.change_members.change_role(context.viewer, id_, user_id, role)
        context.wrote()
        return MemberOut.of(member)

    @strawberry.field(description="End somebody's role at once; gives their id", directives=[WRITES])
    def remove_member(self, info: Info, project_id: Id, user_id: UserId) -> str | None:
        """Who was removed."""
        context = info.context
        context.use_cases.change_members.remove(context.viewer, id_of("Project", project_id), user_id)
        context.wrote()
        return user_id

    @strawberry.field(description="End your own role; gives the project's plain id", directives=[WRITES])
    def leave_project(self, info: Info, project_id: Id) -> UUID | None:
        """What was left."""
        context = info.context
        id_ = id_of("Project", project_id)
        context.use_cases.change_members.leave(context.viewer, id_)
        context.wrote()
        return id_

    @strawberry.field(description="Make a member the owner; you become an editor", directives=[WRITES])
    def transfer_project(self, info: Info, project_id: Id, user_id: UserId) -> Project | None:
        """The project as you have it now."""
        context = info.context
        id_ = id_of("Project", project_id)
        return _written(context, context.use_cases.change_members.hand_over(context.viewer, id_, user_id))

    @strawberry.field(
        description="Offer a role to whoever has verified an e-mail address",
        directives=[WRITES],
        graphql_type=type_of(OfferOut) | None,
    )
    def invite(
        self,
        info: Info,
        project_id: Id,
        body: input_argument(InvitationIn, "Whom, and to which role"),  # type: ignore[valid-type]
    ) -> Any:
        """The offer."""
        context, asked = info.context, validated(InvitationIn, body)
        id_ = id_of("Project", project_id)
        offer = context.use_cases.share_project.invite(context.viewer, id_, asked.email, asked.role, asked.lifetime)
        context.wrote()
        return OfferOut.of(offer)

    @strawberry.field(
        description="Offer a role to whoever holds a token, which is told this once",
        directives=[WRITES],
        graphql_type=type_of(LinkOut) | None,
    )
    def make_link(
        self,
        info: Info,
        project_id: Id,
        body: input_argument(LinkIn, "Which role, and for how long"),  # type: ignore[valid-type]
    ) -> Any:
        """The link with its token."""
        context, asked = info.context, validated(LinkIn, body)
        share = context.use_cases.share_project
        offer, token = share.make_link(context.viewer, id_of("Project", project_id), asked.role, asked.lifetime)
        context.wrote()
        return LinkOut(**OfferOut.of(offer).model_dump(), token=token)

    @strawberry.field(description="End an offer at once; gives its id", directives=[WRITES])
    def withdraw_offer(self, info: Info, project_id: Id, offer_id: OfferId) -> UUID | None:
        """What was withdrawn."""
        context = info.context
        context.use_cases.share_project.withdraw(context.viewer, id_of("Project", project_id), offer_id)
        context.wrote()
        return offer_id

    @strawberry.field(description="Take the role that an invitation offers you", directives=[WRITES])
    def accept_invitation(self, info: Info, offer_id: OfferId) -> Project | None:
        """The project as you have it now."""
        context = info.context
        return _written(context, context.use_cases.accept_offer.by_invitation(context.viewer, offer_id))

    @strawberry.field(description="Say no to an invitation; gives its id", directives=[WRITES])
    def decline_invitation(self, info: Info, offer_id: OfferId) -> UUID | None:
        """What was declined."""
        context = info.context
        context.use_cases.accept_offer.decline(context.viewer, offer_id)
        context.wrote()
        return offer_id

    @strawberry.field(description="Take the role that a link offers", directives=[WRITES])
    def accept_link(
        self, info: Info, token: Annotated[str, strawberry.argument(description="What came with the link")]
    ) -> Project | None:
        """The project as you have it now."""
        context = info.context
        return _written(context, context.use_cases.accept_offer.by_link(context.viewer, token))

    @strawberry.field(
        description="Rename an image, move it, tag it, say what it shows or how large its pixels are",
        directives=[WRITES],
    )
    def change_image(
        self,
        info: Info,
        image_id: Id,
        body: input_argument(ImageChanges, "What is to be changed; null takes it back"),  # type: ignore[valid-type]
    ) -> Image | None:
        """The image after it."""
        context = info.context
        id_ = id_of("Image", image_id)
        changes: dict[str, Any] = validated(ImageChanges, body).model_dump(exclude_unset=True)
        if "tags" in changes:
            changes["tags"] = tuple(changes["tags"])
        context.use_cases.change_images.one(context.viewer, id_, changes)
        context.wrote()
        return Image.of(context.use_cases.read_images.one(context.viewer, id_).image)


def _versions(seen: int | None) -> frozenset[int] | None:
    return None if seen is None else frozenset({seen})


def _written(context: Context, found: Accessible[ProjectRecord]) -> Project:
    context.wrote()
    return Project.of(found)
