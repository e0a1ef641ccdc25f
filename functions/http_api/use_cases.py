"""What the routes call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from http_api.cursors import Cursors
from http_api.health import Part
from http_api.rates import Rates
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.model_choice import ChoosingModel
from spheroseg.ports import KeptAnswerRepository
from spheroseg.use_cases.accept_offer import AcceptOffer
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


class Models(Protocol):
    """The registered models."""

    @property
    def default(self) -> ModelCard:
        """The model that runs when none is named."""

    def selectable(self) -> Sequence[ModelCard | ChoosingModel]:
        """Whatever an order may name: every model, and the rules that choose between models."""

    def select(self, name: str, version: str | None = None) -> ModelCard | ChoosingModel:
        """A model or a rule, its latest version unless one is named, or raise ``ModelNotFoundError``."""


class Tokens(Protocol):
    """What a user pool gives to somebody who signed in."""

    @property
    def access_token(self) -> str:
        """What proves who somebody is."""

    @property
    def refresh_token(self) -> str | None:
        """What renews the access token; None when the old one stays valid."""

    @property
    def expires_in_s(self) -> int:
        """Seconds for which the access token is good."""


class SignIn(Protocol):
    """Sign-in by password over the API, in the local stage only."""

    def sign_up(self, email: str, password: str) -> str:
        """The id of a new user, who may sign in at once.

        Raises:
            AccountExistsError, PasswordRefusedError: the address is taken, the password too weak.
        """

    def sign_in(self, email: str, password: str) -> Tokens:
        """Tokens for a user, or raise ``WrongCredentialsError``."""

    def refresh(self, refresh_token: str) -> Tokens:
        """A new access token, or raise ``WrongCredentialsError``."""


@dataclass(frozen=True)
class UseCases:
    """Everything that the routes can do.

    Args:
        cursors: Signs where pages of lists end.
        position: The database's position after the latest write of this process, None before the first.
        kept_answers: What repeated requests are answered with.
        rates: How much somebody may ask for.
        sign_in: None in every stage but the local one.
        parts: What ``/health/ready`` and ``/health/detailed`` look at.
        socket_url: Where clients open a socket.
        introspection: Whether ``/graphql`` describes its schema.
    """

    read_account: ReadAccount
    change_profile: ChangeProfile
    create_project: CreateProject
    read_projects: ReadProjects
    change_project: ChangeProject
    delete_project: DeleteProject
    work_on_project: WorkOnProject
    duplicate_project: DuplicateProject
    share_project: ShareProject
    accept_offer: AcceptOffer
    change_members: ChangeMembers
    request_upload: RequestUpload
    upload_in_parts: UploadInParts
    change_images: ChangeImages
    complete_upload: CompleteUpload
    read_images: ReadImages
    delete_image: DeleteImage
    delete_images: DeleteImages
    request_segmentation: RequestSegmentation
    request_pages: RequestPages
    cancel_segmentation: CancelSegmentation
    read_segmentations: ReadSegmentations
    read_measurements: ReadMeasurements
    read_revisions: ReadRevisions
    edit_outlines: EditOutlines
    review_results: ReviewResults
    read_together: ReadTogether
    start_runs: StartRuns
    cancel_runs: CancelRuns
    retry_runs: RetryRuns
    read_runs: ReadRuns
    compare_runs: CompareRuns
    read_queue_status: ReadQueueStatus
    watch_updates: WatchUpdates
    request_export: RequestExport
    read_exports: ReadExports
    cancel_export: CancelExport
    cancel_import: CancelImport
    request_import: RequestImport
    read_imports: ReadImports
    close_account: CloseAccount
    administer_users: AdministerUsers
    administer_queues: AdministerQueues
    cursors: Cursors
    models: Models
    position: Callable[[], str | None]
    kept_answers: KeptAnswerRepository
    rates: Rates
    sign_in: SignIn | None
    parts: Sequence[Part]
    socket_url: str
    stage: str
    introspection: bool = False
