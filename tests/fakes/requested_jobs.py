"""What exports and imports have in common: people ask for them, and workers fall silent over them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from spheroseg.domain.export import Export
from spheroseg.domain.outline_import import Import

Asked = TypeVar("Asked", Export, Import)


def asked_again(rows: dict[UUID, Asked], before: datetime, at: datetime, limit: int) -> Sequence[Asked]:
    """Those that were sent and not heard of since, the longest silent first; from now on they were sent ``at``."""
    silent = [
        row
        for row in rows.values()
        if not row.status.is_final
        and row.sent_at is not None
        and row.sent_at < before
        and row.alive_at is not None
        and row.alive_at < before
    ]
    found = sorted(silent, key=lambda row: (row.alive_at, row.id))[:limit]
    for row in found:
        rows[row.id] = replace(row, sent_at=at)
    return [rows[row.id] for row in found]
