"""One log line for each event, and the figures of finished runs."""

import time
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit
from pydantic import ValidationError

from segmentation_worker.deliveries import Job
from segmentation_worker.tuning import Tuning
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.errors import HeldElsewhereError, SpherosegError, UnavailableError
from spheroseg.observability import METRICS_NAMESPACE, logger

SERVICE = "segmentation_worker"


class Reports:
    """What the worker tells of its jobs; may be called from any thread."""

    def tuned(self, tuning: Tuning) -> None:
        """How models are run here, from the start on."""
        logger.info("Models measured", extra=asdict(tuning))

    def closed(self, job: Job, ended: Segmentation | None) -> None:
        """A job's message needs nothing more; None: the run was deleted, cancelled or taken over."""
        fields = _ids(job) | {"duration_s": round(time.monotonic() - job.received_s, 3)}
        if ended is None:
            logger.info("Segmentation dropped", extra=fields | {"outcome": "dropped"})
            return
        fields |= _ids_of(ended) | {"outcome": ended.status}
        if job.running is None:
            logger.info("Segmentation announced again", extra=fields)
            return
        if ended.failure:
            fields |= {"code": ended.failure.code, "detail": ended.failure.detail}
        if ended.result:
            fields |= {"spheroid_count": ended.result.spheroid_count, "stages_s": ended.result.stages_s}
        logger.info("Segmentation ended", extra=fields)
        _measure(ended)

    def held_elsewhere(self, job: Job, error: HeldElsewhereError) -> None:
        """A job is another worker's."""
        logger.info("Segmentation held elsewhere", extra=_ids(job) | {"detail": str(error)})

    def unreadable(self, job: Job, error: ValidationError) -> None:
        """A message is none of ours; it ends in the dead-letter queue."""
        logger.error(
            "Message not understood", extra=_ids(job) | {"errors": error.errors(include_url=False, include_input=False)}
        )

    def failed(self, job: Job, error: Exception) -> None:
        """A job met something that is not the image's fault."""
        if isinstance(error, UnavailableError):
            logger.warning("Segmentation interrupted", extra=_ids(job) | {"code": error.code, "detail": str(error)})
        else:
            logger.error("Segmentation crashed", extra=_ids(job), exc_info=error)

    def not_announced(self, error: Exception) -> None:
        """Changes of runs wait for the next try to announce them."""
        logger.warning("Changes not announced", extra=_what(error))

    def given_back(self, job: Job, delay_s: int) -> None:
        """A job waits for the next try, of this worker or another one."""
        logger.info("Segmentation given back", extra=_ids(job) | {"delay_s": delay_s})

    def gives_up(self, crashes: int) -> None:
        """Nothing goes well any more; the worker ends."""
        logger.error("Giving up", extra={"crashes_in_a_row": crashes})

    def heartbeat_failed(self, job: Job, error: Exception) -> None:
        """A sign of life did not get through; the next one follows soon."""
        logger.warning("Heartbeat failed", extra=_ids(job) | _what(error))

    def not_taking(self, error: Exception, failures: int) -> None:
        """Nothing is taken for now; told once at the beginning of an outage."""
        if failures == 1:
            exc_info = None if isinstance(error, UnavailableError) else error
            logger.warning("Taking nothing for now", extra=_what(error), exc_info=exc_info)

    def taking_again(self, failures: int) -> None:
        """An outage is over."""
        logger.info("Taking again", extra={"failures": failures})


def _measure(ended: Segmentation) -> None:
    metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=SERVICE)
    is_success = ended.status is SegmentationStatus.SUCCEEDED
    name = "SegmentationSucceeded" if is_success else "SegmentationFailed"
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=1)
    for stage, seconds in (ended.result.stages_s if ended.result else {}).items():
        metrics.add_metric(name=f"{stage.capitalize()}Duration", unit=MetricUnit.Seconds, value=seconds)
    if ended.started_at:
        waited_s = (ended.started_at - ended.queued_at).total_seconds()
        metrics.add_metric(name="QueueDuration", unit=MetricUnit.Seconds, value=max(0.0, waited_s))
    metrics.flush_metrics()


def _ids(job: Job) -> dict[str, Any]:
    ids: dict[str, Any] = {"receive_count": job.delivery.receive_count}
    return ids | _ids_of(job.running) if job.running else ids | _asked(job)


def _asked(job: Job) -> dict[str, Any]:
    try:
        request = job.request()
    except ValidationError:
        return {}
    return {"segmentation_id": str(request.segmentation_id), "correlation_id": request.correlation_id}


def _ids_of(run: Segmentation) -> dict[str, Any]:
    return {
        "segmentation_id": str(run.id),
        "image_id": str(run.image_id),
        "project_id": str(run.project_id),
        "attempt": run.attempt,
        "correlation_id": run.correlation_id,
    }


def _what(error: Exception) -> dict[str, Any]:
    code = error.code if isinstance(error, SpherosegError) else type(error).__name__
    return {"code": code, "detail": str(error)}
