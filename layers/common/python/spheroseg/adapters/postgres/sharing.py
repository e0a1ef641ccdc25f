"""Members of projects and offers of roles in PostgreSQL.

Whoever changes something locks the project's row first, so that changes of one project come one after the other.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import accounts
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.domain.access import Role
from spheroseg.domain.account import Usage
from spheroseg.domain.project import Project
from spheroseg.domain.sharing import MAX_MEMBERS, OFFER_LIFETIME_MAX, Invitation, Member, Offer
from spheroseg.errors import (
    MemberNotFoundError,
    OfferEndedError,
    OfferNotFoundError,
    ProjectNotFoundError,
    StaleStateError,
    TooManyMembersError,
)

# Images of the project can be added meanwhile: they need the row to stay, not to be unchanged.
LOCK = "SELECT owner_id FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL FOR NO KEY UPDATE"

MEMBERS = """
SELECT people.*, accounts.name FROM (
    SELECT id AS project_id, owner_id AS user_id, 'owner' AS role, NULL AS email, created_at AS joined_at
    FROM projects WHERE id = %(project_id)s AND deleted_at IS NULL
    UNION ALL
    SELECT project_id, user_id, role, email, joined_at FROM project_members WHERE project_id = %(project_id)s
) AS people LEFT JOIN accounts ON accounts.user_id = people.user_id
ORDER BY people.role <> 'owner', joined_at, people.user_id
"""

CHANGE_ROLE = """
UPDATE project_members SET role = %(role)s WHERE project_id = %(project_id)s AND user_id = %(user_id)s
"""

REMOVE = "DELETE FROM project_members WHERE project_id = %(project_id)s AND user_id = %(user_id)s RETURNING email"

NOTE_REMOVAL = """
INSERT INTO project_removals (project_id, user_id, removed_at) VALUES (%(project_id)s, %(user_id)s, %(at)s)
ON CONFLICT (project_id, user_id) DO UPDATE SET removed_at = excluded.removed_at
"""

END_OFFERS_OF = """
DELETE FROM project_offers
WHERE project_id = %(project_id)s AND (email = %(email)s::text OR accepted_by = %(user_id)s)
"""

JOIN = """
INSERT INTO project_members (project_id, user_id, role, email, joined_at, project_created_at)
SELECT id, %(user_id)s, %(role)s, %(email)s, %(at)s, created_at FROM projects WHERE id = %(project_id)s
ON CONFLICT (project_id, user_id) DO UPDATE SET role = excluded.role WHERE excluded.role = 'editor'
"""

# The same rule as ``Usage.of`` in the domain.
USAGE = """
SELECT coalesce(sum(CASE WHEN status = 'awaiting_upload' THEN coalesce(size_bytes, 100000000)
        ELSE coalesce(size_bytes, 0) END), 0)::bigint AS size_bytes,
    count(*) FILTER (WHERE status <> 'refused' OR coalesce(size_bytes, 0) > 0) AS images
FROM images WHERE project_id = %(project_id)s
"""

HAND_OVER = "UPDATE projects SET owner_id = %(user_id)s WHERE id = %(project_id)s"

HAND_OVER_IMAGES = "UPDATE images SET owner_id = %(user_id)s WHERE project_id = %(project_id)s"

OFFER_COLUMNS = """project_offers.id, project_offers.project_id, project_offers.role, project_offers.email, token_hash,
    created_by, project_offers.created_at, expires_at, accepted_by"""

END_OLD_OFFERS = """
DELETE FROM project_offers
WHERE project_id = %(project_id)s AND (email = %(email)s::text OR expires_at < %(forgotten_before)s)
"""

COUNT = """
SELECT (SELECT count(*) FROM project_members WHERE project_id = %(project_id)s) AS members,
    (SELECT count(*) FROM project_offers WHERE project_id = %(project_id)s AND accepted_by IS NULL) AS offers
"""

OFFER = """
INSERT INTO project_offers (id, project_id, role, email, token_hash, created_by, created_at, expires_at)
VALUES (%(id)s, %(project_id)s, %(role)s, %(email)s, %(token_hash)s, %(created_by)s, %(created_at)s, %(expires_at)s)
"""

OFFERS = f"""
SELECT {OFFER_COLUMNS} FROM project_offers WHERE project_id = %(project_id)s AND accepted_by IS NULL
ORDER BY created_at DESC, id DESC
"""

WITHDRAW = "DELETE FROM project_offers WHERE id = %(id)s AND project_id = %(project_id)s"

INVITATIONS = f"""
SELECT {OFFER_COLUMNS}, projects.name AS project_name, accounts.name AS invited_by FROM project_offers
JOIN projects ON projects.id = project_offers.project_id AND projects.deleted_at IS NULL
LEFT JOIN accounts ON accounts.user_id = created_by
WHERE email = %(email)s AND accepted_by IS NULL AND expires_at > %(at)s
ORDER BY project_offers.created_at DESC, project_offers.id DESC LIMIT %(limit)s
"""

DECLINE = """
DELETE FROM project_offers USING projects
WHERE project_offers.id = %(id)s AND email = %(email)s AND accepted_by IS NULL
    AND projects.id = project_id AND projects.deleted_at IS NULL
