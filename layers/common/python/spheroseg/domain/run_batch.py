"""Run batches: many runs started, cancelled or retried by one call, and what became of each image in it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from uuid import UUID, uuid5

from spheroseg.domain.segmentation import Order, Segmentation, SegmentationStatus
from spheroseg.errors import IdempotencyKeyReusedError

MAX_SELECTED = 10_000
"""Images or runs that one call names at most."""

MAX_OF_PROJECT = 50_000
"""Images that one call starts runs for at most; they are stored within the 30 s that a request may take."""

MAX_TOLD = 1_000
"""Images of which a batch tells one by one why nothing was started; all are counted."""

KEYS = UUID("6a0e37c1-6f0b-4b7e-9d36-0f6a3c6f2d11")
"""Namespace of the batches that an idempotency key names; drawn once by chance."""


class Outcome(StrEnum):
    """What a call did for one image."""

    STARTED = "started"
    ALREADY_ACTIVE = "already_active"
    ALREADY_DONE = "already_done"
    NOT_STORED = "not_stored"
    NOT_FOUND = "not_found"


@dataclass(frozen=True)
class Candidate:
    """An image of the project that is asked about.

    Args:
        is_stored: Its file has arrived.
    """

    image_id: UUID
    owner_id: str
    is_stored: bool


@dataclass(frozen=True)
class Told:
    """An image for which nothing was started, and why: the run that is there already, or none."""

    image_id: UUID
    outcome: Outcome
    segmentation_id: UUID | None = None


@dataclass(frozen=True)
class RunBatch:
    """The runs that one call started.

    Args:
        requested_by: Who called.
        fingerprint: Of what was asked for; a repeat of the call with the same idempotency key asks for the same.
        counts: Images by what was done for them; an outcome that never happened is left out.
        told: The first ``MAX_TOLD`` images for which nothing was started.
    """

    id: UUID
    project_id: UUID
    requested_by: str
    fingerprint: str
    created_at: datetime
    counts: Mapping[Outcome, int]
    told: Sequence[Told] = ()

    @property
    def images(self) -> int:
        """Images that the call was about."""
        return sum(self.counts.values())

    def asked_for_by(self, fingerprint: str) -> "RunBatch":
        """This batch, for a call with that fingerprint.

        Raises:
            IdempotencyKeyReusedError: another request made it.
        """
        if self.fingerprint != fingerprint:
            raise IdempotencyKeyReusedError("This idempotency key came with another request before; take a new one")
        return self


@dataclass(frozen=True)
class Selection:
    """Which runs of a project are meant; at most one is given, and without any all of them are.

    Args:
        image_ids: Those of these images.
        segmentation_ids: These.
        batch_id: Those that one call started.
    """

    image_ids: frozenset[UUID] | None = None
    segmentation_ids: frozenset[UUID] | None = None
    batch_id: UUID | None = None


def batch_id_of_key(user_id: str, project_id: UUID, key: str) -> UUID:
    """The batch that somebody's idempotency key names in a project."""
    return uuid5(KEYS, f"{user_id}\n{project_id}\n{key}")


def fingerprint_of(order: Order | None, urgency: int | None, image_ids: Sequence[UUID] | None, *more: object) -> str:
    """A digest of what was asked for, in hexadecimal digits."""
    wanted = [
        asdict(order) if order else None,
        urgency,
        sorted(map(str, image_ids)) if image_ids is not None else None,
        *map(str, more),
    ]
    return sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()


def next_run(wanted: Segmentation, latest: Segmentation | None, *, again: bool) -> Segmentation | Told:
    """The run to start, or what is there instead.

    A run that failed or was cancelled is followed by a new one, one that succeeded only when that is wanted; one that
    waits or runs is never doubled.

    Args:
        latest: The latest run of the same image, model and parameters.
    """
    if latest is None:
        return wanted
    if not latest.status.is_final:
        return Told(wanted.image_id, Outcome.ALREADY_ACTIVE, latest.id)
    if latest.status is SegmentationStatus.SUCCEEDED and not again:
        return Told(wanted.image_id, Outcome.ALREADY_DONE, latest.id)
    return wanted.after(latest)


def counted(runs: Sequence[Segmentation], told: Sequence[Told]) -> Mapping[Outcome, int]:
    """Images by what was done for them."""
    counts = Counter(one.outcome for one in told)
    if runs:
        counts[Outcome.STARTED] = len(runs)
    return {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}


def without(batch: RunBatch, doubled: Sequence[Segmentation]) -> RunBatch:
    """The batch less runs that another call started between the look and the write."""
    told = [Told(run.image_id, Outcome.ALREADY_ACTIVE, run.id) for run in doubled]
    counts = Counter(batch.counts)
    counts[Outcome.STARTED] -= len(doubled)
    counts[Outcome.ALREADY_ACTIVE] += len(doubled)
    kept = {outcome: counts[outcome] for outcome in Outcome if counts[outcome]}
    return replace(batch, counts=kept, told=(*batch.told, *told)[:MAX_TOLD])
