"""Accounts in PostgreSQL: who may keep how much, and what they keep.

Usage is counted by triggers on ``images`` (revision 0003), so that it is right whichever statement adds, moves or
removes rows, cascades included. The limit is held by whoever adds: the account's row stays locked until the commit.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import deeds
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.domain.account import (
    DEFAULT_QUOTA_BYTES,
    DEFAULT_QUOTA_IMAGES,
    Account,
    Profile,
    Quota,
    Usage,
)
from spheroseg.domain.administration import AdminAction, Deed
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import VersionMismatchError

COLUMNS = """user_id, name, organisation, language, pixel_size_um, quota_bytes, quota_images, stored_bytes,
    stored_images, announced_bytes, announced_images, quota_version"""

ONE = f"SELECT {COLUMNS} FROM accounts WHERE user_id = %(user_id)s"

MAKE = "INSERT INTO accounts (user_id) VALUES (%(user_id)s) ON CONFLICT DO NOTHING"

LOCK = f"{ONE} FOR UPDATE"

MANY = f"SELECT {COLUMNS} FROM accounts WHERE user_id = ANY(%(user_ids)s)"

CHANGE_QUOTA = f"""
UPDATE accounts SET quota_bytes = %(size_bytes)s, quota_images = %(images)s, quota_version = quota_version + 1
WHERE user_id = %(user_id)s RETURNING {COLUMNS}
"""

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

    def many(self, user_ids: Sequence[str]) -> Mapping[str, Account]:
        """An account for each of the people, in one statement."""
        rows = {row["user_id"]: row for row in self._database.latest(MANY, {"user_ids": list(user_ids)})}
        return {id_: _account(rows[id_]) if id_ in rows else Account(id_) for id_ in user_ids}

    def change_quota(
        self,
        user_id: str,
        changes: Mapping[str, int | None],
        expected: Collection[int] | None,
        admin_id: str,
        deed_id: UUID,
        at: datetime,
    ) -> Account:
        """The account with another quota, one version further, with a deed that tells who changed it; together."""

        def work(cursor: Cursor) -> Account:
            cursor.execute(MAKE, {"user_id": user_id})
            before = cursor.execute(LOCK, {"user_id": user_id}).fetchone()
            if before is None:
                raise AssertionError("an account that was just made is there")
            if expected is not None and before["quota_version"] not in expected:
                raise VersionMismatchError("The quota was changed after you read it")
            numbers = {"size_bytes": before["quota_bytes"], "images": before["quota_images"], **changes}
            after = cursor.execute(CHANGE_QUOTA, {"user_id": user_id, **numbers}).fetchone()
            if after is None:
                raise AssertionError("an account that is locked is there")
            details = {**numbers, "version": after["quota_version"]}
            deeds.add(cursor, Deed(deed_id, at, admin_id, AdminAction.CHANGE_QUOTA, user_id, details))
            return _account(after)

        return self._database.write(work)

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
        quota_version=row["quota_version"],
    )
