"""Measures of many images at once, in one statement a page."""

from collections.abc import Sequence
from uuid import UUID

from spheroseg.adapters.postgres.access import visible_project
from spheroseg.adapters.postgres.database import Database, Row
from spheroseg.adapters.postgres.spheroids import BACKGROUNDS, BRIGHTNESS, DUE, MEASURES
from spheroseg.domain.measurement import INTENSITIES, Measure, MeasuredImage, Measurement, MeasurementKey
from spheroseg.domain.sample import Sample
from spheroseg.domain.viewer import Viewer


def _values_in(table: str) -> dict[str, str]:
    background = BACKGROUNDS[table].format(revision="run.revision")
    return {
        **{name: name for name in (*MEASURES, *BRIGHTNESS)},
        "intensity_local_background": background,
        "intensity_above_local_background": f"intensity_mean - {background}",
        "intensity_integrated_above_local_background": f"intensity_integrated - area_px2 * {background}",
    }


FOUND, REVISED = (_values_in(table) for table in ("spheroids", "revised_spheroids"))
"""What can be asked for, as SQL beside each of the tables."""

_STANDS = "(replaced_in IS NULL OR replaced_in > run.revision)"

# The newest run of each image by the index (image_id, queued_at, id); its spheroids by their primary keys.
PAGE = """
SELECT images.id AS image_id, images.name, plate, well, condition, time_point_h, replicate, run.id AS segmentation_id,
    run.revision, run.pixel_size_um, found.number, found.touches_edge, found.value, found.due_since
FROM images
CROSS JOIN LATERAL (
    SELECT id, revision, pixel_size_um FROM segmentations
    WHERE image_id = images.id AND status = 'succeeded' ORDER BY queued_at DESC, id DESC LIMIT 1
) AS run
CROSS JOIN LATERAL (
    SELECT number, touches_edge, {found} AS value, {found_due} AS due_since FROM spheroids
    WHERE segmentation_id = run.id AND {stands}
    UNION ALL
    SELECT number, touches_edge, {revised} AS value, {revised_due} AS due_since FROM revised_spheroids
    WHERE segmentation_id = run.id AND revised_spheroids.revision <= run.revision AND {stands}
) AS found
WHERE images.project_id = {project} {past}
ORDER BY images.id, found.number LIMIT %(limit)s
"""
_PAST = "AND images.id >= %(after_id)s AND (images.id > %(after_id)s OR found.number > %(after_number)s)"


class PostgresMeasurements:
    """Rows of ``spheroids`` and ``revised_spheroids`` beside those of ``images``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, viewer: Viewer, project_id: UUID, measure: Measure, after: MeasurementKey | None, limit: int
    ) -> Sequence[Measurement]:
        """Up to ``limit`` measurements in order of image ids and numbers, behind ``after``."""
        statement = PAGE.format(
            found=FOUND[measure.stored],
            revised=REVISED[measure.stored],
            found_due=_due("spheroids", measure),
            revised_due=_due("revised_spheroids", measure),
            stands=_STANDS,
            project=visible_project("%(project_id)s"),
            past="" if after is None else _PAST,
        )
        values = {
            "project_id": project_id,
            "viewer_id": viewer.user_id,
            "limit": limit,
            "after_id": after and after.image_id,
            "after_number": after and after.number,
        }
        rows = self._database.find_all(statement, values, after=viewer.read_after)
        images: dict[UUID, MeasuredImage] = {}
        return [_measurement_of(row, measure, images) for row in rows]


def _due(table: str, measure: Measure) -> str:
    return DUE[table].format(revision="run.revision") if measure.stored in INTENSITIES else "NULL::integer"


def _measurement_of(row: Row, measure: Measure, images: dict[UUID, MeasuredImage]) -> Measurement:
    image = images.get(row["image_id"])
    if image is None:
        sample = Sample(row["plate"], row["well"], row["condition"], row["time_point_h"], row["replicate"])
        size = row["pixel_size_um"]
        image = MeasuredImage(row["image_id"], row["name"], sample, row["segmentation_id"], row["revision"], size)
        images[image.id] = image
    due_since = row["due_since"] if row["value"] is None else None
    value = measure.of(row["value"], image.pixel_size_um)
    return Measurement(image, row["number"], row["touches_edge"], value, due_since)
