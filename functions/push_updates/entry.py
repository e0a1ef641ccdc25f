"""Changes in, messages to the sockets out; what has ended makes room for the next runs."""

from collections.abc import Callable, Sized
from uuid import UUID

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import TypeAdapter

from spheroseg.errors import UnavailableError
from spheroseg.messages import AnyChange, Changed, ExportChanged, SegmentationChanged
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.push_update import PushUpdate

CHANGED: TypeAdapter[AnyChange] = TypeAdapter(Changed)


def create_handler(push_update: PushUpdate, dispatch_runs: Callable[[], Sized]) -> BatchHandler:
    """Push each change of a batch; only those that failed are delivered again.

    Every run's end comes by here, whoever brought it about, so that here the next ones get their turn. Beginnings make
    no room, and an end that follows on one must not wait.
    """
    ended: set[UUID] = set()

    def on_record(record: SQSRecord) -> None:
        update = CHANGED.validate_json(record.body)
        if isinstance(update, SegmentationChanged) and update.status.is_final:
            ended.add(update.segmentation_id)
        watchers = push_update(update)
        metrics.add_metric(name="UpdatePushed", unit=MetricUnit.Count, value=watchers)
        logger.info(
            "Update pushed",
            extra={
                **_named(update),
                "status": update.status,
                "watchers": watchers,
                "correlation_id": update.correlation_id,
            },
        )

    def after_batch() -> None:
        if not ended:
            return
        ended.clear()
        try:
            released = dispatch_runs()
        except UnavailableError as error:
            # Pushed is pushed: the batch must not come again for this. The next end, or the sweep, gives these turns.
            logger.warning("No turn could be given", extra={"code": error.code})
            return
        metrics.add_metric(name="SegmentationReleased", unit=MetricUnit.Count, value=len(released))

    return batch_handler(on_record, after_batch)


def _named(update: AnyChange) -> dict[str, str]:
    if isinstance(update, SegmentationChanged):
        return {"segmentation_id": str(update.segmentation_id)}
    if isinstance(update, ExportChanged):
        return {"export_id": str(update.export_id)}
    return {"import_id": str(update.import_id)}
