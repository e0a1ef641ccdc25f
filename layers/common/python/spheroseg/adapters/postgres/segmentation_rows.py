"""Rows of the table ``segmentations`` and the runs that they stand for."""

from dataclasses import asdict
from datetime import UTC
from typing import Any

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres.database import Row
from spheroseg.adapters.postgres.orders import failure_of, failure_values, order_of, order_values, utc
from spheroseg.domain.review import Review, ReviewReason, Signs
from spheroseg.domain.segmentation import ModelFile, PixelSizeSource, Result, Runtime, Segmentation, SegmentationStatus

COLUMNS = """id, image_id, project_id, owner_id, model, model_version, parameters, priority, status, attempt,
    correlation_id, queued_at, started_at, alive_at, finished_at, width_px, height_px, pixel_type, pixel_size_um,
    pixel_size_source, file_pixel_size_um, written_pixel_size_um, spheroid_count, stages_s, ran_model,
    ran_model_version, ran_precision, ran_sha256, ran_reason, ran_runtime, ran_provider, review, failure_code,
    failure_detail, repeat, repeat_of, urgency, requested_by, batch_id, sent_at, revision,
    is_reused, reused_from, files_of, files_attempt"""
"""Of the table: what is stored of a run. ``spheroid_count`` is what the segmenter found."""

_NEWEST_COUNT = """CASE WHEN segmentations.revision > 0 THEN (SELECT newest.spheroid_count FROM revisions AS newest
    WHERE newest.segmentation_id = segmentations.id AND newest.number = segmentations.revision) END"""

NEWEST_COUNT = f"coalesce({_NEWEST_COUNT}, segmentations.spheroid_count)"
"""Spheroids of a run's newest revision, as SQL beside the table ``segmentations``: kept once, where the revision is."""

SELECTED = ", ".join(
    [*(f"segmentations.{name.strip()}" for name in COLUMNS.split(",")), f"{NEWEST_COUNT} AS newest_count"]
)
"""What ``segmentation_of`` reads, from the table ``segmentations`` under its own name."""

NAMES = (*(name.strip() for name in COLUMNS.split(",")), "newest_count")
"""What these columns are called."""


def values_of(run: Segmentation) -> dict[str, Any]:
    """What a statement is given to store a run, by column."""
    result = run.result
    ran = result.ran if result else None
    return {
        "id": run.id,
        "image_id": run.image_id,
        "project_id": run.project_id,
        "owner_id": run.owner_id,
        "status": run.status.value,
        "attempt": run.attempt,
        "correlation_id": run.correlation_id,
        "queued_at": run.queued_at,
        "started_at": run.started_at,
        "alive_at": run.alive_at,
        "finished_at": run.finished_at,
        "width_px": result.width_px if result else None,
        "height_px": result.height_px if result else None,
        "pixel_type": result.pixel_type if result else None,
        "pixel_size_um": result.pixel_size_um if result else None,
        "pixel_size_source": result.pixel_size_source.value if result and result.pixel_size_source else None,
        "file_pixel_size_um": result.file_pixel_size_um if result else None,
        "written_pixel_size_um": result.written_pixel_size_um if result else None,
        "spheroid_count": result.found_count if result else None,
        "stages_s": Jsonb(result.stages_s) if result else None,
        "ran_model": ran.model if ran else None,
        "ran_model_version": ran.version if ran else None,
        "ran_precision": ran.precision if ran else None,
        "ran_sha256": ran.sha256 if ran else None,
        "ran_reason": ran.reason if ran else None,
        "ran_runtime": ran.runtime.program if ran and ran.runtime else None,
        "ran_provider": ran.runtime.provider if ran and ran.runtime else None,
        "review": Jsonb(asdict(result.review)) if result and result.review else None,
        **order_values(run.order),
        **failure_values(run.failure),
        "repeat": run.repeat,
        "repeat_of": run.repeat_of,
        "urgency": run.urgency,
        "requested_by": run.requested_by,
        "batch_id": run.batch_id,
        "sent_at": run.sent_at,
        "is_reused": run.is_reused,
        "reused_from": run.reused_from,
        "files_of": run.files_of,
        "files_attempt": run.files_attempt,
        "revision": run.revision,
    }


def segmentation_of(row: Row) -> Segmentation:
    """The run in a row."""
    return Segmentation(
        id=row["id"],
        image_id=row["image_id"],
        project_id=row["project_id"],
        owner_id=row["owner_id"],
        order=order_of(row),
        status=SegmentationStatus(row["status"]),
        attempt=row["attempt"],
        correlation_id=row["correlation_id"],
        queued_at=row["queued_at"].astimezone(UTC),
        started_at=utc(row["started_at"]),
        alive_at=utc(row["alive_at"]),
        finished_at=utc(row["finished_at"]),
        result=_result(row),
        failure=failure_of(row),
        repeat=row["repeat"],
        repeat_of=row["repeat_of"],
        urgency=row["urgency"],
        requested_by=row["requested_by"],
        batch_id=row["batch_id"],
        sent_at=utc(row["sent_at"]),
        is_reused=row["is_reused"],
        reused_from=row["reused_from"],
        files_of=row["files_of"],
        files_attempt=row["files_attempt"],
        revision=row["revision"],
    )


def _result(row: Row) -> Result | None:
    if row["spheroid_count"] is None:
        return None
    source = row["pixel_size_source"]
    return Result(
        width_px=row["width_px"],
        height_px=row["height_px"],
        pixel_type=row["pixel_type"],
        pixel_size_um=row["pixel_size_um"],
        pixel_size_source=PixelSizeSource(source) if source else None,
        file_pixel_size_um=row["file_pixel_size_um"],
        written_pixel_size_um=row["written_pixel_size_um"],
        spheroid_count=row["newest_count"],
        found_count=row["spheroid_count"],
        stages_s=row["stages_s"],
        ran=_model_file(row),
        review=_review(row["review"]),
    )


def _review(stored: dict[str, Any] | None) -> Review | None:
    if stored is None:
        return None
    edges = stored.get("unequal_edges_um")  # not there in rows of before it was noted
    return Review(
        reasons=tuple(map(ReviewReason, stored["reasons"])),
        signs=Signs(**stored["signs"]),
        unequal_edges_um=(edges[0], edges[1]) if edges else None,
    )


def _model_file(row: Row) -> ModelFile | None:
    if row["ran_model"] is None:
        return None
    return ModelFile(
        model=row["ran_model"],
        version=row["ran_model_version"],
        precision=row["ran_precision"],
        sha256=row["ran_sha256"],
        reason=row["ran_reason"],
        runtime=None if row["ran_runtime"] is None else Runtime(row["ran_runtime"], row["ran_provider"]),
    )
