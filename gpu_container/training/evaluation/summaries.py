"""Figures of many images in one line: means with intervals, and agreement of sizes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from training.evaluation.judging import ImageFigures, Judgement, SizePairs

Floats = NDArray[np.float64]

RESAMPLES = 10_000
RESAMPLES_AT_A_TIME = 1_000
CONFIDENCE = 0.95
FEWEST_FOR_INTERVAL = 5
"""Images below which no interval is given: resamplings of so few take no more than a handful of values."""
LIMITS_SD = 1.96
"""Standard deviations between which 95 % of normal differences lie (Bland & Altman 1986)."""


class Figure(NamedTuple):
    """A figure of an image.

    Args:
        key: Its name in ``ImageFigures`` and in files.
        title: In words, for tables.
        better: ``high``, ``low`` or ``zero``.
    """

    key: str
    title: str
    better: str


FIGURES = (
    Figure("foreground_iou", "IoU of the foreground", "high"),
    Figure("foreground_dice", "Dice of the foreground", "high"),
    Figure("object_iou", "mean IoU of drawn objects", "high"),
    Figure("boundary_f1_2px", "boundary F1 at 2 px", "high"),
    Figure("boundary_f1_diagonal", "boundary F1 at 0.5 % of the diagonal", "high"),
    Figure("ap50", "AP at IoU 0.5", "high"),
    Figure("ap75", "AP at IoU 0.75", "high"),
    Figure("panoptic_quality", "panoptic quality", "high"),
    Figure("count_error", "objects too many", "zero"),
    Figure("count_error_absolute", "objects too many or too few", "low"),
)
"""What is summed up over images, in the order of tables."""


@dataclass(frozen=True)
class Spread:
    """One figure over images.

    Args:
        count: Images that have it.
        mean, median: Over these.
        tail: 10th percentile, or the 90th where low is better.
        low, high: 95 % bootstrap interval of the mean, percentile method, images drawn with replacement; None below
            five images.
    """

    count: int
    mean: float
    median: float
    tail: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Agreement:
    """Differences between found and drawn, over all partners of all images.

    Source: Bland, J. M. & Altman, D. G. (1986), The Lancet 327(8476), 307-310. Differences are in percent of what was
    drawn where sizes vary. Objects of one image are taken as if they were independent.

    Args:
        count: Pairs.
        bias: Mean difference, found less drawn.
        low, high: 95 % limits of agreement, bias ± 1.96 standard deviations; None below two pairs.
    """

    count: int
    bias: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Summary:
    """Many images.

    Args:
        images: How many.
        drawn, found: Objects in all of them.
        spreads: By the key of ``FIGURES``; one that no image has is left out.
        area_percent, diameter_percent, diameter_px: Of partners at an IoU above 0.5; None without any. The diameter
            is that of the circle of equal area, 2·√(A/π).
    """

    images: int
    drawn: int
    found: int
    spreads: dict[str, Spread]
    area_percent: Agreement | None
    diameter_percent: Agreement | None
    diameter_px: Agreement | None

    def figures(self, prefix: str = "") -> dict[str, float]:
        """Flat and named, as they stand in a model card: ``<prefix><figure>_<statistic>``; not rounded.

        Args:
            prefix: Before every key, such as ``lguertle_``.
        """
        told: dict[str, float | None] = {
            "images": self.images,
            "objects_drawn": self.drawn,
            "objects_found": self.found,
        }
        for key, spread in self.spreads.items():
            told |= {
                f"{key}_mean": spread.mean,
                f"{key}_median": spread.median,
                f"{key}_{'p90' if key == 'count_error_absolute' else 'p10'}": spread.tail,
                f"{key}_low": spread.low,
                f"{key}_high": spread.high,
            }
        for key, agreement in self.agreements().items():
            told |= {
                f"{key}_error_pairs": agreement.count,
                f"{key}_error_bias": agreement.bias,
                f"{key}_error_low": agreement.low,
                f"{key}_error_high": agreement.high,
            }
        return {f"{prefix}{key}": value for key, value in told.items() if value is not None}

    def agreements(self) -> dict[str, Agreement]:
        """Those that there are, by name and unit."""
        named = {
            "area_percent": self.area_percent,
            "diameter_percent": self.diameter_percent,
            "diameter_px": self.diameter_px,
        }
        return {key: agreement for key, agreement in named.items() if agreement is not None}


def summary(judgement: Judgement, seed: int = 0) -> Summary:
    """Figures of all images in one line.

    Args:
        judgement: At least one image.
        seed: Of the 10,000 resamplings; the same one gives the same interval.

    Raises:
        ValueError: there is no image.
    """
    images = judgement.images
    if not images:
        raise ValueError("A summary needs at least one image")
    spreads = {}
    for figure in FIGURES:
        values = values_of(images, figure.key)
        if values.size:
            spreads[figure.key] = _spread(values, figure, seed)
    drawn, found = _joined([image.sizes for image in images])
    diameters = 2 * np.sqrt(drawn / np.pi), 2 * np.sqrt(found / np.pi)
    return Summary(
        images=len(images),
        drawn=sum(image.drawn_count for image in images),
        found=sum(image.found_count for image in images),
        spreads=spreads,
        area_percent=_agreement(100 * (found - drawn) / drawn),
        diameter_percent=_agreement(100 * (diameters[1] - diameters[0]) / diameters[0]),
        diameter_px=_agreement(diameters[1] - diameters[0]),
    )


def values_of(images: tuple[ImageFigures, ...], key: str) -> Floats:
    """One figure of every image that has it."""
    values = (getattr(image, key) for image in images)
    return np.array([value for value in values if value is not None], np.float64)


def mean_interval(values: Floats, seed: int = 0) -> tuple[float, float] | None:
    """95 % bootstrap interval of a mean, percentile method with 10,000 resamplings; None below five values.

    Source: Efron, B. & Tibshirani, R. J. (1993), An Introduction to the Bootstrap, chapter 13.
    """
    if values.size < FEWEST_FOR_INTERVAL:
        return None
    drawn = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=RESAMPLES,
        batch=RESAMPLES_AT_A_TIME,
        vectorized=True,
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    )
    return float(drawn.confidence_interval.low), float(drawn.confidence_interval.high)


def _spread(values: Floats, figure: Figure, seed: int) -> Spread:
    low, high = mean_interval(values, seed) or (None, None)
    return Spread(
        count=values.size,
        mean=float(values.mean()),
        median=float(np.median(values)),
        tail=float(np.percentile(values, 90 if figure.better == "low" else 10)),
        low=low,
        high=high,
    )


def _joined(sizes: list[SizePairs]) -> tuple[Floats, Floats]:
    drawn = np.concatenate([one.drawn_px2 for one in sizes]).astype(np.float64)
    found = np.concatenate([one.found_px2 for one in sizes]).astype(np.float64)
    return drawn, found


def _agreement(differences: Floats) -> Agreement | None:
    if not differences.size:
        return None
    bias = float(differences.mean())
    reach = LIMITS_SD * float(differences.std(ddof=1)) if differences.size > 1 else None
    return Agreement(
        count=differences.size,
        bias=bias,
        low=None if reach is None else bias - reach,
        high=None if reach is None else bias + reach,
    )
