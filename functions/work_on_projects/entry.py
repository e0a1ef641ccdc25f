"""Jobs in, some of their work done."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from spheroseg.messages import ProjectWorkRequested
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.work_on_project import WorkOnProject


def create_handler(work_on_project: WorkOnProject) -> BatchHandler:
    """Work on each job of a batch for a while; only those that failed are delivered again."""

    def on_record(record: SQSRecord) -> None:
        request = ProjectWorkRequested.model_validate_json(record.body)
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
