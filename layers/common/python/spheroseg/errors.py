"""Everything that can go wrong, by name; the edges decide what a client sees of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID


class SpherosegError(Exception):
    """Anything this system reports on purpose; ``code`` is stable and part of the API."""

    code: ClassVar[str] = "internal"


class NotFoundError(SpherosegError):
    """What was named does not exist, or not for this viewer."""

    code = "not-found"


class ConflictError(SpherosegError):
    """The present state does not allow it."""

    code = "conflict"


class InvalidInputError(SpherosegError):
    """What was given is wrong, and stays wrong when it is tried again."""

    code = "invalid-input"


class ForbiddenError(SpherosegError):
    """The viewer is known and may not do this."""

    code = "forbidden"


class UnavailableError(SpherosegError):
    """Something outside does not answer; trying again later may help."""

    code = "unavailable"


class ProjectNotFoundError(NotFoundError):
    """No such project for this viewer."""

    code = "project-not-found"


class ImageNotFoundError(NotFoundError):
    """No such image for this viewer."""

    code = "image-not-found"


class SegmentationNotFoundError(NotFoundError):
    """No such segmentation for this viewer."""

    code = "segmentation-not-found"


class JobNotFoundError(NotFoundError):
    """No such job for this viewer."""

    code = "job-not-found"


class ExportNotFoundError(NotFoundError):
    """No such export for this viewer."""

    code = "export-not-found"


class ExportExpiredError(ConflictError):
    """The export's file was kept for a day and is gone."""

    code = "export-expired"


class TooManyExportsError(ConflictError):
    """Somebody has as many unfinished exports as one person may have."""

    code = "too-many-exports"


class NothingToExportError(ConflictError):
    """None of the images has a result."""

    code = "nothing-to-export"


class NoSuchRouteError(NotFoundError):
    """To this viewer there is nothing at that address."""

    code = "no-such-route"


class UserNotFoundError(NotFoundError):
    """The user pool has nobody of that id."""

    code = "user-not-found"


class DeadLetterNotFoundError(NotFoundError):
    """The dead letters of the queue hold no such letter, or it is lent out just now."""

    code = "dead-letter-not-found"


class NotConfirmedError(InvalidInputError):
    """What cannot be undone is done only when it was confirmed."""

    code = "not-confirmed"


class ModelNotFoundError(NotFoundError):
    """No model of that name is registered."""

    code = "model-not-found"


class ObjectNotFoundError(NotFoundError):
    """The store holds no object under that key."""

    code = "object-not-found"


class UnknownTicketError(ForbiddenError):
    """The ticket was never issued, was used before, or is too old."""

    code = "unknown-ticket"


class RoleTooLowError(ForbiddenError):
    """The viewer's role in the project allows less than this."""

    code = "role-too-low"


class ProjectArchivedError(ConflictError):
    """The project is archived: it can be read, not written to."""

    code = "project-archived"


class OfferNotFoundError(NotFoundError):
    """No such invitation or link for this viewer."""

    code = "offer-not-found"


class OfferEndedError(ConflictError):
    """The invitation or link was not accepted in time, or what it gave was taken away again."""

    code = "offer-ended"


class MemberNotFoundError(NotFoundError):
    """Nobody of that id has a role in the project."""

    code = "member-not-found"


class OwnerStaysError(ConflictError):
    """The owner can neither leave nor be removed: a project has one at any time."""

    code = "owner-stays"


class TooManyMembersError(ConflictError):
    """The project has as many people and open offers as it may."""

    code = "too-many-members"


class VersionMismatchError(ConflictError):
    """It is not in the version any more that the request was made for."""

    code = "version-mismatch"


class StaleStateError(ConflictError):
    """Another process changed the row first."""

    code = "stale-state"


class HeldElsewhereError(ConflictError):
    """Another worker is at the run, or was heard of too lately to be taken for dead."""

    code = "held-elsewhere"


class ObjectChangedError(ConflictError):
    """The object is no longer the one that was announced."""

    code = "object-changed"


class IllegalMoveError(ConflictError):
    """An image or segmentation cannot go from its status to that one."""

    code = "illegal-move"


class NotStoredYetError(ConflictError):
    """The image's file has not arrived."""

    code = "not-stored-yet"


class TooManyImagesError(ConflictError):
    """More images than one call changes."""

    code = "too-many-images"


class IdempotencyKeyReusedError(InvalidInputError):
    """The same key came with another request before."""

    code = "idempotency-key-reused"


class ComparisonTooLargeError(InvalidInputError):
    """The outlines of the two runs are too long to be compared within one request."""

    code = "comparison-too-large"