"""

INVITATION = f"SELECT {OFFER_COLUMNS} FROM project_offers WHERE id = %(id)s AND email = %(email)s"

ACCEPT = "UPDATE project_offers SET accepted_by = %(user_id)s WHERE id = %(id)s"

LINK = f"SELECT {OFFER_COLUMNS} FROM project_offers WHERE token_hash = %(token_hash)s"

IS_MEMBER = "SELECT 1 AS one FROM project_members WHERE project_id = %(project_id)s AND user_id = %(user_id)s"

WAS_REMOVED = """
SELECT 1 AS one FROM project_removals
WHERE project_id = %(project_id)s AND user_id = %(user_id)s AND removed_at >= %(created_at)s
"""


class PostgresSharing:
    """Members in ``project_members``, offers in ``project_offers``; the owner stands in ``projects`` alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def members(self, project_id: UUID) -> Sequence[Member]:
        """All who have a role in a project, the owner first, then by when they joined."""
        return [_member(row) for row in self._database.latest(MEMBERS, {"project_id": project_id})]

    def change_role(self, project_id: UUID, user_id: str, role: Role) -> Member:
        """The member in another role, or raise ``MemberNotFoundError``; the owner is no member in this sense."""
        self._database.run(CHANGE_ROLE, {"project_id": project_id, "user_id": user_id, "role": role.value})
        for member in self.members(project_id):
            if member.user_id == user_id and member.role is not Role.OWNER:
                return member
        raise _no_member(user_id)

    def remove(self, project_id: UUID, user_id: str, at: datetime) -> None:
        """End a role and note it, so that no offer from before gives it back; or raise ``MemberNotFoundError``."""
        values = {"project_id": project_id, "user_id": user_id, "at": at}

        def work(cursor: Cursor) -> None:
            cursor.execute(LOCK, values)
            row = cursor.execute(REMOVE, values).fetchone()
            if row is None:
                raise _no_member(user_id)
            cursor.execute(NOTE_REMOVAL, values)
            cursor.execute(END_OFFERS_OF, {**values, "email": row["email"]})

        self._database.write(work)

    def leave(self, project_id: UUID, user_id: str) -> None:
        """End a role; nothing happens when there is none."""
        self._database.run(REMOVE, {"project_id": project_id, "user_id": user_id})

    def hand_over(self, project: Project, user_id: str, at: datetime) -> None:
        """Make a member the owner of the project as it was read, its owner an editor, all or nothing."""
        values: dict[str, Any] = {"project_id": project.id, "user_id": user_id, "at": at}

        def work(cursor: Cursor) -> None:
            if _locked(cursor, project.id) != project.owner_id:
                raise StaleStateError("The project has another owner by now")
            if cursor.execute(REMOVE, values).fetchone() is None:
                raise _no_member(user_id)
            taken = cursor.execute(USAGE, values).fetchone()
            if taken is not None:
                wanted = Usage(stored_bytes=taken["size_bytes"], stored_images=taken["images"])
                accounts.require_room(cursor, user_id, wanted)
            cursor.execute(HAND_OVER, values)
            before = {**values, "user_id": project.owner_id, "role": Role.EDITOR.value, "email": None}
            cursor.execute(JOIN, before)
            cursor.execute(HAND_OVER_IMAGES, values)

        self._database.write(work)

    def offer(self, offer: Offer) -> Offer:
        """Store an offer; one for the same address goes. Raises ``TooManyMembersError`` when the project is full."""
        values = {
            "id": offer.id,
            "project_id": offer.project_id,
            "role": offer.role.value,
            "email": offer.email,
            "token_hash": offer.token_hash,
            "created_by": offer.created_by,
            "created_at": offer.created_at,
            "expires_at": offer.expires_at,
            "forgotten_before": offer.created_at - OFFER_LIFETIME_MAX,
        }

        def work(cursor: Cursor) -> None:
            if _locked(cursor, offer.project_id) is None:
                raise ProjectNotFoundError(f"Project {offer.project_id} does not exist")
            cursor.execute(END_OLD_OFFERS, values)
            _require_room(cursor, offer.project_id, with_offers=True)
            cursor.execute(OFFER, values)

        self._database.write(work)
        return offer

    def offers(self, project_id: UUID) -> Sequence[Offer]:
        """Offers that nobody has accepted, and links, the newest first."""
        return [_offer(row) for row in self._database.latest(OFFERS, {"project_id": project_id})]

    def withdraw(self, project_id: UUID, offer_id: UUID) -> None:
        """Remove an offer of the project, or raise ``OfferNotFoundError``."""
        if not self._database.run(WITHDRAW, {"id": offer_id, "project_id": project_id}):
            raise OfferNotFoundError(f"The project has no offer {offer_id}")

    def invitations(self, email: str, at: datetime) -> Sequence[Invitation]:
        """What is offered to an address and can be accepted then, the newest first, up to 200."""
        rows = self._database.latest(INVITATIONS, {"email": email, "at": at, "limit": MAX_MEMBERS})
        return [Invitation(_offer(row), row["project_name"], row["invited_by"]) for row in rows]

    def decline(self, offer_id: UUID, email: str) -> None:
        """Remove an offer for that address that was not accepted, or raise ``OfferNotFoundError``."""
        if not self._database.run(DECLINE, {"id": offer_id, "email": email}):
            raise _no_invitation(offer_id)

    def accept_invitation(self, offer_id: UUID, user_id: str, email: str, at: datetime) -> UUID:
        """Give the offered role to whoever has the address; the project's id. Again by the same person: the same."""
        values = {"id": offer_id, "user_id": user_id, "email": email}

        def work(cursor: Cursor) -> UUID:
            offer = _found_under_lock(cursor, INVITATION, values)
            if offer is None or offer.accepted_by not in {None, user_id}:
                raise _no_invitation(offer_id)
            if offer.accepted_by is None:
                _require_open(offer, at)
                cursor.execute(ACCEPT, values)
                _join(cursor, offer, user_id, email, at)
            elif not _has_role(cursor, offer.project_id, user_id):
                raise OfferEndedError("The role that this invitation gave has ended; ask for a new invitation")
            return offer.project_id

        return self._database.write(work)

    def accept_link(self, token_hash: str, user_id: str, email: str | None, at: datetime) -> UUID:
        """Give the offered role to whoever holds the token; the project's id. Again by the same person: the same."""

        def work(cursor: Cursor) -> UUID:
            offer = _found_under_lock(cursor, LINK, {"token_hash": token_hash})
            if offer is None:
                raise _no_link()
            person = {"project_id": offer.project_id, "user_id": user_id, "created_at": offer.created_at}
            if cursor.execute(WAS_REMOVED, person).fetchone():
                raise _no_link()
            _require_open(offer, at)
            if not _has_role(cursor, offer.project_id, user_id):
                _require_room(cursor, offer.project_id, with_offers=False)
            _join(cursor, offer, user_id, email, at)
            return offer.project_id

        return self._database.write(work)


