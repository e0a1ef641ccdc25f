"""Settings -> use cases with real adapters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from http_api.cursors import Cursors, cursor_secret
from http_api.editor import EditorOnDemand
from http_api.health import Part
from http_api.rates import Rates
from http_api.settings import Settings
from http_api.use_cases import UseCases
from spheroseg.adapters.aws import s3_client, secrets_client, sqs_client
from spheroseg.adapters.cdn import CdnDownloadLinks
from spheroseg.adapters.cognito import CognitoDirectory, CognitoPeople, CognitoSignIn
from spheroseg.adapters.dead_letters import QueuePair, SqsDeadLetters
from spheroseg.adapters.hot_reads import CachedHotReads
from spheroseg.adapters.in_process import InProcessCache, InProcessRateLimiter
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.deeds import PostgresDeeds
from spheroseg.adapters.postgres.exports import PostgresExports
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.kept_answers import PostgresKeptAnswers
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.reviews import PostgresReviews
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.run_batches import PostgresRunBatches
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.adapters.postgres.stamps import PostgresStamps
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.adapters.re2_patterns import Re2Patterns
from spheroseg.adapters.s3 import S3DownloadLinks, S3ImageStore
from spheroseg.adapters.secrets import DatabaseCredentials, secret_text
from spheroseg.adapters.sqs import SqsExportQueue, SqsProjectWorkQueue, SqsSegmentationQueue, SqsUpdatePublisher
from spheroseg.adapters.system import RandomIds, SystemClock
from spheroseg.adapters.valkey import ValkeyCache, ValkeyRateLimiter, ValkeyServer, server_of
from spheroseg.domain.administration import QueueName
from spheroseg.domain.rate_limit import RateLimit
from spheroseg.domain.segmentation import Order
from spheroseg.model_registry import ModelRegistry
from spheroseg.ports import DownloadLinks
from spheroseg.use_cases.accept_offer import AcceptOffer
from spheroseg.use_cases.accept_upload import AcceptUpload
from spheroseg.use_cases.administer_queues import AdministerQueues
from spheroseg.use_cases.administer_users import AdministerUsers
from spheroseg.use_cases.cancel_export import CancelExport
from spheroseg.use_cases.cancel_import import CancelImport
from spheroseg.use_cases.cancel_runs import CancelRuns
from spheroseg.use_cases.cancel_segmentation import CancelSegmentation
from spheroseg.use_cases.change_images import ChangeImages
from spheroseg.use_cases.change_members import ChangeMembers
from spheroseg.use_cases.change_profile import ChangeProfile
from spheroseg.use_cases.change_project import ChangeProject
from spheroseg.use_cases.close_account import CloseAccount
from spheroseg.use_cases.compare_runs import CompareRuns
from spheroseg.use_cases.complete_upload import CompleteUpload
from spheroseg.use_cases.create_project import CreateProject
from spheroseg.use_cases.delete_image import DeleteImage
from spheroseg.use_cases.delete_images import DeleteImages
from spheroseg.use_cases.delete_project import DeleteProject
from spheroseg.use_cases.duplicate_project import DuplicateProject
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.read_account import ReadAccount
from spheroseg.use_cases.read_exports import ReadExports
from spheroseg.use_cases.read_images import ReadImages
from spheroseg.use_cases.read_imports import ReadImports
from spheroseg.use_cases.read_measurements import ReadMeasurements
from spheroseg.use_cases.read_projects import ReadProjects
from spheroseg.use_cases.read_queue_status import ReadQueueStatus
from spheroseg.use_cases.read_revisions import ReadRevisions
from spheroseg.use_cases.read_runs import ReadRuns
from spheroseg.use_cases.read_segmentations import ReadSegmentations
from spheroseg.use_cases.read_together import ReadTogether
from spheroseg.use_cases.request_export import RequestExport
from spheroseg.use_cases.request_import import RequestImport
from spheroseg.use_cases.request_pages import RequestPages
from spheroseg.use_cases.request_segmentation import RequestSegmentation
from spheroseg.use_cases.request_upload import RequestUpload
from spheroseg.use_cases.retry_runs import RetryRuns
from spheroseg.use_cases.review_results import ReviewResults
from spheroseg.use_cases.share_project import ShareProject
from spheroseg.use_cases.start_runs import StartRuns
from spheroseg.use_cases.upload_in_parts import UploadInParts
from spheroseg.use_cases.watch_updates import WatchUpdates
from spheroseg.use_cases.work_on_project import WorkOnProject

CONNECTIONS = 2
"""To each database server: one for the request, one more for the health check beside it."""


def wire(settings: Settings) -> UseCases:
    """Everything that the routes can do, on AWS and PostgreSQL."""
    clock, ids = SystemClock(), RandomIds()
    s3, sqs = s3_client(), sqs_client()
    database = Database.of(settings, pool_size=CONNECTIONS)
    cache_server = server_of(settings, secrets_client(), f"spheroseg:{settings.stage}")
    kept = ValkeyCache(cache_server) if cache_server else InProcessCache()
    hot = CachedHotReads(PostgresStamps(database), kept)
    projects, images = PostgresProjects(database), PostgresImages(database)
    segmentations, batches = PostgresSegmentations(database), PostgresRunBatches(database)
    revisions, editor = PostgresRevisions(database), EditorOnDemand()
    store = S3ImageStore(s3, settings.bucket, clock)
    credentials = DatabaseCredentials.of(settings)
    links: DownloadLinks = S3DownloadLinks(s3, settings.bucket)
    if settings.links == "cdn":
        links = _CdnLinksOnDemand(settings, clock)
    queue = SqsSegmentationQueue(sqs, settings.queue_urls)
    updates = SqsUpdatePublisher(sqs, settings.updates_queue_url)
    models = ModelRegistry.packaged()
    default = models.default
    jobs, work = PostgresProjectJobs(database), SqsProjectWorkQueue(sqs, settings.project_work_queue_url)
    imports = PostgresImports(database)
    exports, export_queue = PostgresExports(database), SqsExportQueue(sqs, settings.exports_queue_url)
    copies = PostgresProjectCopies(database)
    deeds, directory = PostgresDeeds(database), CognitoDirectory(settings.user_pool_id)
    letters = SqsDeadLetters(sqs, _queue_pairs(settings))
    accounts, sharing = PostgresAccounts(database), PostgresSharing(database)
    accept_upload = AcceptUpload(
        projects, images, segmentations, store, queue, clock, Order(default.name, default.version), updates
    )
    return UseCases(
        read_account=ReadAccount(accounts),
        change_profile=ChangeProfile(accounts),
        create_project=CreateProject(projects, accounts, clock, ids),
        read_projects=ReadProjects(projects, PostgresProjectStatistics(database), hot),
        read_measurements=ReadMeasurements(projects, PostgresMeasurements(database)),
        change_project=ChangeProject(projects, clock),
        delete_project=DeleteProject(projects, jobs, work, clock),
        work_on_project=WorkOnProject(jobs, copies, store, work, clock),
        duplicate_project=DuplicateProject(projects, jobs, copies, work, clock, ids),
        share_project=ShareProject(projects, sharing, clock, ids),
        accept_offer=AcceptOffer(projects, sharing, CognitoPeople(settings.user_pool_id), clock),
        change_members=ChangeMembers(projects, sharing, clock),
        request_upload=RequestUpload(projects, images, store, clock, ids),
        upload_in_parts=UploadInParts(images, store),
        change_images=ChangeImages(projects, images, Re2Patterns()),
        complete_upload=CompleteUpload(images, store, accept_upload),
        read_images=ReadImages(projects, images, segmentations, hot),
        delete_image=DeleteImage(images, segmentations, store),
        delete_images=DeleteImages(images, store),
        request_segmentation=RequestSegmentation(images, segmentations, queue, clock, updates),
        request_pages=RequestPages(images, segmentations, queue, clock, updates),
        cancel_segmentation=CancelSegmentation(segmentations, updates, clock),
        read_segmentations=ReadSegmentations(images, segmentations, links, clock, revisions),
        read_revisions=ReadRevisions(segmentations, revisions, editor),
        edit_outlines=EditOutlines(revisions, editor, clock, export_queue),
        review_results=ReviewResults(
            projects,
            segmentations,
            revisions,
            PostgresReviews(database),
            ReadRevisions(segmentations, revisions, editor),
            clock,
        ),
        start_runs=StartRuns(projects, segmentations, batches, queue, clock, ids, updates),
        cancel_runs=CancelRuns(projects, batches, updates, clock),
        retry_runs=RetryRuns(projects, segmentations, batches, queue, clock, ids, updates),
        read_runs=ReadRuns(projects, batches, clock),
        compare_runs=CompareRuns(segmentations, revisions, editor),
        read_together=ReadTogether(PostgresBatches(database), segmentations),
        read_queue_status=ReadQueueStatus(segmentations, clock),
        watch_updates=WatchUpdates(PostgresWatchers(database), clock),
        request_export=RequestExport(projects, exports, export_queue, clock, ids),
        read_exports=ReadExports(projects, exports, links, clock),
        cancel_export=CancelExport(exports, export_queue, clock, updates),
        cancel_import=CancelImport(imports, store, clock, updates),
        request_import=RequestImport(projects, imports, store, export_queue, clock, ids),
        read_imports=ReadImports(projects, imports, clock),
        close_account=CloseAccount(PostgresAccountClosings(database), work, clock, ids),
        administer_users=AdministerUsers(directory, accounts, deeds, clock, ids),
        administer_queues=AdministerQueues(letters, letters, deeds, clock, ids),
        cursors=Cursors(lambda: cursor_secret(credentials().password)),
        models=models,
        position=lambda: database.position,
        kept_answers=PostgresKeptAnswers(database),
        rates=Rates(
            limiter=ValkeyRateLimiter(cache_server) if cache_server else None,
            alone=InProcessRateLimiter(),
            user=RateLimit(settings.user_requests_per_s, settings.user_burst),
            address=RateLimit(settings.address_requests_per_s, settings.address_burst),
        ),
        sign_in=CognitoSignIn(settings.user_pool_client_id) if settings.local_sign_in else None,
        parts=_parts(database, store, queue, cache_server),
        socket_url=settings.socket_url,
        stage=settings.stage,
        introspection=settings.graphql_introspection,
    )


@dataclass
class _CdnLinksOnDemand:
    """The CDN's links; the signing key is fetched when the first link is asked for."""

    settings: Settings
    clock: SystemClock

    def link(self, key: str, lifetime: timedelta) -> str:
        """A signed URL of one object."""
        return self._links.link(key, lifetime)

    @cached_property
    def _links(self) -> CdnDownloadLinks:
        settings = self.settings
        domain, key_pair_id = settings.cdn_domain, settings.cdn_key_pair_id
        if not (domain and key_pair_id and settings.cdn_private_key_secret_arn):
            raise ValueError("Links by the CDN need its domain, key pair id and private key")
        return CdnDownloadLinks(
            domain, key_pair_id, secret_text(secrets_client(), settings.cdn_private_key_secret_arn), self.clock
        )


