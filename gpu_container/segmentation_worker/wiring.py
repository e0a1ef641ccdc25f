"""Settings to a worker with real adapters."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import cv2

from segmentation_worker.consumer import Consumer, Pace
from segmentation_worker.health.progress import Progress
from segmentation_worker.models import load_segmenters, measured_tuning
from segmentation_worker.polling import WeightedQueue
from segmentation_worker.reports import Reports
from segmentation_worker.settings import Settings
from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.s3_transfers import S3TransferStore
from spheroseg.adapters.sqs import SqsReceiver, SqsUpdatePublisher
from spheroseg.adapters.system import SystemClock
from spheroseg.imaging.decoder_pool import DecoderPool
from spheroseg.use_cases.segment_image import SegmentImage

WEIGHTS = (6, 3, 1)
"""Shares of the high, normal and low queue while all are full: every tenth image is a low one at the least."""


@contextmanager
def wire(settings: Settings) -> Iterator[Consumer]:
    """The worker; its connections and processes end with the block."""
    with ExitStack() as stack:
        cv2.setNumThreads(1)  # its own threads would only get into the way of the stages
        clock = SystemClock()
        progress = Progress(settings.health_file)
        threads = settings.prefetch + settings.finishers
        sqs = sqs_client(max_connections=threads + 6)
        database = Database.of(settings, pool_size=threads + 2)
        stack.callback(database.close)
        tuning = measured_tuning(
            settings.model_dir,
            threads=settings.model_threads,
            streams=settings.streams,
            batch=settings.model_batch,
        )
        reports = Reports()
        reports.tuned(tuning)
        decoder = stack.enter_context(DecoderPool(processes=settings.prefetch))
        segment_image = SegmentImage(
            projects=PostgresProjects(database),
            images=PostgresImages(database),
            segmentations=PostgresSegmentations(database),
            store=S3TransferStore(s3_client(max_connections=10 * threads), settings.bucket, clock),
            decoder=decoder,
            segmenters=load_segmenters(
                settings.model_dir,
                tuning,
                scratch=settings.scratch_dir,
                on_progress=progress.note,
            ),
            updates=SqsUpdatePublisher(sqs, settings.updates_queue_url),
            clock=clock,
        )
        urls = (settings.queue_url_high, settings.queue_url_normal, settings.queue_url_low)
        queues = [WeightedQueue(SqsReceiver(sqs, url), weight) for url, weight in zip(urls, WEIGHTS, strict=True)]
        pace = Pace(
            prefetch=settings.prefetch,
            streams=tuning.streams,
            finishers=settings.finishers,
            long_poll_s=settings.long_poll_s,
            retry_for_s=settings.retry_for_s,
            grace_s=settings.grace_s,
        )
        yield Consumer(segment_image, queues, reports, progress, settings.scratch_dir, pace)
