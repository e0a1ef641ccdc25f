"""The files of a batch on their way, and who is told how they go on."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from spheroseg_client.inputs import InputFile
from spheroseg_client.models import Pages, Segmentation
from spheroseg_client.outcomes import Outcome

ANNOUNCED_AT_ONCE = 100
ANNOUNCED_AT_ONCE_BYTES = 1_000_000_000
"""A form is good for an hour; so much goes over in that time at 2.3 Mbit/s."""


class Listener(Protocol):
    """Who is told how a batch goes on; called from several threads."""

    def on_sent(self, index: int, sent_bytes: int) -> None:
        """So much of a file has gone over."""

    def on_uploaded(self, index: int) -> None:
        """A file has arrived."""

    def on_status(self, index: int, status: str, page: int = 0) -> None:
        """A segmentation has got somewhere; of a file, or of a page of a stack."""

    def on_pages(self, index: int, pages: int) -> None:
        """A file turned out to be so many pages, each with an outcome of its own."""

    def on_outcome(self, outcome: Outcome) -> None:
        """A file has come to its end, whichever."""


@dataclass
class Job:
    """One file, or one page of a stack, on its way; a file's own ``page`` is 0."""

    index: int
    file: InputFile
    name: str
    started_at: float = 0.0
    image_id: UUID | None = None
    segmentation_id: UUID | None = None
    is_uploaded: bool = False
    page: int = 0
    pages: Pages | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Its place among the others."""
        return self.index, self.page


@dataclass(frozen=True)
class Spread:
    """A file became pages: jobs with the runs that belong to them."""

    jobs: Sequence[tuple[Job, Segmentation]]


def since(job: Job) -> float:
    """Seconds since its upload began; 0 before."""
    return time.monotonic() - job.started_at if job.started_at else 0.0


def chunks(jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    """Jobs whose files are announced together."""
    chunk: list[Job] = []
    size_bytes = 0
    for job in jobs:
        size_bytes += job.file.size_bytes
        if chunk and (len(chunk) == ANNOUNCED_AT_ONCE or size_bytes > ANNOUNCED_AT_ONCE_BYTES):
            yield chunk
            chunk, size_bytes = [], job.file.size_bytes
        chunk.append(job)
    if chunk:
        yield chunk
