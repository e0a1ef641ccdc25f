"""One log line for each export."""

import time
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from pydantic import ValidationError

from spheroseg.domain.export import Export, ExportStatus
from spheroseg.errors import SpherosegError, UnavailableError
from spheroseg.observability import METRICS_NAMESPACE, logger

SERVICE = "export_worker"


class Reports:
    """What the worker tells; may be called from any thread."""

    def ended(self, export: Export, began_s: float) -> None:
        """An export has its file, or will never have one."""
        fields = ids_of(export) | {"outcome": export.status, "duration_s": round(time.monotonic() - began_s, 3)}
        if export.failure:
            fields |= {"code": export.failure.code, "detail": export.failure.detail}
        if export.file:
            fields |= {"size_bytes": export.file.size_bytes, "images": export.done, "spheroids": export.spheroids}
        logger.info("Export ended", extra=fields)
        is_success = export.status is ExportStatus.SUCCEEDED
        metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=SERVICE)
        metrics.add_metric(name="ExportSucceeded" if is_success else "ExportFailed", unit=MetricUnit.Count, value=1)
        metrics.add_metric(name="ExportDuration", unit=MetricUnit.Seconds, value=time.monotonic() - began_s)
        metrics.flush_metrics()

    def dropped(self, export_id: object) -> None:
        """An export needs nothing more: it has ended, was cancelled or deleted, or is another worker's."""
        logger.info("Export dropped", extra={"export_id": str(export_id)})

    def unreadable(self, error: ValidationError) -> None:
        """A message is none of ours; it ends in the dead-letter queue."""
        logger.error("Message not understood", extra={"errors": error.errors(include_url=False, include_input=False)})

    def failed(self, export_id: object, error: Exception, receive_count: int) -> None:
        """An export met something that is not its own fault."""
        fields: dict[str, Any] = {"export_id": str(export_id), "receive_count": receive_count}
        if isinstance(error, UnavailableError):
            logger.warning("Export interrupted", extra=fields | {"code": error.code, "detail": str(error)})
        else:
            logger.error("Export crashed", extra=fields, exc_info=error)

    def given_back(self, export_id: object) -> None:
        """The worker stops; the export is for another one."""
        logger.info("Export given back", extra={"export_id": str(export_id)})

    def heartbeat_failed(self, export: Export, error: Exception) -> None:
        """A sign of life did not get through; the next one follows soon."""
        logger.warning("Heartbeat failed", extra=ids_of(export) | {"detail": str(error)})

    def stuck(self, export: Export, silent_s: float) -> None:
        """Nothing was written for too long; the process ends, so that another one tries."""
        logger.error("Export is stuck", extra=ids_of(export) | {"silent_s": round(silent_s)})

    def not_taking(self, error: Exception) -> None:
        """The queue does not answer."""
        code = error.code if isinstance(error, SpherosegError) else type(error).__name__
        logger.warning("Taking nothing for now", extra={"code": code, "detail": str(error)})


def ids_of(export: Export) -> dict[str, Any]:
    """What log lines about an export share."""
    return {
        "export_id": str(export.id),
        "project_id": str(export.project_id),
        "format": export.format.value,
        "attempt": export.attempt,
        "correlation_id": export.correlation_id,
    }
