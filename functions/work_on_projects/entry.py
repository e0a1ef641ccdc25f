"""Jobs in, some of their work done."""

from typing import Annotated

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import Field, TypeAdapter

from spheroseg.messages import AccountClosingRequested, ProjectWorkRequested
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.close_account import WorkOnClosing
from spheroseg.use_cases.work_on_project import WorkOnProject

Work: TypeAdapter[ProjectWorkRequested | AccountClosingRequested] = TypeAdapter(
    Annotated[ProjectWorkRequested | AccountClosingRequested, Field(discriminator="type")]
)


def create_handler(work_on_project: WorkOnProject, work_on_closing: WorkOnClosing) -> BatchHandler:
    """Work on each job of a batch for a while; only those that failed are delivered again."""

    def on_record(record: SQSRecord) -> None:
        request = Work.validate_json(record.body)
        if isinstance(request, AccountClosingRequested):
            closing = work_on_closing(request.closing_id)
            facts = {"closing_id": str(closing.id), "is_done": closing.finished_at is not None}
            logger.info("Account closing worked on", extra=facts)
            return
        job = work_on_project(request.job_id)
        if job.status.is_final:
            metrics.add_metric(name="ProjectJobFinished", unit=MetricUnit.Count, value=1)
        logger.info(
            "Project worked on",
            extra={
                "job_id": str(job.id),
                "project_id": str(job.project_id),
                "kind": job.kind,
                "status": job.status,
                "done": job.done,
                "total": job.total,
                "correlation_id": job.correlation_id,
            },
        )

    return batch_handler(on_record)
