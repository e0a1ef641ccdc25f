"""Changes in, messages to the sockets out."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.messages import SegmentationChanged
from spheroseg.observability import logger, metrics, tracer
from spheroseg.use_cases.push_update import PushUpdate

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create_handler(push_update: PushUpdate) -> Handler:
    """Push each change of a batch; only those that failed are delivered again."""

    def on_record(record: SQSRecord) -> None:
        update = SegmentationChanged.model_validate_json(record.body)
        watchers = push_update(update)
        metrics.add_metric(name="UpdatePushed", unit=MetricUnit.Count, value=watchers)
        logger.info(
            "Update pushed",
            extra={
                "segmentation_id": str(update.segmentation_id),
                "status": update.status,
                "watchers": watchers,
                "correlation_id": update.correlation_id,
            },
        )

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response(event, on_record, processor, context))

    return handler