def _locked(cursor: Cursor, project_id: UUID) -> str | None:
    """The owner of the project, whose row is locked until the commit; None when there is no such project."""
    row = cursor.execute(LOCK, {"project_id": project_id}).fetchone()
    return row["owner_id"] if row else None


def _found_under_lock(cursor: Cursor, query: str, values: dict[str, Any]) -> Offer | None:
    """The offer as it stands once its project is locked: another call may have ended it just before."""
    row = cursor.execute(query, values).fetchone()
    if row is None or _locked(cursor, row["project_id"]) is None:
        return None
    again = cursor.execute(query, values).fetchone()
    return _offer(again) if again else None


def _has_role(cursor: Cursor, project_id: UUID, user_id: str) -> bool:
    values = {"project_id": project_id, "user_id": user_id}
    return _locked(cursor, project_id) == user_id or cursor.execute(IS_MEMBER, values).fetchone() is not None


def _join(cursor: Cursor, offer: Offer, user_id: str, email: str | None, at: datetime) -> None:
    if _locked(cursor, offer.project_id) == user_id:
        return  # the owner stays the owner
    values = {"project_id": offer.project_id, "user_id": user_id, "role": offer.role.value, "email": email, "at": at}
    cursor.execute(JOIN, values)


def _require_room(cursor: Cursor, project_id: UUID, *, with_offers: bool) -> None:
    row = cursor.execute(COUNT, {"project_id": project_id}).fetchone()
    if row is not None and row["members"] + (row["offers"] if with_offers else 0) >= MAX_MEMBERS:
        raise TooManyMembersError(f"The project has {MAX_MEMBERS} people and open offers; it takes no more")


def _require_open(offer: Offer, at: datetime) -> None:
    if offer.expires_at <= at:
        raise OfferEndedError(f"This offer ended at {offer.expires_at:%Y-%m-%d %H:%M} UTC; ask for a new one")


def _no_member(user_id: str) -> MemberNotFoundError:
    return MemberNotFoundError(f"Nobody with the id {user_id} has a role in the project besides its owner")


def _no_invitation(offer_id: UUID) -> OfferNotFoundError:
    return OfferNotFoundError(f"There is no invitation {offer_id} for your verified e-mail address")


def _no_link() -> OfferNotFoundError:
    return OfferNotFoundError("No link has this token, or not any more")


def _member(row: Row) -> Member:
    return Member(
        project_id=row["project_id"],
        user_id=row["user_id"],
        role=Role(row["role"]),
        email=row["email"],
        name=row["name"],
        joined_at=row["joined_at"].astimezone(UTC),
    )


def _offer(row: Row) -> Offer:
    return Offer(
        id=row["id"],
        project_id=row["project_id"],
        role=Role(row["role"]),
        email=row["email"],
        token_hash=row["token_hash"],
        created_by=row["created_by"],
        created_at=row["created_at"].astimezone(UTC),
        expires_at=row["expires_at"].astimezone(UTC),
        accepted_by=row["accepted_by"],
    )
