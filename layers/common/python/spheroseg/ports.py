"""What use cases need from outside. Each port has a fake in tests/fakes, held to the same contract tests.

Methods that take a ``Viewer`` read from a reader that has seen the viewer's own writes, and find nothing in projects
where the viewer has no role. ``accessible`` is for whoever wants to change something: it reads from the writer, as last
written, and tells the viewer's role along. The others speak for the system: they read from the writer and see every
row as last written. Nobody finds anything in a project that is being deleted.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from uuid import UUID

from spheroseg.domain.access import Accessible, Role
from spheroseg.domain.account import Account, Profile
from spheroseg.domain.backlog import Backlog
from spheroseg.domain.image import Image
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.name_pattern import CompiledPattern
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import Project, ProjectStatistics
from spheroseg.domain.project_job import DoomedImage, ProjectJob
from spheroseg.domain.run_batch import Candidate, RunBatch, Selection
from spheroseg.domain.run_progress import Progress
from spheroseg.domain.segmentation import Order, Parameters, Priority, Segmentation
from spheroseg.domain.sharing import Invitation, Member, Offer
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.upload_parts import UploadPart
from spheroseg.domain.viewer import Viewer
from spheroseg.messages import ProjectWorkRequested, SegmentationChanged, SegmentationRequested

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from spheroseg.imaging.certainty import View


class Clock(Protocol):
    """What time it is."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""


class IdSource(Protocol):
    """Where new ids come from."""

    def new(self) -> UUID:
        """An id that was never given out before; later ones sort later (UUID version 7 where it is at hand)."""


class Patterns(Protocol):
    """Compiles patterns of users, so that none of them can take long."""

    def compile(self, pattern: str) -> CompiledPattern:
        """The pattern, ready to run, or raise ``InvalidPatternError``."""


class AccountRepository(Protocol):
    """Profiles, quotas and usage, by person; one who was never heard of has an empty account."""

    def one(self, viewer: Viewer) -> Account:
        """The viewer's own account."""

    def get(self, user_id: str) -> Account:
        """An account as last written."""

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        """Store what somebody says about themselves; the last one wins."""


