"""Who may see a project."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from spheroseg.domain.access import Role
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import Invitation, Member, Offer


class SharingRepository(Protocol):
    """Members of projects and offers of roles; every change is one transaction, alone on its project."""

    def members(self, project_id: UUID) -> Sequence[Member]:
        """All who have a role in a project, the owner first, then by when they joined."""

    def change_role(self, project_id: UUID, user_id: str, role: Role) -> Member:
        """The member in another role, or raise ``MemberNotFoundError``; the owner is no member in this sense."""

    def remove(self, project_id: UUID, user_id: str, at: datetime) -> None:
        """End a role and note it, so that no offer from before gives it back; or raise ``MemberNotFoundError``."""

    def leave(self, project_id: UUID, user_id: str) -> None:
        """End a role; nothing happens when there is none."""

    def hand_over(self, project: Project, user_id: str, at: datetime) -> None:
        """Make a member the owner of the project as it was read, its owner an editor, all or nothing.

        Raises:
            StaleStateError: it has another owner by now.
            MemberNotFoundError: nobody of that id has a role there.
            QuotaExceededError: its images do not fit into what the new owner may keep.
        """

    def offer(self, offer: Offer) -> Offer:
        """Store an offer; one for the same address goes. Raises ``TooManyMembersError`` when the project is full."""

    def offers(self, project_id: UUID) -> Sequence[Offer]:
        """Offers that nobody has accepted, and links, the newest first."""

    def withdraw(self, project_id: UUID, offer_id: UUID) -> None:
        """Remove an offer of the project, or raise ``OfferNotFoundError``."""

    def invitations(self, email: str, at: datetime) -> Sequence[Invitation]:
        """What is offered to an address and can be accepted then, the newest first."""

    def decline(self, offer_id: UUID, email: str) -> None:
        """Remove an offer for that address that was not accepted, or raise ``OfferNotFoundError``."""

    def accept_invitation(self, offer_id: UUID, user_id: str, email: str, at: datetime) -> UUID:
        """Give the offered role to whoever has the address; the project's id. Again by the same person: the same.

        Raises:
            OfferNotFoundError: there is no such offer for that address, or somebody else has accepted it.
            OfferEndedError: its time is over, or its role was taken away again.
        """

    def accept_link(self, token_hash: str, user_id: str, email: str | None, at: datetime) -> UUID:
        """Give the offered role to whoever holds the token; the project's id. Again by the same person: the same.

        Raises:
            OfferNotFoundError: no link has that token, or the person was removed after it was made.
            OfferEndedError: its time is over.
            TooManyMembersError: the project is full.
        """
