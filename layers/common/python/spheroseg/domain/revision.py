"""Revision: the outlines of a segmentation as somebody left them.

Revision 0 is what the segmenter made. Each later one names what it changed against the one before it, so that the
history is what is stored, and any revision can be read and restored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Polygon, Spheroid

MAX_NOTE = 500
"""Characters of what somebody says about a revision."""


@dataclass(frozen=True)
class Changes:
    """Numbers of the spheroids that a revision changed, each ascending."""

    added: tuple[int, ...] = ()
    changed: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True when nothing is different."""
        return not (self.added or self.changed or self.removed)


@dataclass(frozen=True)
class Revision:
    """One step of a segmentation's history.

    Args:
        number: From 1; it follows the revision before it.
        author_id: Who saved it.
        note: What the author says about it.
        restored_from: The revision whose outlines it brought back; None: it was made by operations.
        changes: Against the revision before it.
        spheroid_count: Spheroids in it.
        highest_number: The highest number that any spheroid of the run had so far.
        operations: What was done, as data.
    """

    segmentation_id: UUID
    number: int
    author_id: str
    created_at: datetime
    note: str | None
    restored_from: int | None
    changes: Changes
    spheroid_count: int
    highest_number: int
    operations: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Head:
    """Where the outlines of a segmentation stand.

    Args:
        revision: The newest; 0: the segmenter's own.
        spheroid_count: Spheroids in it.
        highest_number: The highest number that any spheroid of the run had so far.
    """

    segmentation: Segmentation
    revision: int
    spheroid_count: int
    highest_number: int


@dataclass(frozen=True)
class RevisedPage:
    """Some spheroids of one revision, in order of their numbers.

    Args:
        revision: Which one.
        spheroid_count: Spheroids in it.
        next_after: Number after which the next page begins; None: this is the last one.
    """

    revision: int
    spheroid_count: int
    spheroids: Sequence[Spheroid]
    next_after: int | None


@dataclass(frozen=True)
class OutlinePage:
    """The same with packed outlines and nothing else."""

    revision: int
    outlines: Sequence[tuple[int, bytes]]
    next_after: int | None


@dataclass(frozen=True)
class Box:
    """A part of the image: corners in px, the first above and to the left of the second."""

    left: float
    top: float
    right: float
    bottom: float


BACKGROUND_SEES_PX, BACKGROUND_SEES_SHARE = 10.0, 0.15
"""How far from a spheroid other outlines may bear on its local background: so many px and that share of its equivalent
diameter. The ring ends 2 px + max(5 px, d/10) from it, keeps 2 px away from others, and is sampled to ⌊d/40⌋ px
(``spheroseg.imaging.intensities``); what is left is for safety."""

MAX_BOXES = 200
"""Changed places of one revision that are told apart when backgrounds are given up; more are taken for one."""


def box_of(spheroid: Spheroid) -> Box:
    """The bounding box of a spheroid."""
    found = spheroid.measures
    left, top = found.bbox_x_px, found.bbox_y_px
    return Box(left, top, left + found.bbox_width_px, top + found.bbox_height_px)


def few_boxes(boxes: Sequence[Box]) -> Sequence[Box]:
    """The boxes, or one around all of them where they are many."""
    if len(boxes) <= MAX_BOXES:
        return boxes
    return [
        Box(
            min(box.left for box in boxes),
            min(box.top for box in boxes),
            max(box.right for box in boxes),
            max(box.bottom for box in boxes),
        )
    ]


def background_may_differ(spheroid: Spheroid, changed: Sequence[Box]) -> bool:
    """Whether other outlines in these places bear on a spheroid's local background."""
    own = box_of(spheroid)
    margin = BACKGROUND_SEES_PX + BACKGROUND_SEES_SHARE * spheroid.measures.equivalent_diameter_px
    return any(
        own.top < box.bottom + margin
        and own.bottom > box.top - margin
        and own.left < box.right + margin
        and own.right > box.left - margin
        for box in changed
    )


@dataclass(frozen=True)
class Drafted:
    """A spheroid after some operations, before it is measured.

    Args:
        same_as: The number of a spheroid before them that has the very same outline; None: the outline is new.
    """

    polygons: tuple[Polygon, ...]
    same_as: int | None = None


@dataclass(frozen=True)
class Draft:
    """What operations make of the spheroids that they touch.

    Args:
        spheroids: Those that are there afterwards and differ from before, by number.
        removed: Numbers that are no more.
        boxes: Of the new outlines, whole pixels: what lies elsewhere cannot meet them.
        highest_number: See ``Revision``.
        touched_by: For each number the place of the operation that last changed it.
    """

    spheroids: Mapping[int, Drafted]
    removed: frozenset[int]
    boxes: Sequence[Box]
    highest_number: int
    touched_by: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SpheroidDifference:
    """What became of one spheroid, in pixels by the rule of ``spheroseg.imaging.rasterising``.

    Args:
        before_px, after_px: Its pixels; 0 where it is not there.
        shared_px: Pixels of both.
    """

    number: int
    before_px: int
    after_px: int
    shared_px: int

    @property
    def iou(self) -> float:
        """Shared pixels divided by those of either."""
        return self.shared_px / (self.before_px + self.after_px - self.shared_px)

    @property
    def moved_px(self) -> int:
        """Pixels of one alone: what was given up and what was taken in."""
        return self.before_px + self.after_px - 2 * self.shared_px


@dataclass(frozen=True)
class RevisionDifference:
    """Two revisions of one run; with the first of them 0, model against human.

    Args:
        spheroids: Those that differ, in order of number.
        unchanged: How many have the same outline in both.
        whole: All spheroids together, whatever their numbers: the foreground.
    """

    before: int
    after: int
    spheroids: Sequence[SpheroidDifference]
    unchanged: int
    whole: SpheroidDifference