class NotComparableError(InvalidInputError):
    """The two runs are not of the same pixels."""

    code = "not-comparable"


class RunBatchNotFoundError(NotFoundError):
    """No such batch of runs, or not for this viewer."""

    code = "run-batch-not-found"


class PartsMissingError(ConflictError):
    """Not all parts of the file have arrived."""

    code = "parts-missing"


class NotInPartsError(ConflictError):
    """The file goes over in one piece."""

    code = "not-in-parts"


class QuotaExceededError(ConflictError):
    """What is to be added does not fit into what the account may keep.

    Args:
        left_bytes, left_images: What would still fit, None: not known.
    """

    code = "quota-exceeded"

    def __init__(self, detail: str, *, left_bytes: int | None = None, left_images: int | None = None) -> None:
        super().__init__(detail)
        self.left_bytes = left_bytes
        self.left_images = left_images


class PagesNotCountedError(ConflictError):
    """How many pages the file has is not known yet."""

    code = "pages-not-counted"


class NotFinishedError(ConflictError):
    """The segmentation has no result, or not yet."""

    code = "not-finished"


class InvalidCursorError(InvalidInputError):
    """The cursor is not one that a list gave out."""

    code = "invalid-cursor"


class InvalidFieldsError(InvalidInputError):
    """A field was asked for that the answer does not have."""

    code = "invalid-fields"


class UndecodableImageError(InvalidInputError):
    """The bytes are damaged or no image at all."""

    code = "undecodable-image"


class UnsupportedImageError(InvalidInputError):
    """A sound file of a kind that is not read here."""

    code = "unsupported-image"


class InvalidExchangeFileError(InvalidInputError):
    """A file of another program does not hold what its format says, or says what cannot be an outline."""

    code = "invalid-exchange-file"


class NotExpressibleError(InvalidInputError):
    """The format that was asked for has no way to say what is to be written."""

    code = "not-expressible"


class ImageTooLargeError(InvalidInputError):
    """More pixels or bytes than the limits allow, seen before anything was decoded."""

    code = "image-too-large"


class InvalidSampleError(InvalidInputError):
    """What was said of an image is no such thing: a well that no plate has, a time that is no number."""

    code = "invalid-sample"


class InvalidPatternError(InvalidInputError):
    """A pattern for names that is none, or that cannot be run safely."""

    code = "invalid-pattern"


@dataclass(frozen=True)
class TableFault:
    """What is wrong in a table.

    Args:
        row: As a spreadsheet counts: the heading is row 1.
        column: Its heading; empty for the row as a whole.
    """

    row: int
    column: str
    detail: str


class InvalidTableError(InvalidInputError):
    """A table whose cells are not all right; nothing of it was taken.

    Args:
        faults: Everything that is wrong, as far as it is told.
    """

    code = "invalid-table"

    def __init__(self, detail: str, faults: Sequence[TableFault] = ()) -> None:
        super().__init__(detail)
        self.faults = faults

    @classmethod
    def of(cls, faults: Sequence[TableFault]) -> "InvalidTableError":
        """The error that tells the first fault in words and all of them by their places."""
        first = faults[0]
        place = f"row {first.row}, column {first.column}" if first.column else f"row {first.row}"
        more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
        return cls(f"Nothing was taken: {place}: {first.detail}{more}", faults)


class InvalidQuestionError(InvalidInputError):
    """Statistics are asked for that the table of measures cannot give."""

    code = "invalid-question"


class UnclearUnitsError(InvalidInputError):
    """What counts as one observation is told for some objects only."""

    code = "unclear-units"


class DigestMismatchError(InvalidInputError):
    """The bytes that arrived are not those whose digest was announced."""

    code = "digest-mismatch"


class EmptyUploadError(InvalidInputError):
    """The file holds no bytes."""

    code = "empty-upload"


class PageNotFoundError(InvalidInputError):
    """The file has fewer pages than the one asked for."""

    code = "page-not-found"


class InvalidPagesError(InvalidInputError):
    """What was said is no choice of pages."""

    code = "invalid-pages"


class TooManyPagesError(InvalidInputError):
    """More pages than are started by one request."""

    code = "too-many-pages"


class InvalidPixelsError(InvalidInputError):
    """Pixels that cannot be measured: not finite, or all of one value."""

    code = "invalid-pixels"


class UploadNotAcceptedError(InvalidInputError):
    """The uploaded file was tried several times and could not be taken in."""

    code = "upload-not-accepted"


