"""Dead letters in, final statuses out."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import TypeAdapter, ValidationError

from spheroseg.bucket_events import ObjectCreated
from spheroseg.messages import SegmentationRequested
from spheroseg.observability import logger, metrics, tracer
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]
DeadLetter: TypeAdapter[ObjectCreated | SegmentationRequested] = TypeAdapter(ObjectCreated | SegmentationRequested)


def create_handler(fail_dead_letter: FailDeadLetter) -> Handler:
    """Fail what each dead letter stands for; a letter that nobody understands stays where it is and the alarm rings."""

    def on_record(record: SQSRecord) -> None:
        try:
            letter = DeadLetter.validate_json(record.body)
        except ValidationError:
            metrics.add_metric(name="EventNotUnderstood", unit=MetricUnit.Count, value=1)
            raise
        if isinstance(letter, SegmentationRequested):
            fail_dead_letter.segmentation(letter.segmentation_id)
            ids = {"segmentation_id": str(letter.segmentation_id), "correlation_id": letter.correlation_id}
        elif letter.is_inbox:
            fail_dead_letter.inbox(letter.key, letter.etag, correlation_id=letter.id)
            ids = {"correlation_id": letter.id}
        else:
            fail_dead_letter.upload(letter.image_id)
            ids = {"image_id": str(letter.image_id)}
        metrics.add_metric(name="DeadLetterHandled", unit=MetricUnit.Count, value=1)
        logger.error("Dead letter", extra={**ids, "receive_count": record.attributes.approximate_receive_count})

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        return dict(process_partial_response(event, on_record, processor, context))

    return handler
