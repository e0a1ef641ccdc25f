"""Views of several images in one run of the network."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Condition

import numpy as np

from segmentation_worker.network import Logits, Views
from spheroseg.observability import logger


@dataclass(eq=False)
class _Group:
    """Views of equal shape that will be run together; the thread that opened it runs it."""

    views: list[Views] = field(default_factory=list)
    answers: Logits | None = None
    is_over: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """What its views have in common."""
        return self.views[0].shape[1:]


class Batching:
    """Puts the views of threads that come at about the same time into one run.

    A view waits for others of its shape only while one of the threads that look at images is still on its way here, and
    not longer than ``wait_s``; while the network is busy with other views, waiting costs nothing, and more may join. So
    an image that is alone is never kept waiting.

    A batch that fails is run view by view, so that each image answers for itself.

    Args:
        run: One run of the network, (n, 1, h, w) to (n, 2, h, w).
        size: Views of one run at most; with 1 nobody waits for anybody.
        wait_s: How long a view waits for company at most, in seconds.
        turn: Held during a run.
    """

    def __init__(
        self, run: Callable[[Views], Logits], *, size: int, wait_s: float, turn: AbstractContextManager[object]
    ) -> None:
        self._run = run
        self._size = size
        self._wait_s = wait_s
        self._turn = turn
        self._changed = Condition()
        self._open: dict[tuple[int, ...], _Group] = {}
        self._looking = 0
        self._waiting = 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """While a thread looks at an image, others may wait for its views."""
        self._count(looking=1)
        try:
            yield
        finally:
            self._count(looking=-1)

    def logits(self, views: Views) -> Logits:
        """The answer to views of one image, (n, 1, h, w): (n, 2, h, w).

        Raises:
            Exception: whatever the network raises for these views alone.
        """
        parts = [self._answer(views[start : start + self._size]) for start in range(0, len(views), self._size)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _answer(self, views: Views) -> Logits:
        if self._size == 1:
            return self._run_in_turn(views)
        group, first, is_leader = self._join(views)
        self._count(waiting=1)
        try:
            if is_leader:
                self._lead(group)
            else:
                with self._changed:
                    self._changed.wait_for(lambda: group.is_over)
        finally:
            self._count(waiting=-1)
        if group.answers is None:
            return self._run_in_turn(views)
        return group.answers[first : first + len(views)]

    def _join(self, views: Views) -> tuple[_Group, int, bool]:
        """The group with these views in it, their place in it, and whether it was opened for them."""
        shape = views.shape[1:]
        with self._changed:
            group = self._open.get(shape)
            is_leader = group is None or _count(group) + len(views) > self._size
            if group is None or is_leader:
                group = self._open[shape] = _Group()  # one that is too full goes on without more
            first = _count(group)
            group.views.append(views)
            if _count(group) == self._size:
                self._close(group)
            return group, first, is_leader

    def _lead(self, group: _Group) -> None:
        try:
            with self._changed:
                self._changed.wait_for(lambda: not self._is_open(group) or self._waiting >= self._looking, self._wait_s)
            with self._turn:
                with self._changed:
                    self._close(group)
                group.answers = self._run(group.views[0] if len(group.views) == 1 else np.concatenate(group.views))
        except Exception as error:
            if len(group.views) == 1:
                raise
            logger.warning("Batch failed", extra={"views": _count(group), "detail": str(error)}, exc_info=error)
        finally:
            with self._changed:
                self._close(group)
                group.is_over = True
                self._changed.notify_all()

    def _is_open(self, group: _Group) -> bool:
        return self._open.get(group.shape) is group

    def _close(self, group: _Group) -> None:
        """No more views join a group; the condition is held."""
        if self._is_open(group):
            del self._open[group.shape]

    def _run_in_turn(self, views: Views) -> Logits:
        with self._turn:
            return self._run(views)

    def _count(self, *, looking: int = 0, waiting: int = 0) -> None:
        with self._changed:
            self._looking += looking
            self._waiting += waiting
            self._changed.notify_all()


def _count(group: _Group) -> int:
    return sum(len(views) for views in group.views)
