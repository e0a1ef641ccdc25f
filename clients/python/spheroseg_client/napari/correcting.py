"""Two label images to operations: what somebody painted, as the service takes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spheroseg.domain.spheroid import Polygon
from spheroseg.imaging.labels import outlines_of
from spheroseg_client.errors import LocalFileError

Labels = NDArray[np.int32]

LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Corrections:
    """What differs between two label images.

    Args:
        removed: Numbers that are gone.
        relabelled: Numbers whose pixels have another number now, which was not there before.
        changed: Numbers with other pixels.
        added: Numbers that are new; the service gives new ones of its own to them, in this order.
        pieces: Of the changed and added ones those in several pieces, and how many.
        operations: All of that as the service takes it.
    """

    removed: Sequence[int]
    relabelled: dict[int, int]
    changed: Sequence[int]
    added: Sequence[int]
    pieces: dict[int, int]
    operations: Sequence[dict[str, Any]]


def labels_in(data: ArrayLike, shape: tuple[int, int]) -> Labels:
    """Somebody's labels as label images are here: (h, w) int32, 0 is background.

    Raises:
        LocalFileError: they have another size, or numbers that are none.
    """
    labels = np.asarray(data)
    if labels.shape != shape:
        raise LocalFileError(
            f"The labels have the shape {labels.shape}, their image {shape}; only the labels that were opened with an "
            "image, in their own size, can go back",
            "different-sizes",
        )
    if labels.dtype.kind not in "iub":
        raise LocalFileError(f"The labels are {labels.dtype}, no whole numbers", "no-labels")
    lowest, highest = (int(labels.min()), int(labels.max())) if labels.size else (0, 0)
    if lowest < 0 or highest > LARGEST:
        raise LocalFileError(f"Labels are 0 to {LARGEST:,}; there is {lowest if lowest < 0 else highest}", "no-labels")
    return np.ascontiguousarray(labels, np.int32)


def corrections(before: Labels, after: Labels) -> Corrections:
    """What somebody changed. Numbers whose pixels are the same appear nowhere, so that their outlines stay.

    The outlines of others run along pixel edges.
    """
    differs = before != after
    old, new = before[differs], after[differs]
    touched = np.setdiff1d(np.union1d(old, new), [0])
    existed, exists = _sizes(before, touched), _sizes(after, touched)
    relabelled = _relabelled(old, new, existed, exists)
    removed = sorted(existed.keys() - exists.keys() - relabelled.keys())
    added = sorted(exists.keys() - existed.keys() - set(relabelled.values()))
    changed = sorted(existed.keys() & exists.keys())
    drawn = outlines_of(np.where(np.isin(after, [*changed, *added]), after, np.int32(0)))
    operations: list[dict[str, Any]] = [{"kind": "delete", "numbers": removed}] if removed else []
    operations += [{"kind": "relabel", "number": number, "to": to} for number, to in relabelled.items()]
    operations += [{"kind": "replace", "number": number, "polygons": _as_data(drawn[number])} for number in changed]
    operations += [{"kind": "add", "polygons": _as_data(drawn[number])} for number in added]
    pieces = {number: len(outline) for number, outline in drawn.items() if len(outline) > 1}
    return Corrections(removed, relabelled, changed, added, pieces, operations)


def _sizes(labels: Labels, numbers: NDArray[np.int32]) -> dict[int, int]:
    """Pixels of those of the numbers that are there."""
    found, counts = np.unique(labels[np.isin(labels, numbers)], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def _relabelled(old: Labels, new: Labels, existed: dict[int, int], exists: dict[int, int]) -> dict[int, int]:
    """Numbers that are gone where all their pixels, and no others, have one number that is new."""
    pairs, counts = np.unique(np.stack([old, new], axis=1), axis=0, return_counts=True)
    return {
        gone: come
        for (gone, come), count in zip(pairs.tolist(), counts.tolist(), strict=True)
        if gone and come and gone not in exists and come not in existed and count == existed[gone] == exists[come]
    }


def _as_data(polygons: Sequence[Polygon]) -> list[dict[str, Any]]:
    return [{"exterior": one.exterior, "holes": one.holes} for one in polygons]
