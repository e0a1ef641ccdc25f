"""The present state does not allow it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from spheroseg.errors.kinds import ConflictError


class ExportExpiredError(ConflictError):
    """The export's file was kept for a day and is gone."""

    code = "export-expired"


class TooManyExportsError(ConflictError):
    """Somebody has as many unfinished exports as one person may have."""

    code = "too-many-exports"


class ImportExpiredError(ConflictError):
    """The file of the import did not come in time."""

    code = "import-expired"


class TooManyImportsError(ConflictError):
    """Somebody has as many unfinished imports as one person may have."""

    code = "too-many-imports"


class FileMissingError(ConflictError):
    """The file that is to be imported has not arrived."""

    code = "file-missing"


class NothingToExportError(ConflictError):
    """None of the images has a result."""

    code = "nothing-to-export"


class ProjectArchivedError(ConflictError):
    """The project is archived: it can be read, not written to."""

    code = "project-archived"


class OfferEndedError(ConflictError):
    """The invitation or link was not accepted in time, or what it gave was taken away again."""

    code = "offer-ended"


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


class AccountExistsError(ConflictError):
    """Somebody signed up with that e-mail address before."""

    code = "account-exists"


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


class ResultSupersededError(ConflictError):
    """A newer run of the same page of the image has replaced the result that was to be decided on.

    Args:
        newest: The run whose result counts now; None: its image is gone.
    """

    code = "result-superseded"

    def __init__(self, detail: str, newest: UUID | None = None) -> None:
        super().__init__(detail)
        self.newest = newest
