"""Dead letters in, final statuses out."""

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from pydantic import TypeAdapter, ValidationError

from spheroseg.bucket_events import ObjectCreated
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested, SegmentationRequested
from spheroseg.observability import logger, metrics
from spheroseg.sqs_batches import BatchHandler, batch_handler
from spheroseg.use_cases.fail_dead_letter import FailDeadLetter
from spheroseg.use_cases.fail_export import FailExport
from spheroseg.use_cases.fail_import import FailImport

AnyLetter = ObjectCreated | SegmentationRequested | ExportRequested | ImportRequested | BrightnessRequested
DeadLetter: TypeAdapter[AnyLetter] = TypeAdapter(AnyLetter)


def create_handler(fail_dead_letter: FailDeadLetter, fail_export: FailExport, fail_import: FailImport) -> BatchHandler:
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
        elif isinstance(letter, ExportRequested):
            fail_export(letter.export_id)
            ids = {"export_id": str(letter.export_id), "correlation_id": letter.correlation_id}
        elif isinstance(letter, ImportRequested):
            fail_import(letter.import_id)
            ids = {"import_id": str(letter.import_id), "correlation_id": letter.correlation_id}
        elif isinstance(letter, BrightnessRequested):  # what is due stays due, and is shown so
            ids = {"segmentation_id": str(letter.segmentation_id), "correlation_id": letter.correlation_id}
        elif letter.is_inbox:
            fail_dead_letter.inbox(letter.key, letter.etag, correlation_id=letter.id)
            ids = {"correlation_id": letter.id}
        else:
            fail_dead_letter.upload(letter.image_id)
            ids = {"image_id": str(letter.image_id)}
        metrics.add_metric(name="DeadLetterHandled", unit=MetricUnit.Count, value=1)
        logger.error("Dead letter", extra={**ids, "receive_count": record.attributes.approximate_receive_count})

    return batch_handler(on_record)