def _queue_pairs(settings: Settings) -> Mapping[QueueName, QueuePair]:
    return {
        QueueName.UPLOADS: QueuePair(settings.uploads_queue_url, settings.dead_letters_url_uploads),
        QueueName.HIGH: QueuePair(settings.queue_url_high, settings.dead_letters_url_high),
        QueueName.NORMAL: QueuePair(settings.queue_url_normal, settings.dead_letters_url_normal),
        QueueName.LOW: QueuePair(settings.queue_url_low, settings.dead_letters_url_low),
        QueueName.UPDATES: QueuePair(settings.updates_queue_url, settings.dead_letters_url_updates),
        QueueName.PROJECT_WORK: QueuePair(settings.project_work_queue_url, settings.dead_letters_url_project_work),
        QueueName.EXPORTS: QueuePair(settings.exports_queue_url, settings.dead_letters_url_exports),
    }


def _parts(
    database: Database, store: S3ImageStore, queue: SqsSegmentationQueue, cache_server: ValkeyServer | None
) -> Sequence[Part]:
    def ping_writer() -> dict[str, float | None]:
        database.ping("writer")
        return {}

    def ping_reader() -> dict[str, float | None]:
        database.ping("reader")
        return {"lag_s": database.lag_s()}

    def ping_bucket() -> dict[str, float | None]:
        store.ping()
        return {}

    def ping_queues() -> dict[str, float | None]:
        return {"messages": queue.depth()}

    def ping_cache() -> dict[str, float | None]:
        if cache_server is not None:
            cache_server.ping()
        return {}

    cache = [Part("cache", ping_cache, is_needed=False)] if cache_server is not None else []
    reader = [Part("database_reader", ping_reader, is_needed=False)] if database.has_reader else []
    return [
        Part("database_writer", ping_writer),
        *reader,
        *cache,
        Part("bucket", ping_bucket),
        Part("segmentation_queues", ping_queues),
    ]
