"""Members and offers in dicts."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.access import Role
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import MAX_MEMBERS, Invitation, Member, Offer
from spheroseg.errors import (
    MemberNotFoundError,
    OfferEndedError,
    OfferNotFoundError,
    StaleStateError,
    TooManyMembersError,
)
from tests.fakes.accounts import InMemoryAccounts
from tests.fakes.projects import InMemoryProjects


@dataclass
class InMemoryPeople:
    """Verified addresses by person."""

    emails: dict[str, str] = field(default_factory=dict)

    def verified_email(self, user_id: str) -> str | None:
        return self.emails.get(user_id)


@dataclass
class InMemorySharing:
    """Roles stand in ``projects.members``; here is what else is known of members, and the offers."""

    projects: InMemoryProjects
    accounts: InMemoryAccounts
    joined: dict[tuple[UUID, str], tuple[str | None, datetime]] = field(default_factory=dict)
    rows: dict[UUID, Offer] = field(default_factory=dict)
    removed: dict[tuple[UUID, str], datetime] = field(default_factory=dict)

    def members(self, project_id: UUID) -> Sequence[Member]:
        project = self.projects.rows[project_id]
        owner = self._member(project_id, project.owner_id, Role.OWNER, None, project.created_at)
        others = [
            self._member(project_id, user_id, role, *self.joined.get((project_id, user_id), (None, project.created_at)))
            for (id_, user_id), role in self.projects.members.items()
            if id_ == project_id
        ]
        return [owner, *sorted(others, key=lambda member: (member.joined_at, member.user_id))]

    def change_role(self, project_id: UUID, user_id: str, role: Role) -> Member:
        self._require_member(project_id, user_id)
        self.projects.members[project_id, user_id] = role
        return next(member for member in self.members(project_id) if member.user_id == user_id)

    def remove(self, project_id: UUID, user_id: str, at: datetime) -> None:
        self._require_member(project_id, user_id)
        email, _ = self.joined.get((project_id, user_id), (None, at))
        self.leave(project_id, user_id)
        self.removed[project_id, user_id] = at
        for offer in list(self.rows.values()):
            if offer.project_id == project_id and (
                offer.accepted_by == user_id or (email is not None and offer.email == email)
            ):
                del self.rows[offer.id]

    def leave(self, project_id: UUID, user_id: str) -> None:
        self.projects.members.pop((project_id, user_id), None)
        self.joined.pop((project_id, user_id), None)

    def hand_over(self, project: Project, user_id: str, at: datetime) -> None:
        if self.projects.get(project.id).owner_id != project.owner_id:
            raise StaleStateError("The project has another owner by now")
        self._require_member(project.id, user_id)
        self.accounts.hand_over(project.id, user_id)
        self.leave(project.id, user_id)
        self.projects.rows[project.id] = replace(self.projects.rows[project.id], owner_id=user_id)
        self._join(project.id, project.owner_id, Role.EDITOR, None, at)

    def offer(self, offer: Offer) -> Offer:
        for other in list(self.rows.values()):
            if other.project_id == offer.project_id and offer.email is not None and other.email == offer.email:
                del self.rows[other.id]
        if self._people(offer.project_id) + len(self.offers(offer.project_id)) >= MAX_MEMBERS:
            raise TooManyMembersError(f"The project has {MAX_MEMBERS} people and open offers; it takes no more")
        self.rows[offer.id] = offer
        return offer

    def offers(self, project_id: UUID) -> Sequence[Offer]:
        found = [row for row in self.rows.values() if row.project_id == project_id and row.accepted_by is None]
        return sorted(found, key=lambda row: (row.created_at, row.id), reverse=True)

    def withdraw(self, project_id: UUID, offer_id: UUID) -> None:
        if offer_id not in self.rows or self.rows[offer_id].project_id != project_id:
            raise OfferNotFoundError(f"The project has no offer {offer_id}")
        del self.rows[offer_id]

    def invitations(self, email: str, at: datetime) -> Sequence[Invitation]:
        found = [
            row
            for row in self.rows.values()
            if row.email == email
            and row.accepted_by is None
            and row.expires_at > at
            and row.project_id not in self.projects.deleted
        ]
        return [
            Invitation(row, self.projects.rows[row.project_id].name, self.accounts.get(row.created_by).profile.name)
            for row in sorted(found, key=lambda row: (row.created_at, row.id), reverse=True)
        ]

    def decline(self, offer_id: UUID, email: str) -> None:
        offer = self.rows.get(offer_id)
        if (
            offer is None
            or offer.email != email
            or offer.accepted_by is not None
            or offer.project_id in self.projects.deleted
        ):
            raise OfferNotFoundError(f"There is no invitation {offer_id} for your verified e-mail address")
        del self.rows[offer_id]

    def accept_invitation(self, offer_id: UUID, user_id: str, email: str, at: datetime) -> UUID:
        offer = self.rows.get(offer_id)
        if (
            offer is None
            or offer.email != email
            or offer.accepted_by not in {None, user_id}
            or offer.project_id in self.projects.deleted
        ):
            raise OfferNotFoundError(f"There is no invitation {offer_id} for your verified e-mail address")
        if offer.accepted_by is None:
            self._require_open(offer, at)
            self.rows[offer_id] = replace(offer, accepted_by=user_id)
            self._join(offer.project_id, user_id, offer.role, email, at)
        elif not self._has_role(offer.project_id, user_id):
            raise OfferEndedError("The role that this invitation gave has ended; ask for a new invitation")
        return offer.project_id

    def accept_link(self, token_hash: str, user_id: str, email: str | None, at: datetime) -> UUID:
        offer = next((row for row in self.rows.values() if row.token_hash == token_hash), None)
        if offer is None or offer.project_id in self.projects.deleted:
            raise OfferNotFoundError("No link has this token, or not any more")
        removed_at = self.removed.get((offer.project_id, user_id))
        if removed_at is not None and removed_at >= offer.created_at:
            raise OfferNotFoundError("No link has this token, or not any more")
        self._require_open(offer, at)
        if not self._has_role(offer.project_id, user_id) and self._people(offer.project_id) >= MAX_MEMBERS:
            raise TooManyMembersError(f"The project has {MAX_MEMBERS} people and open offers; it takes no more")
        self._join(offer.project_id, user_id, offer.role, email, at)
        return offer.project_id

    def _join(self, project_id: UUID, user_id: str, role: Role, email: str | None, at: datetime) -> None:
        if self.projects.rows[project_id].owner_id == user_id:
            return
        present = self.projects.members.get((project_id, user_id))
        self.projects.members[project_id, user_id] = Role.EDITOR if present is Role.EDITOR else role
        self.joined.setdefault((project_id, user_id), (email, at))

    def _people(self, project_id: UUID) -> int:
        return sum(id_ == project_id for id_, _ in self.projects.members)

    def _has_role(self, project_id: UUID, user_id: str) -> bool:
        return (project_id, user_id) in self.projects.members or self.projects.rows[project_id].owner_id == user_id

    def _require_member(self, project_id: UUID, user_id: str) -> None:
        if (project_id, user_id) not in self.projects.members:
            raise MemberNotFoundError(f"Nobody with the id {user_id} has a role in the project besides its owner")

    @staticmethod
    def _require_open(offer: Offer, at: datetime) -> None:
        if offer.expires_at <= at:
            raise OfferEndedError(f"This offer ended at {offer.expires_at:%Y-%m-%d %H:%M} UTC; ask for a new one")

    def _member(self, project_id: UUID, user_id: str, role: Role, email: str | None, at: datetime) -> Member:
        name = self.accounts.get(user_id).profile.name
        return Member(project_id=project_id, user_id=user_id, role=role, email=email, name=name, joined_at=at)
