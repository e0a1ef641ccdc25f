"""What was given is wrong, and stays wrong when it is tried again."""

from collections.abc import Sequence
from dataclasses import dataclass

from spheroseg.errors.kinds import InvalidInputError


class NotConfirmedError(InvalidInputError):
    """What cannot be undone is done only when it was confirmed."""

    code = "not-confirmed"


class IdempotencyKeyReusedError(InvalidInputError):
    """The same key came with another request before."""

    code = "idempotency-key-reused"


class ComparisonTooLargeError(InvalidInputError):
    """The outlines of the two runs are too long to be compared within one request."""

    code = "comparison-too-large"


class NotComparableError(InvalidInputError):
    """The two runs are not of the same pixels."""

    code = "not-comparable"


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


class ImportFileTooLargeError(InvalidInputError):
    """More bytes, objects or pixels than one import takes."""

    code = "import-file-too-large"


class NothingToImportError(InvalidInputError):
    """The file has no outlines, or none of its images is one of the project's."""

    code = "nothing-to-import"


class AmbiguousNameError(InvalidInputError):
    """A name in the file may mean several images, or several of its images are the same one."""

    code = "ambiguous-name"


class DifferentSizesError(InvalidInputError):
    """The file says another width and height than the image has."""

    code = "different-sizes"


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


class NotTellableError(InvalidInputError):
    """A table of measures does not tell what is asked of it.

    Args:
        reason: Which of the ways in which it may not, in kebab case.
    """

    code = "not-tellable"

    def __init__(self, detail: str, reason: str = code) -> None:
        super().__init__(detail)
        self.reason = reason


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


class PasswordRefusedError(InvalidInputError):
    """The password is weaker than the user pool allows."""

    code = "password-refused"


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


class RevisionTooLargeError(InvalidInputError):
    """Corrected outlines that are too many for one answer, and lie in no file."""

    code = "revision-too-large"
