"""Offers of roles: invitations by e-mail address, and links."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from http_api.rest.answers import POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.projects import ProjectOut
from http_api.viewer import CurrentViewer
from spheroseg.domain.access import Role
from spheroseg.domain.sharing import EMAIL_MAX_LENGTH, OFFER_LIFETIME, OFFER_LIFETIME_MAX, Invitation, Offer

router = APIRouter(prefix="/v1", tags=["sharing"])

HOUR = timedelta(hours=1)
DEFAULT_H = OFFER_LIFETIME // HOUR
MAX_H = OFFER_LIFETIME_MAX // HOUR
NOT_OFFERED = ("project-not-found", "role-too-low", "invalid-input", "too-many-members")
TOKEN = "s3Vl2uJ3b0q0Yx0Jr1a6s5Xn9kTq7Wc4Zp8Rd2Lm6Hg"  # noqa: S105 - made up, for the document


class OfferBase(Body):
    """What is offered."""

    role: Role = Field(description="`editor` or `viewer`", examples=["viewer"])
    expires_in_h: Annotated[int, Field(ge=1, le=MAX_H)] = Field(
        default=DEFAULT_H, description="Hours for which it can be accepted, 1 to 720", examples=[48]
    )

    @property
    def lifetime(self) -> timedelta:
        """The same as a span of time."""
        return self.expires_in_h * HOUR


class InvitationIn(OfferBase):
    """A role for whoever has verified an e-mail address."""

    email: Annotated[str, Field(max_length=EMAIL_MAX_LENGTH)] = Field(
        description="Whether anybody has an account with it is not told", examples=["ada@example.com"]
    )


class LinkIn(OfferBase):
    """A role for whoever holds a link."""


class TokenIn(Body):
    """The token of a link; it goes in a body, never in an address, so that no log has it."""

    token: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="What came with the link", examples=[TOKEN]
    )


class OfferOut(Answer):
    """An offer that can be accepted, or could be."""

    id: UUID = Field(description="Names the offer", examples=["0198c0de-0000-7000-8000-000000000009"])
    role: Role = Field(description="What is offered", examples=["viewer"])
    email: str | None = Field(description="For whom; null: whoever holds the link", examples=["ada@example.com"])
    created_at: datetime = Field(description="In UTC")
    expires_at: datetime = Field(description="After this it can no longer be accepted; in UTC")

    @classmethod
    def of(cls, offer: Offer) -> "OfferOut":
        """The domain's offer."""
        return cls(
            id=offer.id,
            role=offer.role,
            email=offer.email,
            created_at=offer.created_at,
            expires_at=offer.expires_at,
        )


class LinkOut(OfferOut):
    """A new link."""

    token: str = Field(description="What lets its holder in; told this once and kept nowhere", examples=[TOKEN])


class OfferList(Answer):
    """Offers that nobody has accepted, and links; the newest first."""

    items: list[OfferOut] = Field(description="The offers, 200 at most")


class InvitationOut(Answer):
    """An invitation for you."""

    id: UUID = Field(description="Names the invitation", examples=["0198c0de-0000-7000-8000-000000000009"])
    project_id: UUID = Field(description="What you are invited to")
    project_name: str = Field(description="How it is called", examples=["Day 7"])
    role: Role = Field(description="What you may do there once you accept", examples=["viewer"])
    invited_by: str | None = Field(description="Who invites you, as they want to be called", examples=["Ada"])
    expires_at: datetime = Field(description="After this it can no longer be accepted; in UTC")

    @classmethod
    def of(cls, invitation: Invitation) -> "InvitationOut":
        """The domain's invitation."""
        offer = invitation.offer
        return cls(
            id=offer.id,
            project_id=offer.project_id,
            project_name=invitation.project_name,
            role=offer.role,
            invited_by=invitation.invited_by,
            expires_at=offer.expires_at,
        )


class InvitationList(Answer):
    """What you are invited to, the newest first."""

    items: list[InvitationOut] = Field(description="The invitations, 200 at most")


