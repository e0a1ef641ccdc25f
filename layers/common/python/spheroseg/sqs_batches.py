"""Batches of SQS messages, as Lambda hands them to a function: each on its own, failed ones delivered again."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.observability import logger, metrics, tracer

BatchHandler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def batch_handler(
    on_record: Callable[[SQSRecord], None], after_batch: Callable[[], None] = lambda: None
) -> BatchHandler:
    """A handler that gives each message to ``on_record`` and names those that raised, which SQS then delivers again.

    Args:
        after_batch: Called once when all of a batch were handled; what it raises lets the whole batch come again.
    """

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        answer = process_partial_response(event, on_record, processor, context)
        failed = len(answer["batchItemFailures"])
        metrics.add_metric(name="MessageHandled", unit=MetricUnit.Count, value=len(event["Records"]) - failed)
        metrics.add_metric(name="MessageFailed", unit=MetricUnit.Count, value=failed)
        after_batch()
        return dict(answer)

    return handler
