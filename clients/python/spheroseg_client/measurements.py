"""One measure of a whole project, as the service answers it: by columns."""

from collections.abc import Sequence
from uuid import UUID

from spheroseg_client.models import Answer


class MeasuredImage(Answer):
    """An image, what it shows, and the run that its measures are of."""

    id: UUID
    name: str
    plate: str | None
    well: str | None
    condition: str | None
    time_point_h: float | None
    replicate: int | None
    segmentation_id: UUID
    revision: int
    pixel_size_um: float | None


class Measurements(Answer):
    """Some spheroids of a project; the columns are as long as one another.

    ``image`` is the place in ``images``, from 0; ``value`` is None where it is in µm and the pixel size unknown, and
    where brightness was not measured: ``brightness_due_since`` is the revision since which it waits to be. There is no
    such column for other measures.
    """

    measure: str
    images: Sequence[MeasuredImage]
    image: Sequence[int]
    number: Sequence[int]
    touches_edge: Sequence[bool]
    value: Sequence[float | None]
    brightness_due_since: Sequence[int | None] | None = None
    next_cursor: str | None = None