class ProjectRepository(Protocol):
    """Projects, and who may do what there."""

    def add(self, project: Project) -> None:
        """Store a new project."""

    def get(self, project_id: UUID) -> Project:
        """The project whoever owns it, or raise ``ProjectNotFoundError``."""

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The project with the viewer's role in it, or raise ``ProjectNotFoundError``."""

    def accessible(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        """The same as last written, for whoever wants to change it."""

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Sequence[Accessible[Project]]:
        """Up to ``limit`` of the projects that the viewer has a role in, newest first, older than ``after``.

        Args:
            archived: Only those that are archived, or only those that are not; None: both.
            tag: Only those with that tag.
        """

    def replace(self, before: Project, after: Project) -> None:
        """Store ``after`` where the version is still that of ``before``, or raise ``StaleStateError``.

        The owner is not changed by it: see ``SharingRepository.hand_over``.
        """


class ProjectStatisticsSource(Protocol):
    """What is in projects, counted."""

    def of(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        """The counts, in one statement, or raise ``ProjectNotFoundError`` when the viewer has no role there."""


class ProjectJobRepository(Protocol):
    """Jobs on whole projects, and the rows that they work on; each call is one transaction."""

    def begin_deletion(self, project: Project, job: ProjectJob) -> ProjectJob:
        """Mark the project as it was read, so that nobody finds it, and store the job with its images counted.

        Raises:
            StaleStateError: the project was changed, or marked, by another call.
        """

    def get(self, job_id: UUID) -> ProjectJob:
        """The job whoever asked for it, or raise ``JobNotFoundError``."""

    def one(self, viewer: Viewer, job_id: UUID) -> ProjectJob:
        """A job that the viewer asked for, or raise ``JobNotFoundError``."""

    def doomed(self, project_id: UUID, limit: int) -> Sequence[DoomedImage]:
        """Up to ``limit`` images of a project that is being deleted, the oldest first; none of any other project."""

    def remove_images(self, job: ProjectJob, image_ids: Sequence[UUID], at: datetime) -> ProjectJob:
        """Remove images of the project that is being deleted, count those that were still there; the job after it."""

    def end_deletion(self, job: ProjectJob, at: datetime) -> ProjectJob:
        """Remove the project's row and end the job; while images are left, nothing happens and the job goes on."""

    def stalled(self, before: datetime, limit: int) -> Sequence[ProjectJob]:
        """Up to ``limit`` unfinished jobs that were last worked on before that time, the most silent first."""


class ProjectWorkQueue(Protocol):
    """The sending side of the queue of jobs on projects."""

    def send(self, requests: Sequence[ProjectWorkRequested]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""


class People(Protocol):
    """The user pool."""

    def verified_email(self, user_id: str) -> str | None:
        """Somebody's e-mail address in lower case if they have shown that they read it, else None.

        Raises:
            SignInUnavailableError: the user pool does not answer.
        """


class SharingRepository(Protocol):
    """Members of projects and offers of roles; every change is one transaction, alone on its project."""

    def members(self, project_id: UUID) -> Sequence[Member]:
        """All who have a role in a project, the owner first, then by when they joined."""

    def change_role(self, project_id: UUID, user_id: str, role: Role) -> Member:
        """The member in another role, or raise ``MemberNotFoundError``; the owner is no member in this sense."""

    def remove(self, project_id: UUID, user_id: str, at: datetime) -> None:
        """End a role and note it, so that no offer from before gives it back; or raise ``MemberNotFoundError``."""

    def leave(self, project_id: UUID, user_id: str) -> None:
        """End a role; nothing happens when there is none."""

    def hand_over(self, project: Project, user_id: str, at: datetime) -> None:
        """Make a member the owner of the project as it was read, its owner an editor, all or nothing.

        Raises:
            StaleStateError: it has another owner by now.
            MemberNotFoundError: nobody of that id has a role there.
            QuotaExceededError: its images do not fit into what the new owner may keep.
        """

    def offer(self, offer: Offer) -> Offer:
        """Store an offer; one for the same address goes. Raises ``TooManyMembersError`` when the project is full."""

    def offers(self, project_id: UUID) -> Sequence[Offer]:
        """Offers that nobody has accepted, and links, the newest first."""

    def withdraw(self, project_id: UUID, offer_id: UUID) -> None:
        """Remove an offer of the project, or raise ``OfferNotFoundError``."""

    def invitations(self, email: str, at: datetime) -> Sequence[Invitation]:
        """What is offered to an address and can be accepted then, the newest first."""

    def decline(self, offer_id: UUID, email: str) -> None:
        """Remove an offer for that address that was not accepted, or raise ``OfferNotFoundError``."""

    def accept_invitation(self, offer_id: UUID, user_id: str, email: str, at: datetime) -> UUID:
        """Give the offered role to whoever has the address; the project's id. Again by the same person: the same.

        Raises:
            OfferNotFoundError: there is no such offer for that address, or somebody else has accepted it.
            OfferEndedError: its time is over, or its role was taken away again.
        """

    def accept_link(self, token_hash: str, user_id: str, email: str | None, at: datetime) -> UUID:
        """Give the offered role to whoever holds the token; the project's id. Again by the same person: the same.

        Raises:
            OfferNotFoundError: no link has that token, or the person was removed after it was made.
            OfferEndedError: its time is over.
            TooManyMembersError: the project is full.
        """


@dataclass(frozen=True)
class RunOfImage:
    """A run as far as its removal needs it; ``is_open``: a worker may still write its result."""

    id: UUID
    is_open: bool


class ImageRepository(Protocol):
    """Images, by project."""

    def add_many(self, images: Sequence[Image]) -> None:
        """Store new images of one owner, all or none; what they need is taken from the owner's quota.

        Raises:
            QuotaExceededError: the owner's quota has no room for them, whoever else adds at the same time.
            ConflictError: one of them is there already.
        """

    def get(self, image_id: UUID) -> Image:
        """The image whoever owns it, or raise ``ImageNotFoundError``."""

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        """An image that the viewer may read, or raise ``ImageNotFoundError``."""

    def accessible(self, viewer: Viewer, image_id: UUID) -> Accessible[Image]:
        """The image as last written with what the viewer may do to it, or raise ``ImageNotFoundError``."""

    def accessible_many(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Image]]:
        """Those of the images that the viewer has a role for, as last written, in one statement."""

    def named(self, project_id: UUID, names: Sequence[str]) -> Sequence[Image]:
        """Images of a project that have one of the names, as last written."""

    def change_many(self, image_ids: Sequence[UUID], changed: Callable[[Image], Image]) -> Sequence[Image]:
        """Store what ``changed`` makes of name, project, owner, tags, sample and pixel size of images, all or none.

        ``changed`` sees each as last written and locked, maybe more than once. Runs move along with their image, and
        their pixel size follows. Gives those that were changed.

        Raises:
            StaleStateError: one of them is gone.
            QuotaExceededError: an image moves to another owner, who has no room for it.
        """

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read, newest first, older than ``after``."""

    def runs_of(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RunOfImage]]:
        """All runs of some images, by image, as last written, in one statement."""

    def delete_many(self, image_ids: Sequence[UUID]) -> None:
        """Remove images, their segmentations and spheroids, together; those that are gone already do not matter."""

    def search(
        self, viewer: Viewer, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read: those asked for, in order, past ``after``.

        New images never shift a page; one whose sort value changes meanwhile may be met twice, or not.
        """

    def replace(self, before: Image, after: Image) -> None:
        """Store ``after`` where ``before`` still stands, or raise ``StaleStateError``."""

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        """Store ``after`` and its queued run together where ``before`` still stands, or raise ``StaleStateError``."""

    def note_pages(self, image_id: UUID, pages: Pages) -> None:
        """Store how many pages an image's file has; nothing happens when that is known, or the image gone."""

    def delete(self, image: Image) -> None:
        """Remove the image, its segmentations and spheroids; nothing happens when it is gone already."""

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images whose file is awaited since before that time, newest first, past ``after``."""


class SegmentationRepository(Protocol):
    """Segmentations and their spheroids."""

    def add(self, segmentation: Segmentation) -> bool:
        """Store a queued run; False, and nothing changed, when one of that id exists."""

    def add_many(self, segmentations: Sequence[Segmentation]) -> None:
        """Store queued runs whose ids do not exist, all or none; the others stay as they are."""

    def get_many(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that exist, as last written, whoever owns them, in one statement."""

    def get(self, segmentation_id: UUID) -> Segmentation:
        """The run whoever owns it, or raise ``SegmentationNotFoundError``."""

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        """A run that the viewer may read, or raise ``SegmentationNotFoundError``."""

    def accessible(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Segmentation]:
        """The run as last written with what the viewer may do to it, or raise ``SegmentationNotFoundError``."""

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        """All runs of an image, the latest queued first; empty when the viewer may not read it."""

    def page_of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Sequence[Segmentation]:
        """Up to ``limit`` runs of an image that the viewer may read, the latest queued first, older than ``after``.

        Args:
            page: Only runs over this page of its file; None: over any.
        """

    def latest_of_images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest queued run of each image that has one and that the viewer may read, in one statement."""

    def replace(self, before: Segmentation, after: Segmentation) -> None:
        """Store ``after`` where status and attempt are still those of ``before``, or raise ``StaleStateError``."""

    def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
        """Store ``after`` and its spheroids together where ``before`` still stands, or raise ``StaleStateError``."""

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        """Note that its worker is still at it, or raise ``StaleStateError`` when it was replaced or cancelled."""

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        """Up to ``limit`` spheroids of a run that the viewer may read, above ``after_number``, in order of number."""

    def rim_px(self, segmentation_ids: Sequence[UUID]) -> float:
        """Length of all outlines of these runs, holes included, in px."""

    def latest_repeats(self, first_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """The latest repeat of each run that exists, by the first one's id, as last written, in one statement."""

    def release(self, at: datetime) -> Sequence[Segmentation]:
        """Mark the waiting runs whose turn has come (``fairness.released``) as sent, and give them in that order."""

    def hold(self, segmentation_ids: Sequence[UUID]) -> None:
        """Let waiting runs that were marked as sent wait for their turn again."""

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        """Runs sent before one time, and running ones whose worker was last alive before another, oldest first."""

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        """What waits and runs; with a queued ``segmentation`` also how many waiting runs are before it.

        Before one that was sent are those sent to a more urgent queue, and to its own queue earlier. Before one that
        waits for its turn are all that were sent, and those whose turn comes first (``run_progress.sent_before``).
        """


class RunBatchRepository(Protocol):
    """Calls that start, cancel or repeat many runs of a project, and how far these are."""

    def candidates(self, project_id: UUID, image_ids: Sequence[UUID] | None, limit: int) -> Sequence[Candidate]:
        """Up to ``limit`` images of a project, the newest first, or those of the named ones that are there."""

    def find(self, batch_id: UUID) -> RunBatch | None:
        """The batch as last written, whoever started it."""

    def one(self, viewer: Viewer, batch_id: UUID) -> RunBatch:
        """A batch of a project that the viewer may read, or raise ``RunBatchNotFoundError``."""

    def start(self, batch: RunBatch, runs: Sequence[Segmentation]) -> RunBatch:
        """Store the batch with its runs, all or none, less those that another call started meanwhile.

        When a batch of that id is there, that one is given and nothing is stored.

        Args:
            runs: New ones of one call: project, person, moment, correlation id and batch are the same.

        Raises:
            StaleStateError: the image of one of them was deleted meanwhile.
        """

    def cancel(self, project_id: UUID, selection: Selection, at: datetime, limit: int) -> Sequence[Segmentation]:
        """Cancel up to ``limit`` of the meant runs that have not ended, in one statement, and give them."""

    def active(self, project_id: UUID, selection: Selection) -> int:
        """How many of the meant runs have not ended."""

    def failed(self, project_id: UUID, selection: Selection, limit: int) -> Sequence[Segmentation]:
        """Up to ``limit`` of the meant runs that failed and were not repeated since, as last written, oldest first."""

    def progress(self, project_id: UUID, batch_id: UUID | None, now: datetime) -> Progress:
        """How far the runs of a project or of one of its batches are, as last written."""


class BatchReads(Protocol):
    """Rows below many parents at once; what the viewer may not read is left out, as if it were not there."""

    def projects(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Project]]:
        """Those of the projects that the viewer has a role in."""

    def images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Image]:
        """Those of the images that the viewer may read."""

    def segmentations(self, viewer: Viewer, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        """Those of the runs that the viewer may read."""

    def images_of_projects(
        self, viewer: Viewer, project_ids: Sequence[UUID], after: PageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Image]]:
        """Up to ``limit`` images of each project, newest first, older than ``after``."""

    def image_counts(self, viewer: Viewer, project_ids: Sequence[UUID]) -> Mapping[UUID, Mapping[str, int]]:
        """How many images each project has, by status."""

    def segmentations_of_images(
        self, viewer: Viewer, image_ids: Sequence[UUID], after: PageKey | None, limit: int
    ) -> Mapping[UUID, Sequence[Segmentation]]:
        """Up to ``limit`` runs of each image, the latest queued first, older than ``after``."""

    def segmentation_counts(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many runs each image has that has any."""

    def spheroids_of_segmentations(
        self, viewer: Viewer, segmentation_ids: Sequence[UUID], after_number: int, limit: int
    ) -> Mapping[UUID, Sequence[Spheroid]]:
        """Up to ``limit`` spheroids of each run, above ``after_number``, in order of number."""


@dataclass(frozen=True)
class StoredObject:
    """What the store knows of an object without its bytes."""

    key: str
    size_bytes: int
    etag: str


@dataclass(frozen=True)
class UploadForm:
    """A form that lets its holder post one file to one key: send ``fields`` first, then the file as ``file``."""

    url: str
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True)
class PartLink:
    """Where one part is put, by HTTP PUT, with these headers and no others that matter."""

    number: int
    url: str
    headers: Mapping[str, str]
    expires_at: datetime


class ImageStore(Protocol):
    """The bucket: original files, results, inboxes."""

    def upload_forms(self, wanted: Sequence[tuple[str, int]], lifetime: timedelta) -> Sequence[UploadForm]:
        """A form for each key and size: it takes one file of 1 to so many bytes."""

    def begin_parts(self, key: str) -> str:
        """Begin an upload in parts to ``key`` and give its id; what never ends is dropped after a day."""

    def part_links(
        self, key: str, upload_id: str, parts: Sequence[UploadPart], lifetime: timedelta
    ) -> Sequence[PartLink]:
        """Where to put each part; the store takes those very bytes only, and the same part again."""

    def parts(self, key: str, upload_id: str) -> Sequence[UploadPart]:
        """The parts that have arrived, by number, or raise ``ObjectNotFoundError`` when the upload has ended."""

    def end_parts(self, key: str, upload_id: str, parts: Sequence[UploadPart]) -> None:
        """Make the object of its parts, or raise ``ObjectNotFoundError`` when the upload has ended."""

    def drop_parts(self, key: str, upload_id: str) -> None:
        """Remove what has arrived of an upload; nothing happens when it has ended."""

    def sha256(self, key: str) -> str:
        """Digest of an object's bytes, which are read for it; raise ``ObjectNotFoundError`` when it is absent."""

    def describe(self, key: str) -> StoredObject:
        """Size and tag of an object, or raise ``ObjectNotFoundError``."""

    def download(self, key: str, path: Path) -> None:
        """Write the object's bytes to a file, or raise ``ObjectNotFoundError``."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store bytes that never change again under ``key``."""

    def copy(self, source_key: str, source_etag: str, key: str) -> StoredObject:
        """Copy inside the store.

        Raises:
            ObjectNotFoundError: there is no object at ``source_key``.
            ObjectChangedError: its tag is no longer ``source_etag``.
        """

    def refuse(self, key: str, code: str) -> None:
        """Mark an object that cannot be taken in with the reason's code; nothing happens when it is gone."""

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when it is gone already."""

    def delete_under(self, prefix: str) -> None:
        """Remove every object whose key starts with ``prefix``."""


class DownloadLinks(Protocol):
    """Addresses that let their holder fetch one object for a while."""

    def link(self, key: str, lifetime: timedelta) -> str:
        """A signed URL of one object."""


class SegmentationQueue(Protocol):
    """The sending side of the segmentation queues, one for each priority."""

    def send(self, requests: Sequence[tuple[Priority, SegmentationRequested]]) -> None:
        """Queue every request, or raise ``QueueUnavailableError``; after an error some may have been queued."""

    def depth(self) -> int:
        """Requests waiting or lent out over all priorities, roughly: the queues count approximately."""


class UpdatePublisher(Protocol):
    """Where changes are announced."""

    def publish(self, update: SegmentationChanged) -> None:
        """Announce a change; it may be heard more than once, and late."""

    def publish_many(self, updates: Sequence[SegmentationChanged]) -> None:
        """Announce changes in as few calls as possible; after an error some of them may have been announced."""


class WatcherRepository(Protocol):
    """Who listens on the socket, and the one-time tickets that let them in."""

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        """Store a ticket's hash."""

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        """The owner of a ticket, which is used up by this, or raise ``UnknownTicketError``."""

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        """Note an open connection."""

    def remove(self, connection_id: str) -> None:
        """Forget a connection; nothing happens when it is unknown."""

    def of_project(self, project_id: UUID) -> Sequence[str]:
        """The open connections of all who have a role in the project now."""

    def remove_older_than(self, at: datetime) -> int:
        """Forget connections and tickets from before that time; how many connections were forgotten."""


class WatcherSockets(Protocol):
    """The sending side of the socket."""

    def send(self, connection_id: str, content: str) -> None:
        """Push text to one connection, or raise ``ConnectionGoneError``."""


@dataclass(frozen=True)
class ChosenModel:
    """Which model made the objects, and why that one, in words; None: it was asked for."""

    card: ModelCard
    reason: str | None


@dataclass(frozen=True)
class SegmentedPixels:
    """What a model makes of an image.

    Args:
        labels: (height, width) int32; 0 is background, 1 … n are the objects, numbered without gaps. Of a large image
            they lie in a file that is mapped into memory.
        view: What the model saw them in, with how likely each of its pixels belongs to a spheroid.
        chosen: The model that made it; None: the segmenter's own.
    """

    labels: "NDArray[np.int32]"
    view: "View"
    chosen: ChosenModel | None = None


class Segmenter(Protocol):
    """A loaded model, or several that are chosen between."""

    @property
    def card(self) -> ModelCard:
        """What runs where the answer names no other model."""

    def segment(
        self, pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]", parameters: Parameters
    ) -> SegmentedPixels:
        """Objects of a grey image, (height, width), at its own size.

        Raises:
            InvalidPixelsError: the pixels cannot be segmented, such as when all are equal.
        """


class Segmenters(Protocol):
    """The models that a worker can run."""

    def of(self, order: Order) -> Segmenter:
        """The ordered model, or raise ``ModelNotFoundError``."""


@dataclass(frozen=True)
class DecodedImage:
    """One page of a file as grey pixels.

    Args:
        pixels: (height, width) uint8, uint16 or float32: the samples as stored, colours as luminance.
        pixel_type: The file's own sample type, such as ``uint16``.
        pages: Pages of the file, at least 1, and what they run over.
        pixel_size_um: Edge of one pixel in µm as the file says it unambiguously, else None.
    """

    pixels: "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]"
    pixel_type: str
    pages: Pages
    pixel_size_um: float | None


class Decoder(Protocol):
    """Reads image files without trusting them."""

    def decode(self, path: Path, page: int) -> DecodedImage:
        """One page of a file, the first is 1.

        Raises:
            InvalidInputError: one of its leaves says what is wrong with the file.
        """
