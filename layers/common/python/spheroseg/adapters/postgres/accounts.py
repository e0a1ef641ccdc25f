"""Accounts in PostgreSQL: who may keep how much, and what they keep.

Usage is counted by triggers on ``images`` (revision 0003), so that it is right whichever statement adds, moves or
removes rows, cascades included. The limit is held by whoever adds: the account's row stays locked until the commit.
"""

from typing import Any

from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.domain.account import (
    DEFAULT_QUOTA_BYTES,
    DEFAULT_QUOTA_IMAGES,
    Account,
    Profile,
    Quota,
    Usage,
)
from spheroseg.domain.viewer import Viewer

COLUMNS = """user_id, name, organisation, language, pixel_size_um, quota_bytes, quota_images, stored_bytes,
    stored_images, announced_bytes, announced_images"""

ONE = f"SELECT {COLUMNS} FROM accounts WHERE user_id = %(user_id)s"

MAKE = "INSERT INTO accounts (user_id) VALUES (%(user_id)s) ON CONFLICT DO NOTHING"

LOCK = f"{ONE} FOR UPDATE"

REPLACE_PROFILE = """
INSERT INTO accounts (user_id, name, organisation, language, pixel_size_um)
VALUES (%(user_id)s, %(name)s, %(organisation)s, %(language)s, %(pixel_size_um)s)
ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, organisation = excluded.organisation,
    language = excluded.language, pixel_size_um = excluded.pixel_size_um
"""


class PostgresAccounts:
    """Accounts in the table of that name; who has no row has an empty account."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def one(self, viewer: Viewer) -> Account:
        """The viewer's own account."""
        row = self._database.find(ONE, {"user_id": viewer.user_id}, after=viewer.read_after)
        return _account(row) if row else Account(viewer.user_id)

    def get(self, user_id: str) -> Account:
        """An account as last written."""
        rows = self._database.latest(ONE, {"user_id": user_id})
        return _account(rows[0]) if rows else Account(user_id)

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        """Store what somebody says about themselves; the last one wins."""
        values: dict[str, Any] = {
            "user_id": user_id,
            "name": profile.name,
            "organisation": profile.organisation,
            "language": profile.language,
            "pixel_size_um": profile.pixel_size_um,
        }
        self._database.run(REPLACE_PROFILE, values)


def require_room(cursor: Cursor, owner_id: str, wanted: Usage) -> None:
    """Lock the owner's account and return when ``wanted`` fits into it, or raise ``QuotaExceededError``."""
    if wanted.images == 0:
        return
    cursor.execute(MAKE, {"user_id": owner_id})
    row = cursor.execute(LOCK, {"user_id": owner_id}).fetchone()
    if row is None:
        raise AssertionError("an account that was just made is there")
    _account(row).require_room(wanted)


def _account(row: Row) -> Account:
    return Account(
        user_id=row["user_id"],
        profile=Profile(row["name"], row["organisation"], row["language"], row["pixel_size_um"]),
        quota=Quota(
            DEFAULT_QUOTA_BYTES if row["quota_bytes"] is None else row["quota_bytes"],
            DEFAULT_QUOTA_IMAGES if row["quota_images"] is None else row["quota_images"],
        ),
        usage=Usage(row["stored_bytes"], row["stored_images"], row["announced_bytes"], row["announced_images"]),
    )
