"""Stacks on their way: one upload, a run for each page."""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg_client.follow import POLL_FIRST_S, POLL_SLOWEST_S
from spheroseg_client.models import Segmentation
from spheroseg_client.names import key_of

_CHOICE = re.compile(
    r"\s*(?:all|\d{1,9}\s*(?:-\s*\d{1,9}\s*)?(?:,\s*\d{1,9}\s*(?:-\s*\d{1,9}\s*)?)*)\s*", re.IGNORECASE
)


@dataclass(frozen=True)
class PageChoice:
    """Which pages of each file are wanted; the service says whether a file has them.

    Args:
        text: ``all``, or numbers and ranges such as ``1-20,25``; the first page is 1.
        channel: Only pages of this channel, the first is 1; None: of every channel.
    """

    text: str
    channel: int | None = None

    @property
    def first(self) -> int:
        """The page that is segmented first, after which the number of pages is known."""
        return min(map(int, re.findall(r"\d+", self.text)), default=1)


def is_choice(text: str) -> bool:
    """Whether a text can be a choice of pages."""
    return _CHOICE.fullmatch(text) is not None


def page_name(name: str, page: int, count: int, others: Iterable[str]) -> str:
    """What the results of one page are called: numbers of the same width, so that names sort as pages do.

    Args:
        name: What those of its file would be called.
        others: Names of other files' results, which it must not share.
    """
    if count == 1:
        return name
    taken = {key_of(other) for other in others}
    name = f"{name}_p{page:0{len(str(count))}d}"
    while key_of(name) in taken:
        name += "_"
    return name


class PageFollower:
    """Watch runs until each has ended, by reading the lists of their images.

    ``add`` may be called from another thread while one iterates.

    Args:
        read: Lists the runs of an image.
        stopped: Ends iterating when it is set.
    """

    def __init__(self, read: Callable[[UUID], Iterable[Segmentation]], stopped: threading.Event) -> None:
        self._read = read
        self._stopped = stopped
        self._lock = threading.Lock()
        self._added = threading.Event()
        self._open: dict[UUID, dict[UUID, str]] = {}

    def add(self, image_id: UUID, runs: Sequence[Segmentation]) -> None:
        """Watch these runs over an image too; those that have ended are no news."""
        with self._lock:
            self._open[image_id] = {run.id: run.status for run in runs if not run.is_final}
        self._added.set()

    def __iter__(self) -> Iterator[Segmentation]:
        """Each run whenever its status has changed, until it is stopped."""
        pause_s = POLL_FIRST_S
        while not self._stopped.wait(pause_s):
            if self._added.is_set():
                self._added.clear()
                pause_s = POLL_FIRST_S
            with self._lock:
                image_ids = [image_id for image_id, runs in self._open.items() if runs]
            changed = [run for image_id in image_ids for run in self._changed(image_id)]
            yield from changed
            pause_s = POLL_FIRST_S if changed else min(1.5 * pause_s, POLL_SLOWEST_S)

    def _changed(self, image_id: UUID) -> list[Segmentation]:
        found = list(self._read(image_id))
        changed = []
        with self._lock:
            runs = self._open[image_id]
            for run in found:
                if run.id in runs and runs[run.id] != run.status:
                    changed.append(run)
                    runs[run.id] = run.status
                    if run.is_final:
                        del runs[run.id]
        return changed
