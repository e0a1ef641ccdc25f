"""Images, their pages, and how they get to the service."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from spheroseg_client.models.base import Answer
from spheroseg_client.models.runs import Failure, Segmentation


class Pages(Answer):
    """The pages of a file: how many, and where the file says it what they run over, the slowest axis first.

    ``axes`` holds one letter for each axis (``T`` time, ``Z`` depth, ``C`` channel), ``sizes`` how many along each.
    """

    count: int
    axes: str | None
    sizes: Sequence[int]


class Image(Answer):
    """An uploaded file, or one that is awaited; ``status`` is ``awaiting_upload``, ``stored`` or ``refused``.

    ``pages`` is None until its file was decoded for the first time. ``duplicate_of`` is an image of the same project
    with the same bytes, stored before.
    """

    id: UUID
    project_id: UUID
    name: str
    status: str
    size_bytes: int | None
    pixel_size_um: float | None
    created_at: datetime
    stored_at: datetime | None
    failure: Failure | None
    pages: Pages | None = None
    segmentation: Segmentation | None = None
    digest: str | None = None
    tags: Sequence[str] = ()
    plate: str | None = None
    well: str | None = None
    condition: str | None = None
    time_point_h: float | None = None
    replicate: int | None = None
    duplicate_of: UUID | None = None


class PageRuns(Answer):
    """Runs over pages of one image, in the order of the pages."""

    pages: Pages
    items: Sequence[Segmentation]


class NameRead(Answer):
    """What the name of an image tells; ``fields`` of None: the pattern does not match it."""

    image_id: UUID
    name: str
    fields: dict[str, str | float | int] | None


class NamesRead(Answer):
    """What the names of a project's images tell; ``items`` are up to 50 of them, those that do not match first."""

    matched: int
    unmatched: int
    items: list[NameRead]


class DeletedImage(Answer):
    """What became of an image that was to go, and why it stays if it does."""

    id: UUID
    is_deleted: bool
    failure: Failure | None


class UploadForm(Answer):
    """What takes one file: the fields first, unchanged, then the file."""

    url: str
    fields: dict[str, str]
    expires_at: datetime


class Parts(Answer):
    """How a large file is cut: ``part_count`` parts of ``part_bytes`` bytes, the last one shorter."""

    part_bytes: int
    part_count: int


class PartLink(Answer):
    """Where one part of a large file goes: PUT to ``url`` with these headers."""

    number: int
    offset_bytes: int
    size_bytes: int
    url: str
    headers: dict[str, str]


class ArrivedPart(Answer):
    """A part of a large file that the store has."""

    number: int
    size_bytes: int
    sha256: str


class AnnouncedImage(Image):
    """An image that waits for its file: ``upload`` takes one up to 100 MB, a larger one goes over in ``parts``."""

    upload: UploadForm | None
    parts: Parts | None = None
