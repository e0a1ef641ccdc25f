"""What use cases need from outside. Each port has a fake in tests/fakes, held to the same contract tests.

Methods that take a ``Viewer`` read from a reader that has seen the viewer's own writes, and find nothing in projects
where the viewer has no role. ``accessible`` is for whoever wants to change something: it reads from the writer, as last
written, and tells the viewer's role along. The others speak for the system: they read from the writer and see every
row as last written. Nobody finds anything in a project that is being deleted.
"""

from spheroseg.ports.account_closings import AccountClosings
from spheroseg.ports.accounts import AccountRepository, People
from spheroseg.ports.administration import DeadLetters, DeedRepository, QueueOverview, UserDirectory
from spheroseg.ports.brightness import BrightnessRepository
from spheroseg.ports.cache import Cache, RateLimiter
from spheroseg.ports.deliveries import Delivery, Receiver
from spheroseg.ports.exports import (
    ExportMaker,
    ExportQueue,
    ExportRepository,
    ExportSource,
    ExportStore,
    ObjectStream,
    SpheroidsOf,
)
from spheroseg.ports.hot_reads import HotReads
from spheroseg.ports.images import ImageRepository, RunOfImage
from spheroseg.ports.imports import ImportRepository, OutlineFiles, SizeOf
from spheroseg.ports.kept_answers import KeptAnswer, KeptAnswerRepository
from spheroseg.ports.measurements import MeasurementSource
from spheroseg.ports.projects import (
    ProjectCopyRepository,
    ProjectJobRepository,
    ProjectRepository,
    ProjectStatisticsSource,
    ProjectWorkQueue,
)
from spheroseg.ports.reads import BatchReads
from spheroseg.ports.reviews import ReviewRepository
from spheroseg.ports.revisions import OutlineEditor, RevisionRepository
from spheroseg.ports.run_batches import RunBatchRepository
from spheroseg.ports.segmentations import SegmentationQueue, SegmentationRepository
from spheroseg.ports.segmenting import ChosenModel, DecodedImage, Decoder, SegmentedPixels, Segmenter, Segmenters
from spheroseg.ports.sharing import SharingRepository
from spheroseg.ports.storage import DownloadLinks, ImageStore, PartLink, StoredObject, UploadForm
from spheroseg.ports.system import Clock, IdSource, Patterns
from spheroseg.ports.updates import JobAnnouncer, UpdatePublisher, WatcherRepository, WatcherSockets

__all__ = [
    "AccountClosings",
    "AccountRepository",
    "BatchReads",
    "BrightnessRepository",
    "Cache",
    "ChosenModel",
    "Clock",
    "DeadLetters",
    "DecodedImage",
    "Decoder",
    "DeedRepository",
    "Delivery",
    "DownloadLinks",
    "ExportMaker",
    "ExportQueue",
    "ExportRepository",
    "ExportSource",
    "ExportStore",
    "HotReads",
    "IdSource",
    "ImageRepository",
    "ImageStore",
    "ImportRepository",
    "JobAnnouncer",
    "KeptAnswer",
    "KeptAnswerRepository",
    "MeasurementSource",
    "ObjectStream",
    "OutlineEditor",
    "OutlineFiles",
    "PartLink",
    "Patterns",
    "People",
    "ProjectCopyRepository",
    "ProjectJobRepository",
    "ProjectRepository",
    "ProjectStatisticsSource",
    "ProjectWorkQueue",
    "QueueOverview",
    "RateLimiter",
    "Receiver",
    "ReviewRepository",
    "RevisionRepository",
    "RunBatchRepository",
    "RunOfImage",
    "SegmentationQueue",
    "SegmentationRepository",
    "SegmentedPixels",
    "Segmenter",
    "Segmenters",
    "SharingRepository",
    "SizeOf",
    "SpheroidsOf",
    "StoredObject",
    "UpdatePublisher",
    "UploadForm",
    "UserDirectory",
    "WatcherRepository",
    "WatcherSockets",
]
