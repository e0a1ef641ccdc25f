"""Somebody takes the role that they were offered."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.access import Accessible
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import Invitation, token_hash
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import OfferNotFoundError
from spheroseg.ports import Clock, People, ProjectRepository, SharingRepository


@dataclass(frozen=True)
class AcceptOffer:
    """Take or decline an invitation, or take what a link offers; doing it again gives the same.

    A role never falls by accepting: who is an editor, or the owner, stays so.
    """

    projects: ProjectRepository
    sharing: SharingRepository
    people: People
    clock: Clock

    def invitations(self, viewer: Viewer) -> Sequence[Invitation]:
        """Open invitations for the viewer's verified address, the newest first; none without such an address."""
        email = self.people.verified_email(viewer.user_id)
        return self.sharing.invitations(email, self.clock.now()) if email else []

    def by_invitation(self, viewer: Viewer, offer_id: UUID) -> Accessible[Project]:
        """The project that the viewer has a role in now.

        Raises:
            OfferNotFoundError: there is no such invitation for the viewer's verified address; it may be withdrawn.
            OfferEndedError: it was not accepted in time, or its role was taken away again.
        """
        email = self._email(viewer, offer_id)
        project_id = self.sharing.accept_invitation(offer_id, viewer.user_id, email, self.clock.now())
        return self.projects.accessible(viewer, project_id)

    def decline(self, viewer: Viewer, offer_id: UUID) -> None:
        """The invitation is gone, or ``OfferNotFoundError``."""
        self.sharing.decline(offer_id, self._email(viewer, offer_id))

    def by_link(self, viewer: Viewer, token: str) -> Accessible[Project]:
        """The project that the viewer has a role in now.

        Raises:
            OfferNotFoundError: no link has that token, it was withdrawn, or the viewer was removed from the project
                after it was made.
            OfferEndedError: it is too old.
            TooManyMembersError: the project has as many people as it may.
        """
        email = self.people.verified_email(viewer.user_id)
        project_id = self.sharing.accept_link(token_hash(token), viewer.user_id, email, self.clock.now())
        return self.projects.accessible(viewer, project_id)

    def _email(self, viewer: Viewer, offer_id: UUID) -> str:
        email = self.people.verified_email(viewer.user_id)
        if email is None:
            raise OfferNotFoundError(f"There is no invitation {offer_id} for your verified e-mail address")
        return email
