"""Sharing: who has a role in a project, and the offers of one."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from spheroseg.domain.access import Role
from spheroseg.errors import InvalidInputError

OFFER_LIFETIME = timedelta(hours=48)
"""As in the earlier SpheroSeg."""
OFFER_LIFETIME_MAX = timedelta(days=30)
MAX_MEMBERS = 200
"""People in a project and open offers together: they are listed in one piece."""
EMAIL_MAX_LENGTH = 254
"""RFC 3696, erratum 1690."""


@dataclass(frozen=True)
class Member:
    """Somebody with a role in a project.

    Args:
        email: The verified address of when they joined; None for whoever made the project, or had none.
        name: How they want to be called; None when they did not say.
        joined_at: For the owner, when the project was made or handed over.
    """

    project_id: UUID
    user_id: str
    role: Role
    email: str | None
    name: str | None
    joined_at: datetime


@dataclass(frozen=True)
class Offer:
    """A role in a project for whoever has verified an e-mail address, or for whoever holds a link.

    Args:
        role: Editor or viewer; a project is handed over, not offered.
        email: In lower case; None: the offer is a link.
        token_hash: SHA-256 of the link's token, which itself is kept nowhere; None: the offer is for an address.
        accepted_by: Who took an offer that was for an address; a link can be taken by many until it ends.
    """

    id: UUID
    project_id: UUID
    role: Role
    email: str | None
    token_hash: str | None
    created_by: str
    created_at: datetime
    expires_at: datetime
    accepted_by: str | None = None


@dataclass(frozen=True)
class Invitation:
    """An open offer as the person sees whom it is for.

    Args:
        invited_by: How the inviting person wants to be called; None when they did not say.
    """

    offer: Offer
    project_name: str
    invited_by: str | None


def normalised_email(address: str) -> str:
    """The address as it is compared: in lower case, without blanks around it.

    Raises:
        InvalidInputError: it is none; whether anybody reads it, only an accepted invitation shows.
    """
    text = address.strip().lower()
    local, _, domain = text.rpartition("@")
    if not local or "." not in domain or len(text) > EMAIL_MAX_LENGTH or any(sign.isspace() for sign in text):
        raise InvalidInputError(f"{address!r} is not an e-mail address")
    return text


def new_token() -> str:
    """A link's token: 256 bits from the system's source of chance, as 43 characters."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
