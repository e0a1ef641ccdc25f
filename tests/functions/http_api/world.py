"""The API over fakes, as somebody in particular sees it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from http_api.app import create_app
from http_api.cursors import Cursors
from http_api.envelope import Answered
from http_api.health import Part
from http_api.rates import Rates
from http_api.use_cases import UseCases
from spheroseg.adapters.in_process import InProcessRateLimiter
from spheroseg.domain.image import Image, ImageStatus, original_key
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.model_choice import ChoosingModel
from spheroseg.domain.operations import Delete
from spheroseg.domain.project import Project
from spheroseg.domain.rate_limit import RateLimit
from spheroseg.domain.segmentation import Order, Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ModelNotFoundError,
)
from spheroseg.imaging.editing import ShapelyEditor
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
from tests.builders import (
    OWNER,
    a_model_card,
    a_model_choice,
    a_project,
    a_segmentation,
    a_spheroid,
    an_image,
    an_order,
)
from tests.fakes import (
    InMemoryAccounts,
    InMemoryClock,
    InMemoryDownloadLinks,
    InMemoryIds,
    InMemoryImages,
    InMemoryImageStore,
    InMemoryMeasurements,
    InMemoryPatterns,
    InMemoryPeople,
    InMemoryProjectCopies,
    InMemoryProjectJobs,
    InMemoryProjects,
    InMemoryProjectStatistics,
    InMemoryProjectWorkQueue,
    InMemoryReviews,
    InMemoryRevisions,
    InMemoryRunBatches,
    InMemorySegmentationQueue,
    InMemorySegmentations,
    InMemorySharing,
    InMemoryUpdatePublisher,
    InMemoryWatchers,
)
from tests.fakes.account_closings import InMemoryAccountClosings
from tests.fakes.administration import InMemoryDirectory, InMemoryQueues
from tests.fakes.batches import InMemoryBatches
from tests.fakes.exports import InMemoryExportQueue, InMemoryExports
from tests.fakes.imports import InMemoryImports
from tests.fakes.kept_answers import InMemoryKeptAnswers
from tests.fakes.sign_in import InMemorySignIn


@dataclass
class SomeModels:
    """Model cards in a list; the first is the default."""

    cards: list[ModelCard] = field(default_factory=lambda: [a_model_card(), a_model_card(name="other", version="3")])

    @property
    def default(self) -> ModelCard:
        return self.cards[0]

    def selectable(self) -> Sequence[ModelCard | ChoosingModel]:
        return [*self.cards, ChoosingModel(a_model_choice(), self.cards[0], self.cards[-1])]

    def select(self, name: str, version: str | None = None) -> ModelCard | ChoosingModel:
        for one in self.selectable():
            if one.name == name and version in {None, one.version}:
                return one
        raise ModelNotFoundError(f"There is no model {name}")


@dataclass
class World:
    """Fakes, the use cases over them, and the API over those."""

    clock: InMemoryClock = field(default_factory=InMemoryClock)
    ids: InMemoryIds = field(default_factory=InMemoryIds)
    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    queue: InMemorySegmentationQueue = field(default_factory=InMemorySegmentationQueue)
    updates: InMemoryUpdatePublisher = field(default_factory=InMemoryUpdatePublisher)
    work: InMemoryProjectWorkQueue = field(default_factory=InMemoryProjectWorkQueue)
    export_queue: InMemoryExportQueue = field(default_factory=InMemoryExportQueue)
    people: InMemoryPeople = field(default_factory=InMemoryPeople)
    models: SomeModels = field(default_factory=SomeModels)
    sign_in: InMemorySignIn | None = field(default_factory=InMemorySignIn)
    kept_answers: InMemoryKeptAnswers = field(default_factory=InMemoryKeptAnswers)
    unkept: list[Exception] = field(default_factory=list)
    rates: Rates = field(
        default_factory=lambda: Rates(
            None, InProcessRateLimiter(), RateLimit(10_000, 100_000), RateLimit(10_000, 100_000)
        )
    )
    parts: list[Part] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    position: str | None = "0/16B3748"
    introspection: bool = False

    def __post_init__(self) -> None:
        self.segmentations = InMemorySegmentations(projects=self.projects)
        self.revisions = InMemoryRevisions(self.segmentations)
        self.images = InMemoryImages(self.segmentations)
        self.reviews = InMemoryReviews(self.images)
        self.exports = InMemoryExports(self.images)
        self.imports = InMemoryImports(self.images, self.revisions)
        self.batches = InMemoryRunBatches(self.images)
        self.watchers = InMemoryWatchers(self.projects)
        self.accounts = InMemoryAccounts(self.images)
        self.deeds = self.accounts.deeds
        self.directory, self.letters = InMemoryDirectory(), InMemoryQueues()
        self.jobs = InMemoryProjectJobs(self.images)
        self.copies = InMemoryProjectCopies(self.jobs)
        self.sharing = InMemorySharing(self.projects, self.accounts)
        self.closings = InMemoryAccountClosings(self.accounts, self.copies, self.sharing, self.watchers)
        self.store = InMemoryImageStore(self.clock)

    def use_cases(self) -> UseCases:
        default = self.models.default
        accept_upload = AcceptUpload(
            self.projects,
            self.images,
            self.segmentations,
            self.store,
            self.queue,
            self.clock,
            Order(default.name, default.version),
            self.updates,
        )
        return UseCases(
            read_account=ReadAccount(self.accounts),
            change_profile=ChangeProfile(self.accounts),
            create_project=CreateProject(self.projects, self.accounts, self.clock, self.ids),
            read_projects=ReadProjects(self.projects, InMemoryProjectStatistics(self.images)),
            read_measurements=ReadMeasurements(self.projects, InMemoryMeasurements(self.images, self.revisions)),
            change_project=ChangeProject(self.projects, self.clock),
            delete_project=DeleteProject(self.projects, self.jobs, self.work, self.clock),
            work_on_project=WorkOnProject(self.jobs, self.copies, self.store, self.work, self.clock),
            duplicate_project=DuplicateProject(self.projects, self.jobs, self.copies, self.work, self.clock, self.ids),
            share_project=ShareProject(self.projects, self.sharing, self.clock, self.ids),
            accept_offer=AcceptOffer(self.projects, self.sharing, self.people, self.clock),
            change_members=ChangeMembers(self.projects, self.sharing, self.clock),
            request_upload=RequestUpload(self.projects, self.images, self.store, self.clock, self.ids),
            upload_in_parts=UploadInParts(self.images, self.store),
            change_images=ChangeImages(self.projects, self.images, InMemoryPatterns()),
            complete_upload=CompleteUpload(self.images, self.store, accept_upload),
            read_images=ReadImages(self.projects, self.images, self.segmentations),
            delete_image=DeleteImage(self.images, self.segmentations, self.store),
            delete_images=DeleteImages(self.images, self.store),
            request_segmentation=RequestSegmentation(
                self.images, self.segmentations, self.queue, self.clock, self.updates
            ),
            request_pages=RequestPages(self.images, self.segmentations, self.queue, self.clock, self.updates),
            cancel_segmentation=CancelSegmentation(self.segmentations, self.updates, self.clock),
            read_segmentations=ReadSegmentations(
                self.images, self.segmentations, InMemoryDownloadLinks(), self.clock, self.revisions
            ),
            read_revisions=ReadRevisions(self.segmentations, self.revisions, ShapelyEditor()),
            edit_outlines=EditOutlines(self.revisions, ShapelyEditor(), self.clock, self.export_queue),
            review_results=ReviewResults(
                self.projects,
                self.segmentations,
                self.revisions,
                self.reviews,
                ReadRevisions(self.segmentations, self.revisions, ShapelyEditor()),
                self.clock,
            ),
            start_runs=StartRuns(
                self.projects,
                self.segmentations,
                self.batches,
                self.queue,
                self.clock,
                self.ids,
                self.updates,
            ),
            cancel_runs=CancelRuns(self.projects, self.batches, self.updates, self.clock),
            retry_runs=RetryRuns(
                self.projects,
                self.segmentations,
                self.batches,
                self.queue,
                self.clock,
                self.ids,
                self.updates,
            ),
            read_runs=ReadRuns(self.projects, self.batches, self.clock),
            compare_runs=CompareRuns(self.segmentations, self.revisions, ShapelyEditor()),
            read_together=ReadTogether(
                InMemoryBatches(self.projects, self.images, self.segmentations, self.revisions), self.segmentations
            ),
            read_queue_status=ReadQueueStatus(self.segmentations, self.clock),
            watch_updates=WatchUpdates(self.watchers, self.clock),
            request_export=RequestExport(self.projects, self.exports, self.export_queue, self.clock, self.ids),
            read_exports=ReadExports(self.projects, self.exports, InMemoryDownloadLinks(), self.clock),
            cancel_export=CancelExport(self.exports, self.export_queue, self.clock, self.updates),
            cancel_import=CancelImport(self.imports, self.store, self.clock, self.updates),
            request_import=RequestImport(
                self.projects, self.imports, self.store, self.export_queue, self.clock, self.ids
            ),
            read_imports=ReadImports(self.projects, self.imports, self.clock),
            close_account=CloseAccount(self.closings, self.work, self.clock, self.ids),
            administer_users=AdministerUsers(self.directory, self.accounts, self.deeds, self.clock, self.ids),
            administer_queues=AdministerQueues(self.letters, self.letters, self.deeds, self.clock, self.ids),
            cursors=Cursors(lambda: b"a secret of the tests"),
            models=self.models,
            position=lambda: self.position,
            kept_answers=self.kept_answers,
            rates=self.rates,
            sign_in=self.sign_in,
            parts=self.parts,
            socket_url="wss://sockets.invalid/live",
            stage="test",
            introspection=self.introspection,
        )

    @cached_property
    def app(self) -> ASGIApp:
        return create_app(self.use_cases(), self.answered.append, self.unkept.append)

    def as_(self, user_id: str | None = OWNER, **claims: Any) -> "Client":
        """The API for a person; None: nobody is signed in."""
        all_claims = {"sub": user_id, "token_use": "access", **claims} if user_id else None
        return Client(BehindGateway(self.app, all_claims))

    def a_project(self, **changes: Any) -> Project:
        project = a_project(**changes)
        self.projects.add(project)
        return project

    def an_image(self, project: Project | None = None, **changes: Any) -> Image:
        image = an_image(project or self.a_project(), order=an_order(), **changes)
        self.images.add_many([image])
        if image.status is ImageStatus.STORED:
            self.store.put(original_key(image.id), b"pixels", "image/tiff")
        return image

    def a_run(
        self, image: Image | None = None, *spheroids: Spheroid, status: SegmentationStatus, **changes: Any
    ) -> Segmentation:
        run = a_segmentation(image or self.an_image(), status=status, **changes)
        self.segmentations.rows[run.id] = run
        self.segmentations.found[run.id] = list(spheroids)
        return run

    def a_succeeded_run(self, *spheroids: Spheroid, **changes: Any) -> Segmentation:
        found = spheroids or (a_spheroid(1), a_spheroid(2))
        return self.a_run(None, *found, status=SegmentationStatus.SUCCEEDED, **changes)

    def edited(self, run: Segmentation) -> None:
        """Spheroid 1 of a run is removed by its owner."""
        edit = EditOutlines(self.revisions, ShapelyEditor(), self.clock)
        edit.save(Viewer(run.owner_id), run.id, run.revision, [Delete((1,))])

    def state(self) -> tuple[object, ...]:
        """All that requests could have changed."""
        return (
            dict(self.projects.rows),
            dict(self.projects.members),
            set(self.projects.deleted),
            dict(self.jobs.rows),
            dict(self.sharing.rows),
            dict(self.images.rows),
            dict(self.segmentations.rows),
            dict(self.batches.rows),
            dict(self.exports.rows),
            dict(self.imports.rows),
            {key: list(value) for key, value in self.segmentations.found.items()},
            dict(self.store.objects),
            list(self.queue.sent),
            list(self.updates.published),
            dict(self.watchers.tickets),
            dict(self.accounts.profiles),
            {key: list(value) for key, value in self.revisions.saved.items()},
            {key: list(value) for key, value in self.reviews.made.items() if value},
            list(self.deeds.rows),
            dict(self.closings.rows),
            dict(self.letters.dead),
        )


@dataclass
class BehindGateway:
    """What Mangum does, for tests that speak HTTP: puts the gateway's event beside the request."""

    app: ASGIApp
    claims: dict[str, Any] | None
    address: str | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context: dict[str, Any] = {"requestId": "request-of-the-gateway"}
        if self.claims is not None:
            context["authorizer"] = {"jwt": {"claims": self.claims, "scopes": None}}
        if self.address is not None:
            context["http"] = {"sourceIp": self.address}
        scope["aws.event"] = {"requestContext": context}
        await self.app(scope, receive, send)


def path_of(template: str, ids: dict[str, UUID | str]) -> str:
    return template.format(**{name: str(value) for name, value in ids.items()})


@dataclass(frozen=True)
class Client:
    """Speaks HTTP to an app in this process; redirects are not followed."""

    app: ASGIApp

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.request("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.request("POST", path, **request)

    def delete(self, path: str, **request: Any) -> httpx.Response:
        return self.request("DELETE", path, **request)

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def sent() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api.invalid") as client:
                return await client.request(method, path, **request)

        return asyncio.get_event_loop().run_until_complete(sent())
