"""Settings to the use cases with their real adapters."""

from requeue_stalled.settings import Settings
from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.brightness import PostgresBrightness
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.exports import PostgresExports
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.kept_answers import PostgresKeptAnswers
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.s3 import S3ImageStore
from spheroseg.adapters.s3_exports import S3ExportStore
from spheroseg.adapters.sqs import SqsExportQueue, SqsProjectWorkQueue, SqsSegmentationQueue, SqsUpdatePublisher
from spheroseg.adapters.system import RandomIds, SystemClock
from spheroseg.domain.segmentation import Order
from spheroseg.model_registry import ModelRegistry
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.ask_for_brightness import AskForBrightness
from spheroseg.use_cases.close_account import CloseAccount
from spheroseg.use_cases.forget_answers import ForgetAnswers
from spheroseg.use_cases.requeue_stalled import RequeueStalled
from spheroseg.use_cases.sweep_exports import SweepExports
from spheroseg.use_cases.sweep_imports import SweepImports
from spheroseg.use_cases.watch_updates import WatchUpdates
from spheroseg.use_cases.work_on_project import WorkOnProject


def wire(
    settings: Settings,
) -> tuple[
    RequeueStalled,
    WatchUpdates,
    WorkOnProject,
    ForgetAnswers,
    CloseAccount,
    SweepExports,
    SweepImports,
    AskForBrightness,
]:
    """The sweep, what forgets closed sockets, what sends jobs on projects again, what forgets old answers,
    the sweeps of exports and imports, and what asks for brightness.
    """
    clock = SystemClock()
    database = Database.of(settings)
    images = PostgresImages(database)
    segmentations = PostgresSegmentations(database)
    store = S3ImageStore(s3_client(), settings.bucket, clock)
    queue = SqsSegmentationQueue(sqs_client(), settings.queue_urls)
    card = ModelRegistry.packaged().default
    accept_upload = AcceptUpload(
        projects=PostgresProjects(database),
        images=images,
        segmentations=segmentations,
        store=store,
        queue=queue,
        clock=clock,
        inbox_order=Order(model=card.name, model_version=card.version),
        updates=SqsUpdatePublisher(sqs_client(), settings.updates_queue_url),
    )
    requeue_stalled = RequeueStalled(
        images=images,
        segmentations=segmentations,
        store=store,
        queue=queue,
        accept_upload=accept_upload,
        clock=clock,
    )
    work = SqsProjectWorkQueue(sqs_client(), settings.project_work_queue_url)
    close_account = CloseAccount(PostgresAccountClosings(database), work, clock, RandomIds())
    work_on_project = WorkOnProject(
        copies=PostgresProjectCopies(database),
        jobs=PostgresProjectJobs(database),
        store=store,
        queue=work,
        clock=clock,
    )
    watch_updates = WatchUpdates(watchers=PostgresWatchers(database), clock=clock)
    forget_answers = ForgetAnswers(PostgresKeptAnswers(database), clock)
    sweep_exports = SweepExports(
        exports=PostgresExports(database),
        store=S3ExportStore(s3_client(), settings.bucket, clock),
        queue=SqsExportQueue(sqs_client(), settings.exports_queue_url),
        clock=clock,
    )
    sweep_imports = SweepImports(PostgresImports(database), store, sweep_exports.queue, clock)
    return (
        requeue_stalled,
        watch_updates,
        work_on_project,
        forget_answers,
        close_account,
        sweep_exports,
        sweep_imports,
        AskForBrightness(PostgresBrightness(database), sweep_exports.queue, clock),
    )
