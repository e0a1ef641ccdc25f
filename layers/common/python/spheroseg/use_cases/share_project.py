"""Roles in a project are offered, by e-mail address or by link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from spheroseg.domain.access import Action, Role
from spheroseg.domain.sharing import (
    OFFER_LIFETIME,
    OFFER_LIFETIME_MAX,
    Offer,
    new_token,
    normalised_email,
    token_hash,
)
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import InvalidInputError
from spheroseg.ports import Clock, IdSource, ProjectRepository, SharingRepository


@dataclass(frozen=True)
class ShareProject:
    """Let the owner offer roles, see open offers and withdraw them."""

    projects: ProjectRepository
    sharing: SharingRepository
    clock: Clock
    ids: IdSource

    def invite(
        self, viewer: Viewer, project_id: UUID, email: str, role: Role, lifetime: timedelta = OFFER_LIFETIME
    ) -> Offer:
        """An offer for whoever has verified that address; it takes the place of an earlier one for it.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            InvalidInputError: no address, no role that can be offered, or a lifetime of none or over 30 days.
            TooManyMembersError: the project has as many people and offers as it may.
        """
        address = normalised_email(email)
        return self.sharing.offer(self._offer(viewer, project_id, role, lifetime, email=address))

    def make_link(
        self, viewer: Viewer, project_id: UUID, role: Role, lifetime: timedelta = OFFER_LIFETIME
    ) -> tuple[Offer, str]:
        """An offer for whoever holds the token that comes with it; the token can never be read again.

        Raises:
            As ``invite``.
        """
        token = new_token()
        offer = self._offer(viewer, project_id, role, lifetime, hashed=token_hash(token))
        return self.sharing.offer(offer), token

    def offers(self, viewer: Viewer, project_id: UUID) -> Sequence[Offer]:
        """Offers that are open, or ended unaccepted, the newest first.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
        """
        self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        return self.sharing.offers(project_id)

    def withdraw(self, viewer: Viewer, project_id: UUID, offer_id: UUID) -> None:
        """Nobody can take the offer any more; who took it before stays.

        Raises:
            ProjectNotFoundError, RoleTooLowError: the viewer has no role in the project, or is not its owner.
            OfferNotFoundError: the project has no such offer.
        """
        self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        self.sharing.withdraw(project_id, offer_id)

    def _offer(
        self,
        viewer: Viewer,
        project_id: UUID,
        role: Role,
        lifetime: timedelta,
        *,
        email: str | None = None,
        hashed: str | None = None,
    ) -> Offer:
        self.projects.accessible(viewer, project_id).to(Action.MANAGE)
        if role is Role.OWNER:
            raise InvalidInputError("Ownership is not offered; hand the project over to a member instead")
        if not timedelta() < lifetime <= OFFER_LIFETIME_MAX:
            raise InvalidInputError("An offer holds for some time, and for 30 days at most")
        now = self.clock.now()
        return Offer(
            id=self.ids.new(),
            project_id=project_id,
            role=role,
            email=email,
            token_hash=hashed,
            created_by=viewer.user_id,
            created_at=now,
            expires_at=now + lifetime,
        )
