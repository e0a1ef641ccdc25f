"""Brightness of corrected outlines in PostgreSQL.

A row of ``surroundings`` stands for a spheroid from the revision on in which its outline, or one near it, changed. What
its own pixels say is kept with its outline and never changes; the local background is kept in that row.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.spheroids import BRIGHTNESS
from spheroseg.domain.spheroid import Brightness
from spheroseg.ports.brightness import MAX_ASKED

LOCAL = "intensity_local_background"
OWN = tuple(name for name in BRIGHTNESS if name != LOCAL)

DUE = """
SELECT revision, number FROM surroundings
WHERE segmentation_id = %(segmentation_id)s AND measured_at IS NULL
ORDER BY revision DESC, number LIMIT %(limit)s
"""

STORE = f"""
WITH given AS (
    SELECT * FROM unnest(%(number)s::integer[], {", ".join(f"%({name})s::float8[]" for name in BRIGHTNESS)})
        AS one (number, {", ".join(BRIGHTNESS)})
), told AS (
    UPDATE surroundings SET measured_at = %(at)s, {LOCAL} = given.{LOCAL} FROM given
    WHERE surroundings.segmentation_id = %(segmentation_id)s AND surroundings.revision = %(revision)s
        AND surroundings.number = given.number AND surroundings.measured_at IS NULL
)
UPDATE revised_spheroids SET {", ".join(f"{name} = given.{name}" for name in OWN)} FROM given
WHERE revised_spheroids.segmentation_id = %(segmentation_id)s AND revised_spheroids.number = given.number
    AND revised_spheroids.revision <= %(revision)s
    AND (revised_spheroids.replaced_in IS NULL OR revised_spheroids.replaced_in > %(revision)s)
    AND revised_spheroids.intensity_mean IS NULL
"""

OVERDUE = """
WITH silent AS (
    SELECT DISTINCT segmentation_id FROM surroundings
    WHERE measured_at IS NULL AND asked_at < %(before)s AND asked < %(most)s LIMIT %(limit)s
), marked AS (
    UPDATE surroundings SET asked_at = %(at)s, asked = asked + 1 FROM silent
    WHERE surroundings.segmentation_id = silent.segmentation_id AND measured_at IS NULL
)
SELECT runs.id, runs.correlation_id FROM segmentations AS runs JOIN silent ON silent.segmentation_id = runs.id
"""


class PostgresBrightness:
    """The table ``surroundings``, and brightness in ``revised_spheroids``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, segmentation_id: UUID, limit: int) -> Mapping[int, Sequence[int]]:
        """Up to ``limit`` spheroids that wait to be measured: numbers by revision, the newest first."""
        found: dict[int, list[int]] = {}
        for row in self._database.latest(DUE, {"segmentation_id": segmentation_id, "limit": limit}):
            found.setdefault(row["revision"], []).append(row["number"])
        return found

    def store(self, segmentation_id: UUID, revision: int, measured: Mapping[int, Brightness], at: datetime) -> None:
        """Keep what was measured in a revision; what was measured already, or is gone, stays as it is."""
        values = {
            "segmentation_id": segmentation_id,
            "revision": revision,
            "at": at,
            "number": list(measured),
            **{name: [getattr(one, name) for one in measured.values()] for name in BRIGHTNESS},
        }
        self._database.write(lambda cursor: cursor.execute(STORE, values))

    def overdue(self, before: datetime, at: datetime, limit: int) -> Sequence[tuple[UUID, str]]:
        """Up to ``limit`` runs of which something is due and nobody was asked since, noted as asked now."""
        values = {"before": before, "at": at, "limit": limit, "most": MAX_ASKED}
        rows = self._database.write(lambda cursor: cursor.execute(OVERDUE, values).fetchall())
        return [(row["id"], row["correlation_id"]) for row in rows]
