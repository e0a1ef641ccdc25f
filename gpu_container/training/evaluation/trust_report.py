"""What a model says of its own answers, held against the truth: tables, a section of the report, a picture."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from training.evaluation.assurance import Reliability
from training.evaluation.report import Table
from training.evaluation.running import Judged
from training.evaluation.trust import Trust, reasons_of, reliability_of, trust_of

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#777777"
"""Okabe & Ito (2008): told apart with every kind of colour vision."""

DEFINITIONS = """\
- **Bad** is an image whose foreground IoU is below 0.7, or below the 10th percentile of its source.
- **AUC** is about the score behind the flag, 1 less the confidence of the result (1 when nothing was found): how often
  a bad image has more of it than another one; 0.5 is chance. In brackets the 95 % bootstrap interval (percentile
  method, 2,000 resamplings among the bad and among the others); none with fewer than three of either kind.
- **Flagged** are images with any reason to look; **sensitivity** is the share of the bad ones that are, **specificity**
  of the others that are not.
- **ECE** is the expected calibration error (Naeini et al. 2015) in 15 bins of equal width, of the pixels of the
  network's view in and within 4 px of found objects, each image counting 1: before and after the model's calibration.
  **Spheroid ECE**: confidences of spheroids against the share of their pixels that is drawn foreground.
- Sources that a model or its calibration learnt from flatter it; see the model's card.
"""


def tables_of(judged: Sequence[Judged]) -> list[Table]:
    """How far a method can be trusted, source by source, and its reasons; nothing where no method says anything."""
    trusts = trust_of(judged)
    if not trusts:
        return []
    flags = Table(
        "Confidence and the flag to look",
        (
            *("images", "method", "n", "bad", "AUC", "flagged", "sensitivity", "specificity"),
            *("ECE before", "ECE after", "spheroid ECE"),
        ),
        tuple(
            (
                *(one.key, one.method, str(one.images), str(one.bad), _auc(one), f"{one.flagged:.0%}"),
                *(_share(one.sensitivity), _share(one.specificity)),
                *(_number(one.error_before), _number(one.error_after), _number(one.spheroid_error)),
            )
            for one in trusts
        ),
    )
    reasons = Table(
        "Reasons to look, over all images",
        ("reason", "method", "images", "IoU with", "without", "PQ with", "without"),
        tuple(
            (
                *(one.reason.value, one.method, f"{one.flagged} of {one.images}"),
                *(_number(one.iou_with), _number(one.iou_without)),
                *(_number(one.quality_with), _number(one.quality_without)),
            )
            for one in reasons_of(judged)
        ),
    )
    return [flags, reasons]


def figures_of(judged: Sequence[Judged], method: str) -> dict[str, float]:
    """One method's figures under flat keys such as ``all_review_auc``, to four decimals."""
    told: dict[str, float] = {}
    for one in trust_of(judged):
        if one.method == method:
            told |= one.figures()
    return told


def section(judged: Sequence[Judged], pictures: Sequence[str] = ()) -> list[str]:
    """The report's part about confidence, in Markdown; empty where no method says anything.

    Args:
        pictures: Reliability plots, as links from the report.
    """
    tables = tables_of(judged)
    if not tables:
        return []
    return [
        *("## Confidence", "", *(table.markdown() for table in tables), DEFINITIONS),
        *(line for link in pictures for line in (f"![{link}]({link})", "")),
    ]


def write_plots(judged: Sequence[Judged], folder: Path) -> list[Path]:
    """Draw a reliability plot for each method that says something of its answers."""
    written = []
    for method in dict.fromkeys(one.method for one in judged):
        parts = reliability_of(judged, method)
        if parts is None:
            continue
        name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in method)
        written.append(folder / f"reliability-{name}.png")
        _draw(method, parts, written[-1])
    return written


def _draw(method: str, parts: tuple[Reliability, Reliability, Reliability], file: Path) -> None:
    """Come true over told, and how often each was told."""
    raw, mended, spheroids = parts
    figure = Figure(figsize=(9, 5), layout="constrained")
    panels = (
        ("pixels in and near found objects", ((raw, ORANGE, "the network's own"), (mended, BLUE, "calibrated"))),
        ("spheroids: share of their pixels that is right", ((spheroids, BLUE, "calibrated"),)),
    )
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1))
    for column, (title, lines) in enumerate(panels):
        above, below = figure.add_subplot(grid[0, column]), figure.add_subplot(grid[1, column])
        above.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--")
        for one, colour, words in lines:
            there = one.count > 0
            error = "" if one.error is None else f", ECE {one.error:.3f}"
            told, true = one.told[there] / one.count[there], one.came_true[there] / one.count[there]
            above.plot(told, true, color=colour, marker="o", markersize=3, label=words + error)
            edges = np.linspace(0, 1, one.count.size + 1)
            below.stairs(one.count / max(one.count.sum(), 1e-12), edges, color=colour)
        above.set(xlim=(0, 1), ylim=(0, 1), title=title, ylabel="came true")
        above.legend(loc="upper left", fontsize="small")
        below.set(xlim=(0, 1), xlabel="told", ylabel="share", yscale="log")
    figure.suptitle(f"Reliability of {method}")
    figure.savefig(file, dpi=120, metadata={"Software": None})


def _auc(one: Trust) -> str:
    if one.auc is None:
        return ""
    return _number(one.auc) + (f" ({one.auc_low:.3f}-{one.auc_high:.3f})" if one.auc_low is not None else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
