"""Bucket events in, one use case each, failed deliveries out."""

from collections.abc import Callable

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import ValidationError

from spheroseg.bucket_events import ObjectCreated
from spheroseg.domain.image import Image
from spheroseg.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.accept_upload import AcceptUpload

SOON_S = 20
"""A delivery comes back this soon when something was unavailable the first time: a short outage is over by then. Later
it waits for the queue's own visibility timeout of minutes. The queue gives a message up after three deliveries, and an
outage of a minute, such as a database's failover, must not use them up."""


def create_handler(accept_upload: AcceptUpload, lend_for: Callable[[str, int], None]) -> BatchHandler:
    """Accept each upload of a batch; only those that failed are delivered again.

    Args:
        lend_for: Lets the delivery of a receipt come back in so many seconds, instead of at its visibility timeout.
    """

    def accepted(event: ObjectCreated) -> Image:
        if event.is_inbox:
            return accept_upload.inbox(event.key, event.etag, correlation_id=event.id)
        return accept_upload.original(event.image_id)

    def on_record(record: SQSRecord) -> None:
        try:
            event = ObjectCreated.model_validate_json(record.body)
        except ValidationError:
            metrics.add_metric(name="EventNotUnderstood", unit=MetricUnit.Count, value=1)
            raise
        try:
            image = accepted(event)
        except (NotFoundError, ConflictError, InvalidInputError) as error:
            # Final: the object is gone, replaced, or stays marked with the reason. A repeat would say the same.
            metrics.add_metric(name="UploadRefused", unit=MetricUnit.Count, value=1)
            logger.warning("Upload refused", extra={"event_id": event.id, "code": error.code})
            return
        except UnavailableError:
            metrics.add_metric(name="UploadPostponed", unit=MetricUnit.Count, value=1)
            if int(record.attributes.approximate_receive_count) == 1:
                lend_for(record.receipt_handle, SOON_S)
            raise
        metrics.add_metric(name="UploadAccepted", unit=MetricUnit.Count, value=1)
        logger.info(
            "Upload accepted",
            extra={"image_id": str(image.id), "status": image.status, "correlation_id": image.correlation_id},
        )

    return batch_handler(on_record)
