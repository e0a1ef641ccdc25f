"""Settings to a worker with real adapters."""

from collections.abc import Iterator
from contextlib import contextmanager

from export_worker.consumer import Consumer
from export_worker.maker import ExchangeMaker
from export_worker.outline_files import ExchangeFiles
from export_worker.reports import Reports
from export_worker.settings import Settings
from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.postgres.brightness import PostgresBrightness
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.exports import PostgresExports, PostgresExportSource
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.reviews import PostgresReviews
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.s3_exports import S3ExportStore
from spheroseg.adapters.sqs import SqsExportQueue, SqsReceiver, SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.imaging.decoder_pool import DecoderPool
from spheroseg.use_cases.measure_brightness import MeasureBrightness
from spheroseg.use_cases.prepare_import import PrepareImport
from spheroseg.use_cases.run_export import RunExport
from spheroseg.use_cases.run_import import RunImport

CONNECTIONS = 2
"""One for the job, one for its heartbeat."""


@contextmanager
def wire(settings: Settings) -> Iterator[Consumer]:
    """The worker; its connections end with the block."""
    clock, sqs = SystemClock(), sqs_client()
    database = Database.of(settings, pool_size=CONNECTIONS)
    store = S3ExportStore(s3_client(), settings.bucket, clock)
    run_export = RunExport(
        exports=PostgresExports(database),
        source=PostgresExportSource(database),
        store=store,
        maker=ExchangeMaker(store, settings.scratch_dir),
        queue=SqsExportQueue(sqs, settings.exports_queue_url),
        clock=clock,
        reviews=PostgresReviews(database),
        updates=SqsUpdatePublisher(sqs, settings.updates_queue_url),
    )
    try:
        receiver = SqsReceiver(sqs, settings.exports_queue_url)
        with DecoderPool() as decoder:
            images, revisions = PostgresImages(database), PostgresRevisions(database)
            imports = PostgresImports(database)
            prepare_import = PrepareImport(
                projects=PostgresProjects(database),
                images=images,
                imports=imports,
                revisions=revisions,
                store=store,
                files=ExchangeFiles(),
                decoder=decoder,
                clock=clock,
            )
            run_import = RunImport(
                prepare=prepare_import,
                imports=imports,
                revisions=revisions,
                store=store,
                clock=clock,
                scratch=settings.scratch_dir,
                updates=run_export.updates,
                queue=run_export.queue,
            )
            measure_brightness = MeasureBrightness(
                segmentations=PostgresSegmentations(database),
                images=images,
                revisions=revisions,
                brightness=PostgresBrightness(database),
                store=store,
                decoder=decoder,
                clock=clock,
                scratch=settings.scratch_dir,
            )
            yield Consumer(
                run_export, run_import, measure_brightness, receiver, Reports(), long_poll_s=settings.long_poll_s
            )
    finally:
        database.close()
