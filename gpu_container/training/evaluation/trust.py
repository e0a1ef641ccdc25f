"""Figures of many images about what a model says of its own answers: do confidences come true, does the flag find the
worst."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from spheroseg.domain.review import ReviewReason
from training.evaluation.assurance import Assurance, Reliability
from training.evaluation.judging import ImageFigures
from training.evaluation.running import Judged

BAD_IOU = 0.7
BAD_PERCENT = 10
"""An image is bad when the IoU of its foreground is below the one, or below the other percentile of its source."""

RESAMPLES = 2_000
FEWEST_FOR_INTERVAL = 3
"""Bad images, and others, below which an area under the curve has no interval."""

ALL = "all"


@dataclass(frozen=True)
class Trust:
    """One method on one source, or on all of them.

    Args:
        key: Name of the source, or ``all``.
        images, bad: How many, and how many of them are bad.
        auc: Area under the receiver operating characteristic of the doubt: how often a bad image has more of it than
            another one; None where there is none of either kind.
        auc_low, auc_high: Its 95 % bootstrap interval; None where there are few of either kind.
        flagged: Share of images with a reason to look.
        sensitivity: Share of the bad ones that are flagged; None without any.
        specificity: Share of the others that are not; None without any.
        error_before, error_after: Expected calibration error of pixels in and near found objects, without and with the
            model's calibration; None where nothing was found.
        spheroid_error: The same of spheroids' confidences against the share of their pixels that is right.
    """

    key: str
    method: str
    images: int
    bad: int
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    flagged: float
    sensitivity: float | None
    specificity: float | None
    error_before: float | None
    error_after: float | None
    spheroid_error: float | None

    def figures(self) -> dict[str, float]:
        """Flat and named, as they stand in a model card: ``<key>_review_auc``, ``<key>_calibration_error_after`` …"""
        about = {"key", "method", "images"}
        told = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in about}
        starts = {"error": "calibration_", "spheroid": "calibration_"}
        return {
            f"{self.key}_{starts.get(name.partition('_')[0], 'review_')}{name}": round(float(value), 4)
            for name, value in told.items()
            if value is not None
        }


@dataclass(frozen=True)
class _Seen:
    """An image that a method said something of."""

    figures: ImageFigures
    assurance: Assurance
    is_bad: bool


def trust_of(judged: Sequence[Judged]) -> list[Trust]:
    """Each source, then all of them; methods that say nothing of their answers are left out."""
    found = []
    sources = list(dict.fromkeys(one.source for one in judged))
    groups = [(source, [source]) for source in sources]
    if len(sources) > 1:
        groups.append((ALL, sources))
    for key, members in groups:
        for method in dict.fromkeys(one.method for one in judged):
            seen = _seen([one for one in judged if one.method == method and one.source in members])
            if seen:
                found.append(_trust(key, method, seen))
    return found


def reliability_of(judged: Sequence[Judged], method: str) -> tuple[Reliability, Reliability, Reliability] | None:
    """Over all images of a method: pixels before and after calibration, and spheroids; None where it says nothing."""
    seen = [one.assurance for one in _seen([one for one in judged if one.method == method])]
    if not seen:
        return None
    return _sum([one.raw for one in seen]), _sum([one.mended for one in seen]), _sum([one.spheroids for one in seen])


@dataclass(frozen=True)
class ReasonFigures:
    """How often a reason was given, and how good the images were with and without it."""

    method: str
    reason: ReviewReason
    images: int
    flagged: int
    iou_with: float | None
    iou_without: float | None
    quality_with: float | None
    quality_without: float | None


def reasons_of(judged: Sequence[Judged]) -> list[ReasonFigures]:
    """Every reason over all images of each method."""
    found = []
    for method in dict.fromkeys(one.method for one in judged):
        seen = _seen([one for one in judged if one.method == method])
        for reason in ReviewReason if seen else ():
            has = np.array([reason in one.assurance.review.reasons for one in seen])
            iou = np.array([one.figures.foreground_iou for one in seen])
            quality = np.array([one.figures.panoptic_quality for one in seen])
            found.append(
                ReasonFigures(
                    method=method,
                    reason=reason,
                    images=len(seen),
                    flagged=int(has.sum()),
                    iou_with=_mean(iou[has]),
                    iou_without=_mean(iou[~has]),
                    quality_with=_mean(quality[has]),
                    quality_without=_mean(quality[~has]),
                )
            )
    return found


def area_under_curve(score: NDArray[np.float64], is_bad: NDArray[np.bool_]) -> float | None:
    """How often a bad one has the larger score, ties counting half; None without any, or without others.

    Source: Hanley, J. A. & McNeil, B. J. (1982), Radiology 143(1), 29-36.
    """
    bad, good = int(is_bad.sum()), int((~is_bad).sum())
    if not bad or not good:
        return None
    return (float(rankdata(score)[is_bad].sum()) - bad * (bad + 1) / 2) / (bad * good)


def _seen(judged: Sequence[Judged]) -> list[_Seen]:
    seen = []
    for one in judged:
        images = one.judgement.images  # of a source that is there: one at least
        limit = max(BAD_IOU, float(np.percentile([image.foreground_iou for image in images], BAD_PERCENT)))
        seen += [_Seen(image, image.assurance, image.foreground_iou < limit) for image in images if image.assurance]
    return seen


def _trust(key: str, method: str, seen: Sequence[_Seen]) -> Trust:
    doubt = np.array([one.assurance.doubt for one in seen])
    is_bad = np.array([one.is_bad for one in seen])
    flagged = np.array([one.assurance.review.is_needed for one in seen])
    low, high = _auc_interval(doubt, is_bad) or (None, None)
    return Trust(
        key=key,
        method=method,
        images=len(seen),
        bad=int(is_bad.sum()),
        auc=area_under_curve(doubt, is_bad),
        auc_low=low,
        auc_high=high,
        flagged=float(flagged.mean()),
        sensitivity=_mean(flagged[is_bad].astype(np.float64)),
        specificity=_mean((~flagged[~is_bad]).astype(np.float64)),
        error_before=_sum([one.assurance.raw for one in seen]).error,
        error_after=_sum([one.assurance.mended for one in seen]).error,
        spheroid_error=_sum([one.assurance.spheroids for one in seen]).error,
    )


def _auc_interval(score: NDArray[np.float64], is_bad: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Percentile method, images drawn with replacement among the bad and among the others."""
    bad, good = np.flatnonzero(is_bad), np.flatnonzero(~is_bad)
    if min(bad.size, good.size) < FEWEST_FOR_INTERVAL:
        return None
    random = np.random.default_rng(0)
    values = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([random.choice(bad, bad.size), random.choice(good, good.size)])
        values.append(area_under_curve(score[drawn], is_bad[drawn]))
    low, high = np.percentile(np.array(values, np.float64), [2.5, 97.5])
    return float(low), float(high)


def _sum(parts: Sequence[Reliability]) -> Reliability:
    return reduce(add, parts)


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if values.size else None
