"""One log line for each export, import and run whose brightness was measured."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from pydantic import ValidationError

from spheroseg.domain.export import Export
from spheroseg.domain.outline_import import Import
from spheroseg.errors import SpherosegError, UnavailableError
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested
from spheroseg.observability import METRICS_NAMESPACE, logger
from spheroseg.use_cases.measure_brightness import BrightnessWork

SERVICE = "export_worker"
Request = ExportRequested | ImportRequested | BrightnessRequested
Job = Export | Import | BrightnessWork


class Reports:
    """What the worker tells; may be called from any thread."""

    def ended(self, job: Job, began_s: float) -> None:
        """A job has done what was asked, or never will."""
        if isinstance(job, BrightnessWork):
            self._measured(job, time.monotonic() - began_s)
            return
        fields = ids_of(job) | {"outcome": job.status, "duration_s": round(time.monotonic() - began_s, 3)}
        if job.failure:
            fields |= {"code": job.failure.code, "detail": job.failure.detail}
        if isinstance(job, Import):
            fields |= {"images": job.done, "spheroids": job.spheroids}
        elif job.file:
            fields |= {"size_bytes": job.file.size_bytes, "images": job.done, "spheroids": job.spheroids}
        kind = type(job).__name__
        logger.info(f"{kind} ended", extra=fields)
        metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=SERVICE)
        metrics.add_metric(name=f"{kind}{'Failed' if job.failure else 'Succeeded'}", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name=f"{kind}Duration", unit=MetricUnit.Seconds, value=time.monotonic() - began_s)
        metrics.flush_metrics()

    def _measured(self, work: BrightnessWork, duration_s: float) -> None:
        counts = {"revisions": work.done, "spheroids": work.spheroids, "duration_s": round(duration_s, 3)}
        logger.info("Brightness measured", extra=ids_of(work) | counts)
        metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=SERVICE)
        metrics.add_metric(name="BrightnessMeasured", unit=MetricUnit.Count, value=work.spheroids)
        metrics.flush_metrics()

    def cleared(self, left: Sequence[Path], kept: Sequence[tuple[Path, str]]) -> None:
        """Folders of workers that were killed are gone, but for those that could not be removed."""
        if left:
            logger.info("Left folders removed", extra={"folders": [str(folder) for folder in left]})
        for folder, why in kept:
            logger.warning("A left folder stays", extra={"folder": str(folder), "detail": why})

    def dropped(self, request: Request) -> None:
        """A job needs nothing more: it has ended, was cancelled or deleted, or is another worker's."""
        logger.info("Job dropped", extra=id_in(request))

    def unreadable(self, error: ValidationError) -> None:
        """A message is none of ours; it ends in the dead-letter queue."""
        logger.error("Message not understood", extra={"errors": error.errors(include_url=False, include_input=False)})

    def failed(self, request: Request | None, error: Exception, receive_count: int) -> None:
        """A job met something that is not its own fault."""
        fields: dict[str, Any] = {**id_in(request), "receive_count": receive_count}
        if isinstance(error, UnavailableError):
            logger.warning("Job interrupted", extra=fields | {"code": error.code, "detail": str(error)})
        else:
            logger.error("Job crashed", extra=fields, exc_info=error)

    def given_back(self, request: Request) -> None:
        """The worker stops; the job is for another one."""
        logger.info("Job given back", extra=id_in(request))

    def heartbeat_failed(self, job: Job, error: Exception) -> None:
        """A sign of life did not get through; the next one follows soon."""
        logger.warning("Heartbeat failed", extra=ids_of(job) | {"detail": str(error)})

    def stuck(self, job: Job, silent_s: float) -> None:
        """Nothing came of it for too long; the process ends, so that another one tries."""
        logger.error("Job is stuck", extra=ids_of(job) | {"silent_s": round(silent_s)})

    def not_taking(self, error: Exception) -> None:
        """The queue does not answer."""
        code = error.code if isinstance(error, SpherosegError) else type(error).__name__
        logger.warning("Taking nothing for now", extra={"code": code, "detail": str(error)})


def ids_of(job: Job) -> dict[str, Any]:
    """What log lines about a job share."""
    if isinstance(job, BrightnessWork):
        run = job.run
        return {
            "segmentation_id": str(run.id),
            "project_id": str(run.project_id),
            "correlation_id": run.correlation_id,
        }
    shared = {"project_id": str(job.project_id), "attempt": job.attempt, "correlation_id": job.correlation_id}
    if isinstance(job, Import):
        return {"import_id": str(job.id), "format": job.options.format.value, **shared}
    return {"export_id": str(job.id), "format": job.format.value, **shared}


def id_in(request: Request | None) -> dict[str, str]:
    """Which job a message is about."""
    if request is None:
        return {}
    if isinstance(request, ImportRequested):
        return {"import_id": str(request.import_id)}
    if isinstance(request, BrightnessRequested):
        return {"segmentation_id": str(request.segmentation_id)}
    return {"export_id": str(request.export_id)}
