"""Answers to requests with idempotency keys, in PostgreSQL."""

from datetime import datetime

from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.orders import utc
from spheroseg.ports.kept_answers import KeptAnswer

# Whoever's row stands may go on. One that was forgotten, or ended without an answer, gives way in the same statement.
BEGIN = """
INSERT INTO kept_answers (key, request, under_way_until, kept_until)
VALUES (%(key)s, %(request)s, %(under_way_until)s, %(kept_until)s)
ON CONFLICT (key) DO UPDATE SET request = excluded.request, content = NULL, under_way_until = excluded.under_way_until,
    kept_until = excluded.kept_until
WHERE kept_answers.kept_until <= %(at)s
    OR kept_answers.content IS NULL AND kept_answers.under_way_until <= %(at)s
"""

GET = "SELECT key, request, content, under_way_until, kept_until FROM kept_answers WHERE key = %(key)s"

FINISH = "UPDATE kept_answers SET content = %(content)s, kept_until = %(kept_until)s WHERE key = %(key)s"

FORGET = "DELETE FROM kept_answers WHERE key = %(key)s"

FORGET_OLDER_THAN = "DELETE FROM kept_answers WHERE kept_until <= %(at)s"


class PostgresKeptAnswers:
    """Requests with keys in the table ``kept_answers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, answer: KeptAnswer, at: datetime) -> KeptAnswer | None:
        """Note a request as under way; the one that is there, unless that gives way."""
        values = {
            "key": answer.key,
            "request": answer.request,
            "under_way_until": answer.under_way_until,
            "kept_until": answer.kept_until,
            "at": at,
        }

        def work(cursor: Cursor) -> Row | None:
            while cursor.execute(BEGIN, values).rowcount == 0:
                row = cursor.execute(GET, values).fetchone()
                if row is not None:
                    return row
                # It was there when we wanted to write and is gone now: it was refused, so that this one may begin.
            return None

        row = self._database.write(work)
        return _answer(row) if row else None

    def get(self, key: str) -> KeptAnswer | None:
        """What is there under a key."""
        rows = self._database.latest(GET, {"key": key})
        return _answer(rows[0]) if rows else None

    def finish(self, key: str, content: str, kept_until: datetime) -> None:
        """Keep the answer of a request that is under way."""
        self._database.run(FINISH, {"key": key, "content": content, "kept_until": kept_until})

    def forget(self, key: str) -> None:
        """Let the request be made again; nothing happens when there is none."""
        self._database.run(FORGET, {"key": key})

    def forget_older_than(self, at: datetime) -> int:
        """Forget answers that were kept until then; how many there were."""
        return self._database.run(FORGET_OLDER_THAN, {"at": at})


def _answer(row: Row) -> KeptAnswer:
    under_way_until, kept_until = utc(row["under_way_until"]), utc(row["kept_until"])
    if under_way_until is None or kept_until is None:
        raise AssertionError("both times are never null")
    return KeptAnswer(row["key"], row["request"], row["content"], under_way_until, kept_until)
