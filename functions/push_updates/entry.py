"""Changes in, messages to the sockets out."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from spheroseg.messages import SegmentationChanged
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.push_update import PushUpdate


def create_handler(push_update: PushUpdate) -> BatchHandler:
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

    return batch_handler(on_record)
