"""One fake per port, in memory; tests/contract holds each to what its real adapter does."""

from tests.fakes.accounts import InMemoryAccounts
from tests.fakes.images import InMemoryImages
from tests.fakes.measurements import InMemoryMeasurements
from tests.fakes.project_copies import InMemoryProjectCopies
from tests.fakes.project_jobs import InMemoryProjectJobs, InMemoryProjectWorkQueue
from tests.fakes.project_statistics import InMemoryProjectStatistics
from tests.fakes.projects import InMemoryProjects
from tests.fakes.reviews import InMemoryReviews
from tests.fakes.revisions import InMemoryRevisions
from tests.fakes.run_batches import InMemoryRunBatches
from tests.fakes.segmentations import InMemorySegmentations
from tests.fakes.segmenting import InMemoryDecoder, InMemorySegmenter, InMemorySegmenters
from tests.fakes.services import (
    InMemoryDownloadLinks,
    InMemoryImageStore,
    InMemorySegmentationQueue,
    InMemoryUpdatePublisher,
    InMemoryWatcherSockets,
)
from tests.fakes.sharing import InMemoryPeople, InMemorySharing
from tests.fakes.system import InMemoryClock, InMemoryIds, InMemoryPatterns
from tests.fakes.watchers import InMemoryWatchers

__all__ = [
    "InMemoryAccounts",
    "InMemoryClock",
    "InMemoryDecoder",
    "InMemoryDownloadLinks",
    "InMemoryIds",
    "InMemoryImageStore",
    "InMemoryImages",
    "InMemoryMeasurements",
    "InMemoryPatterns",
    "InMemoryPeople",
    "InMemoryProjectCopies",
    "InMemoryProjectJobs",
    "InMemoryProjectStatistics",
    "InMemoryProjectWorkQueue",
    "InMemoryProjects",
    "InMemoryReviews",
    "InMemoryRevisions",
    "InMemoryRunBatches",
    "InMemorySegmentationQueue",
    "InMemorySegmentations",
    "InMemorySegmenter",
    "InMemorySegmenters",
    "InMemorySharing",
    "InMemoryUpdatePublisher",
    "InMemoryWatcherSockets",
    "InMemoryWatchers",
]