@router.post(
    "/projects/{project_id}/invitations",
    status_code=201,
    summary="Invite somebody",
    response_description="The invitation",
    responses={201: {"headers": POSITION_HEADER}, **problems(*NOT_OFFERED)},
)
async def invite(
    project_id: UUID, body: InvitationIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> OfferOut:
    """Offer a role to whoever has verified that address; it takes the place of an earlier invitation for it.

    No mail is sent: they find it with `GET /v1/invitations` when they are signed in.
    """
    offer = use_cases.share_project.invite(viewer, project_id, body.email, body.role, body.lifetime)
    written()
    return OfferOut.of(offer)


@router.post(
    "/projects/{project_id}/links",
    status_code=201,
    summary="Make a link",
    response_description="The link with its token",
    responses={201: {"headers": POSITION_HEADER}, **problems(*NOT_OFFERED)},
)
async def make_link(
    project_id: UUID, body: LinkIn, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> LinkOut:
    """Offer a role to whoever holds the token, which is told this once. Many can accept it until it ends."""
    offer, token = use_cases.share_project.make_link(viewer, project_id, body.role, body.lifetime)
    written()
    return LinkOut(**OfferOut.of(offer).model_dump(), token=token)


@router.get(
    "/projects/{project_id}/offers",
    summary="List a project's invitations and links",
    response_description="All that are open or ended unaccepted",
    responses=problems("project-not-found", "role-too-low"),
)
async def list_offers(project_id: UUID, viewer: CurrentViewer, use_cases: Wired) -> OfferList:
    """Invitations that nobody has accepted, and links. Only the owner may see them."""
    return OfferList(items=[OfferOut.of(offer) for offer in use_cases.share_project.offers(viewer, project_id)])


@router.delete(
    "/projects/{project_id}/offers/{offer_id}",
    status_code=204,
    summary="Withdraw an invitation or a link",
    response_description="Nobody can accept it any more",
    responses={204: {"headers": POSITION_HEADER}, **problems("project-not-found", "role-too-low", "offer-not-found")},
    response_class=Response,
)
async def withdraw_offer(
    project_id: UUID, offer_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written
) -> None:
    """End an offer at once. Who accepted it before keeps the role."""
    use_cases.share_project.withdraw(viewer, project_id, offer_id)
    written()


@router.get(
    "/invitations",
    summary="List your invitations",
    response_description="All that you can accept",
    responses=problems("sign-in-unavailable"),
)
async def list_invitations(viewer: CurrentViewer, use_cases: Wired) -> InvitationList:
    """What is offered to your verified e-mail address."""
    return InvitationList(items=[InvitationOut.of(it) for it in use_cases.accept_offer.invitations(viewer)])


@router.post(
    "/invitations/{offer_id}/accept",
    summary="Accept an invitation",
    response_description="The project as you have it now",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("offer-not-found", "offer-ended", "sign-in-unavailable"),
    },
)
async def accept_invitation(offer_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ProjectOut:
    """Take the role that you were offered. Accepting again gives the same; a role never falls by accepting."""
    project = use_cases.accept_offer.by_invitation(viewer, offer_id)
    written()
    return ProjectOut.of(project)


@router.delete(
    "/invitations/{offer_id}",
    status_code=204,
    summary="Decline an invitation",
    response_description="It is gone",
    responses={204: {"headers": POSITION_HEADER}, **problems("offer-not-found", "sign-in-unavailable")},
    response_class=Response,
)
async def decline_invitation(offer_id: UUID, viewer: CurrentViewer, use_cases: Wired, written: Written) -> None:
    """Say no to an invitation for your verified e-mail address."""
    use_cases.accept_offer.decline(viewer, offer_id)
    written()


@router.post(
    "/links/accept",
    summary="Accept a link",
    response_description="The project as you have it now",
    responses={
        200: {"headers": POSITION_HEADER},
        **problems("offer-not-found", "offer-ended", "too-many-members", "sign-in-unavailable"),
    },
)
async def accept_link(body: TokenIn, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ProjectOut:
    """Take the role that a link offers. Accepting again gives the same; a role never falls by accepting."""
    project = use_cases.accept_offer.by_link(viewer, body.token)
    written()
    return ProjectOut.of(project)