class RetriesExhaustedError(UnavailableError):
    """The work was tried as often as allowed and failed each time."""

    code = "retries-exhausted"


class ModelUnusableError(UnavailableError):
    """A registered model's file is missing, altered, or has other inputs and outputs than its card says."""

    code = "model-unusable"


class DatabaseUnavailableError(UnavailableError):
    """The database does not answer in time."""

    code = "database-unavailable"


class StorageUnavailableError(UnavailableError):
    """The object store does not answer, or refuses."""

    code = "storage-unavailable"


class QueueUnavailableError(UnavailableError):
    """The queue does not answer, or refuses."""

    code = "queue-unavailable"


class SocketsUnavailableError(UnavailableError):
    """Messages cannot be pushed to watchers now."""

    code = "sockets-unavailable"


class CacheUnavailableError(UnavailableError):
    """The cache server does not answer; whoever asks goes on without it."""

    code = "cache-unavailable"


class SecretUnavailableError(UnavailableError):
    """A secret that this process needs cannot be read."""

    code = "secret-unavailable"


class ConnectionGoneError(NotFoundError):
    """The watcher's connection was closed."""

    code = "connection-gone"


class UnauthenticatedError(ForbiddenError):
    """Nobody is signed in, or not with the right kind of token."""

    code = "unauthenticated"


class WrongCredentialsError(ForbiddenError):
    """E-mail address and password, or the refresh token, do not fit."""

    code = "wrong-credentials"


class AccountExistsError(ConflictError):
    """Somebody signed up with that e-mail address before."""

    code = "account-exists"


class PasswordRefusedError(InvalidInputError):
    """The password is weaker than the user pool allows."""

    code = "password-refused"


class SignInUnavailableError(UnavailableError):
    """The user pool does not answer, or refuses."""

    code = "sign-in-unavailable"


class RevisionNotFoundError(NotFoundError):
    """The segmentation has no revision of that number."""

    code = "revision-not-found"


@dataclass(frozen=True)
class LaterChange:
    """A revision that somebody else saved meanwhile.

    Args:
        added, changed, removed: Numbers of spheroids.
    """

    revision: int
    author_id: str
    created_at: datetime
    added: Sequence[int]
    changed: Sequence[int]
    removed: Sequence[int]


class StaleRevisionError(ConflictError):
    """Somebody saved a newer revision than the one that the edit starts from; nothing of the edit was stored.

    Args:
        newest: The newest revision.
        later: What changed since the edit's own, the newest first.
    """

    code = "stale-revision"

    def __init__(self, detail: str, newest: int = 0, later: Sequence[LaterChange] = ()) -> None:
        super().__init__(detail)
        self.newest = newest
        self.later = later


@dataclass(frozen=True)
class EditFault:
    """What is wrong with an edit, and where; None: it concerns the whole of what stands before it.

    Args:
        operation: Its place among the operations, from 0.
        number: Of the spheroid.
        polygon: Place among the polygons, from 0.
        ring: 0: the outer ring; from 1: its holes.
        vertex: Place in the ring as it was given, from 0.
    """

    operation: int | None
    number: int | None
    polygon: int | None
    ring: int | None
    vertex: int | None
    detail: str

    def __str__(self) -> str:
        named = {
            "operation": self.operation,
            "spheroid": self.number,
            "polygon": self.polygon,
            "ring": self.ring,
            "vertex": self.vertex,
        }
        place = ", ".join(f"{name} {value}" for name, value in named.items() if value is not None)
        return f"{place}: {self.detail}" if place else self.detail


class InvalidEditError(InvalidInputError):
    """An operation cannot be done, or leaves outlines that are none; nothing of the edit was stored."""

    code = "invalid-edit"

    def __init__(self, detail: str, fault: EditFault | None = None) -> None:
        super().__init__(detail)
        self.fault = fault

    @classmethod
    def of(cls, fault: EditFault) -> "InvalidEditError":
        """The error that tells the fault in words and by its place."""
        return cls(f"Nothing was saved: {fault}", fault)


class EditTooLargeError(InvalidInputError):
    """More operations, spheroids or corners than one save takes."""

    code = "edit-too-large"


class ResultSupersededError(ConflictError):
    """A newer run of the same page of the image has replaced the result that was to be decided on.

    Args:
        newest: The run whose result counts now; None: its image is gone.
    """

    code = "result-superseded"

    def __init__(self, detail: str, newest: UUID | None = None) -> None:
        super().__init__(detail)
        self.newest = newest


class RevisionTooLargeError(InvalidInputError):
    """Corrected outlines that are too many for one answer, and lie in no file."""

    code = "revision-too-large"
