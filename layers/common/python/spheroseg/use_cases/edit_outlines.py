"""Outlines are edited: operations in, a new revision out, with the measures of what changed."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.operations import (
    MAX_CORNERS,
    MAX_OPERATIONS,
    MAX_TOUCHED,
    Operation,
    as_data,
    corners_in,
    touched,
)
from spheroseg.domain.packed_outlines import unpacked
from spheroseg.domain.revision import Changes, Head, Revision
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    EditTooLargeError,
    InvalidEditError,
    LaterChange,
    QueueUnavailableError,
    RevisionNotFoundError,
    StaleRevisionError,
)
from spheroseg.messages import BrightnessRequested
from spheroseg.ports import Clock, ExportQueue, OutlineEditor, RevisionRepository

MAX_LATER = 50
"""Revisions that a refused save is told of."""
LATER_TOLD = 5
"""Of these in words."""


@dataclass(frozen=True)
class EditOutlines:
    """Save operations on the newest outlines of a run, or bring an earlier revision back.

    What changed is checked and measured first, then stored in one transaction, where the revision that it starts from
    is still the newest. Nothing is ever stored in part.

    Args:
        queue: Who is asked to measure the brightness of what changed; where it does not answer, or is None, the sweep
            asks later (``AskForBrightness``): what is due stands in the database.
    """

    revisions: RevisionRepository
    editor: OutlineEditor
    clock: Clock
    queue: ExportQueue | None = None

    def save(
        self, viewer: Viewer, segmentation_id: UUID, base: int, operations: Sequence[Operation], note: str | None = None
    ) -> Revision:
        """The revision that the operations lead to, all of them or none.

        Args:
            base: The revision that they start from; 0: the segmenter's own.

        Raises:
            SegmentationNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not.
            NotFinishedError: the run has no outlines.
            RevisionNotFoundError: there is no such revision yet.
            StaleRevisionError: somebody saved a newer one, with what changed since.
            InvalidEditError, EditTooLargeError: see ``OutlineEditor``.
        """
        head = self._head(viewer, segmentation_id, base)
        numbers = _named(operations)
        run, size_px = head.segmentation, _size_of(head.segmentation)
        before = self.revisions.some(run.id, base, sorted(numbers))
        draft = self.editor.draft(
            {number: spheroid.polygons for number, spheroid in before.items()}, operations, size_px, head.highest_number
        )
        # Spheroids that were named and did not change are neighbours as well.
        differs = draft.removed | set(draft.spheroids)
        near = self.revisions.near(run.id, base, draft.boxes)
        neighbours = {number: unpacked(outline) for number, outline in near.items() if number not in differs}
        # Whoever only changed its number is as bright as before, but what is around it may have changed with it.
        finished = self.editor.finished(draft, before, neighbours, size_px)
        spheroids = [one.without_background() for one in finished]
        changes = Changes(
            added=tuple(one.number for one in spheroids if one.number not in before),
            changed=tuple(one.number for one in spheroids if one.number in before),
            removed=tuple(sorted(draft.removed)),
        )
        return self._saved(
            head, viewer, changes, spheroids, draft.highest_number, [as_data(one) for one in operations], note
        )

    def restore(
        self, viewer: Viewer, segmentation_id: UUID, base: int, wanted: int, note: str | None = None
    ) -> Revision:
        """A new revision with the outlines of an earlier one, byte for byte, measures and confidence with them.

        Args:
            base: The newest revision that the viewer knows.
            wanted: The one whose outlines come back.

        Raises:
            As ``save``; InvalidEditError: both have the same outlines.
        """
        head = self._head(viewer, segmentation_id, base)
        if wanted > head.revision:
            raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {wanted}")
        differing = self.revisions.differing(segmentation_id, wanted, base)
        now, then = (self.revisions.some(segmentation_id, revision, differing) for revision in (base, wanted))
        # What waits to be measured, or was since, makes no difference to somebody's outlines.
        spheroids = [
            spheroid.without_background()
            for number, spheroid in sorted(then.items())
            if number not in now or _drawn(now[number]) != _drawn(spheroid)
        ]
        changes = Changes(
            added=tuple(one.number for one in spheroids if one.number not in now),
            changed=tuple(one.number for one in spheroids if one.number in now),
            removed=tuple(sorted(now.keys() - then.keys())),
        )
        if changes.is_empty:
            raise InvalidEditError(f"Revisions {wanted} and {base} have the same outlines: there is nothing to restore")
        return self._saved(head, viewer, changes, spheroids, head.highest_number, [], note, restored_from=wanted)

    def _head(self, viewer: Viewer, segmentation_id: UUID, base: int) -> Head:
        head = self.revisions.head(viewer, segmentation_id).to(Action.WRITE)
        if base > head.revision:
            raise RevisionNotFoundError(f"Segmentation {segmentation_id} has no revision {base}")
        if base < head.revision:
            raise stale_revision(self.revisions, segmentation_id, base)
        return head

    def _saved(
        self,
        head: Head,
        viewer: Viewer,
        changes: Changes,
        spheroids: Sequence[Spheroid],
        highest_number: int,
        operations: Sequence[dict[str, object]],
        note: str | None,
        restored_from: int | None = None,
    ) -> Revision:
        revision = Revision(
            segmentation_id=head.segmentation.id,
            number=head.revision + 1,
            author_id=viewer.user_id,
            created_at=self.clock.now(),
            note=note,
            restored_from=restored_from,
            changes=changes,
            spheroid_count=head.spheroid_count + len(changes.added) - len(changes.removed),
            highest_number=highest_number,
            operations=operations,
        )
        try:
            self.revisions.save(revision, spheroids, changes.removed)
        except StaleRevisionError as error:
            raise stale_revision(self.revisions, revision.segmentation_id, head.revision) from error
        if self.queue is not None:
            with suppress(QueueUnavailableError):
                self.queue.send([BrightnessRequested.of(head.segmentation)])
        return revision


def stale_revision(revisions: RevisionRepository, segmentation_id: UUID, base: int) -> StaleRevisionError:
    """The error that tells who changed what since a revision that is not the newest any more."""
    later = revisions.later(segmentation_id, base, MAX_LATER)
    newest = later[0].number if later else base
    return StaleRevisionError(
        f"Revision {base} is not the newest any more: {newest} is. Nothing was stored; do it again on revision "
        f"{newest}",
        newest,
        [
            LaterChange(
                one.number, one.author_id, one.created_at, one.changes.added, one.changes.changed, one.changes.removed
            )
            for one in later
        ],
    )


def stale_in_words(revisions: RevisionRepository, segmentation_id: UUID, base: int) -> StaleRevisionError:
    """The same with what changed in its words, and in which result: for whoever is shown nothing but these."""
    error = stale_revision(revisions, segmentation_id, base)
    later = "; ".join(
        f"revision {one.revision} of {one.created_at:%Y-%m-%d %H:%M} UTC added {len(one.added)}, changed "
        f"{len(one.changed)} and removed {len(one.removed)}{_told_numbers(one.added, one.changed, one.removed)}"
        for one in error.later[:LATER_TOLD]
    )
    return StaleRevisionError(f"Segmentation {segmentation_id}: {error} ({later})", error.newest, error.later)


def _told_numbers(*kinds: Sequence[int]) -> str:
    numbers = sorted({number for kind in kinds for number in kind})
    shown = ", ".join(map(str, numbers[:20]))
    return f" (spheroids {shown}{', …' if len(numbers) > 20 else ''})" if numbers else ""


def _drawn(spheroid: Spheroid) -> Spheroid:
    return replace(spheroid, brightness=None, brightness_due_since=None)


def _named(operations: Sequence[Operation]) -> frozenset[int]:
    """Numbers that the operations name."""
    if not operations:
        raise InvalidEditError("There is no operation")
    numbers = frozenset[int]().union(*map(touched, operations))
    corners = sum(map(corners_in, operations))
    if len(operations) > MAX_OPERATIONS or len(numbers) > MAX_TOUCHED or corners > MAX_CORNERS:
        raise EditTooLargeError(
            f"One save takes up to {MAX_OPERATIONS:,} operations, {MAX_TOUCHED:,} spheroids and {MAX_CORNERS:,} "
            f"corners; these are {len(operations):,}, {len(numbers):,} and {corners:,}"
        )
    return numbers


def _size_of(run: Segmentation) -> tuple[int, int]:
    if run.result is None:
        raise AssertionError("a run that succeeded has a result")
    return run.result.width_px, run.result.height_px
