"""Figures of an evaluation as tables, JSON and CSV."""

import csv
import io
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from types import MappingProxyType

import numpy as np

from training.evaluation.judging import ImageFigures, Judgement
from training.evaluation.running import Judged
from training.evaluation.sources import Failure
from training.evaluation.summaries import FIGURES, Agreement, Summary, mean_interval, summary, values_of

ALL, SINGLE_ROUND = "all", "single_round"
TITLES = {ALL: "all", SINGLE_ROUND: "all, single round"}

COMPARED = ("foreground_iou", "object_iou", "boundary_f1_2px", "ap50")
"""Figures whose difference between methods is told, image by image."""

DECIMALS = 4

NOT_AT_TERMINAL = frozenset({"Dice", "PQ", "count, absolute"})

DEFINITIONS = """\
- **IoU** and **Dice**: foreground, all objects of an image together. **Object IoU**: mean over the drawn objects of the
  largest IoU that a found one has with it.
- **BF**: boundary F1 (Csurka et al. 2013, BMVC) of the boundaries of objects, per image, at 2 px and at 0.5 % of the
  image's diagonal; the image's frame is no boundary.
- **AP50, AP75**: pairs / (pairs + missed + added) at an IoU above 0.5 and 0.75 (2018 Data Science Bowl; Caicedo et al.
  2019). **PQ**: panoptic quality at 0.5 (Kirillov et al. 2019).
- **Count**: found less drawn objects, mean over images; then the mean of its absolute value.
- An image with nothing drawn and nothing found scores 1, one with only one of the two 0; object IoU is over images with
  drawn objects.
- Figures are means over images; in brackets the 95 % bootstrap interval of the mean (percentile method, 10,000
  resamplings of images). It says how much the mean depends on which images were taken from this source, nothing about
  other sources; below five images there is none. p10 is the 10th percentile of the images.
- **Sizes**: found less drawn, of partners at an IoU above 0.5, with 95 % limits of agreement (Bland & Altman 1986).
- **Single round spheroids**: images with one drawn object whose circularity is at least 0.8.
"""


@dataclass(frozen=True)
class Group:
    """Images that are summed up together, for one method.

    Args:
        key: ``all``, ``single_round``, the name of a source, or that with ``_single_round``; starts keys of figures.
        title: In words.
        judgement: Its images.
    """

    key: str
    title: str
    method: str
    judgement: Judgement
    summary: Summary


@dataclass(frozen=True)
class Table:
    """Cells as text; the first two columns are words, the others figures."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a Markdown table under its title."""
        rule = "|" + "|".join(["---"] * 2 + ["---:"] * (len(self.header) - 2)) + "|"
        lines = [f"| {' | '.join(cells)} |" for cells in (self.header, *self.rows)]
        return "\n".join([f"### {self.title}", "", lines[0], rule, *lines[1:], ""])


def groups_of(judged: Sequence[Judged]) -> list[Group]:
    """Each source, all of them, and the single round spheroids of each and of all; group by group all methods."""
    methods = list(dict.fromkeys(one.method for one in judged))
    sources = list(dict.fromkeys(one.source for one in judged))
    by_source = {(one.source, one.method): one.judgement for one in judged}
    wanted: list[tuple[str, str, list[str], bool]] = [(source, source, [source], False) for source in sources]
    if len(sources) > 1:
        wanted.append((ALL, TITLES[ALL], sources, False))
    wanted += [(f"{source}_{SINGLE_ROUND}", f"{source}, single round", [source], True) for source in sources]
    wanted.append((SINGLE_ROUND, TITLES[SINGLE_ROUND], sources, True))
    groups = []
    for key, title, members, only_round in wanted:
        for method in methods:
            images = tuple(image for source in members for image in by_source[source, method].images)
            judgement = Judgement(images).single_round() if only_round else Judgement(images)
            if judgement.images:
                groups.append(Group(key, title, method, judgement, summary(judgement)))
    return groups


def figures_of(groups: Sequence[Group], method: str) -> dict[str, float]:
    """One method's figures under flat keys such as ``lguertle_foreground_iou_mean``, to four decimals."""
    told: dict[str, float] = {}
    for group in groups:
        if group.method == method:
            told |= group.summary.figures(f"{group.key}_")
    return {key: round(value, DECIMALS) for key, value in told.items()}


def score_table(groups: Sequence[Group], *, short: bool = False) -> Table:
    """The scores of every group and method.

    Args:
        short: Fewer columns and intervals, for a terminal.
    """
    rows = []
    for group in groups:
        spreads, told = group.summary.spreads, group.summary
        cells = {
            "images": group.title,
            "method": group.method,
            "n": str(told.images),
            "IoU": _mean(told, "foreground_iou", interval=True),
            "IoU p10": _number(spreads["foreground_iou"].tail),
            "Dice": _mean(told, "foreground_dice"),
            "object IoU": _mean(told, "object_iou", interval=not short),
            "BF 2 px": _mean(told, "boundary_f1_2px"),
            "BF 0.5 %": _mean(told, "boundary_f1_diagonal"),
            "AP50": _mean(told, "ap50", interval=not short),
            "AP75": _mean(told, "ap75"),
            "PQ": _mean(told, "panoptic_quality"),
            "count": f"{spreads['count_error'].mean:+.2f}",
            "count, absolute": f"{spreads['count_error_absolute'].mean:.2f}",
        }
        rows.append({name: cell for name, cell in cells.items() if not short or name not in NOT_AT_TERMINAL})
    return Table("Scores", tuple(rows[0]) if rows else (), tuple(tuple(row.values()) for row in rows))


def size_table(groups: Sequence[Group]) -> Table:
    """How areas and diameters agree."""
    return Table(
        "Sizes of partners: bias (95 % limits of agreement)",
        ("images", "method", "pairs", "area (%)", "equivalent diameter (%)", "equivalent diameter (px)"),
        tuple(
            (
                group.title,
                group.method,
                str(group.summary.area_percent.count if group.summary.area_percent else 0),
                _agreement(group.summary.area_percent),
                _agreement(group.summary.diameter_percent),
                _agreement(group.summary.diameter_px),
            )
            for group in groups
        ),
    )


def difference_table(groups: Sequence[Group]) -> Table | None:
    """Each method less the first one, on the same images; None when there is one method only."""
    titles = {figure.key: figure.title for figure in FIGURES}
    first: dict[str, Group] = {}
    rows = []
    for group in groups:
        base = first.setdefault(group.key, group)
        if base is not group:
            cells = [_difference(base.judgement.images, group.judgement.images, key) for key in COMPARED]
            rows.append((group.title, f"{group.method} - {base.method}", *cells))
    if not rows:
        return None
    return Table(
        "Differences, image by image: mean (95 % bootstrap interval)",
        ("images", "methods", *(titles[key] for key in COMPARED)),
        tuple(rows),
    )


def choices_of(group: Group) -> dict[str, int]:
    """How many images of a group got which model; empty where there was no choice."""
    counts = Counter(image.chosen for image in group.judgement.images if image.chosen is not None)
    return dict(sorted(counts.items()))


def choice_table(groups: Sequence[Group]) -> Table | None:
    """How often each model was chosen; None when no method chooses."""
    choosing = [(group, choices_of(group)) for group in groups]
    models = sorted({model for _, choices in choosing for model in choices})
    if not models:
        return None
    rows = [
        (
            group.title,
            group.method,
            *(f"{choices.get(model, 0)} ({choices.get(model, 0) / sum(choices.values()):.0%})" for model in models),
        )
        for group, choices in choosing
        if choices
    ]
    return Table("Chosen models: images (share)", ("images", "method", *models), tuple(rows))


def tables_of(groups: Sequence[Group], *, short: bool = False) -> list[Table]:
    """Scores, sizes, differences where there is more than one method, and choices where one chooses."""
    optional = (difference_table(groups), choice_table(groups))
    return [score_table(groups, short=short), size_table(groups), *(table for table in optional if table)]


def spread_table(groups: Sequence[Group], method: str) -> Table:
    """Every figure of one method with mean, interval, median and tail."""
    titles = {figure.key: figure.title for figure in FIGURES}
    return Table(
        f"{method}: every figure",
        ("images", "figure", "n", "mean", "95 %", "median", "10th percentile (90th where low is better)"),
        tuple(
            (
                group.title,
                titles[key],
                str(spread.count),
                _number(spread.mean),
                "" if spread.low is None else f"{_number(spread.low)} to {_number(spread.high)}",
                _number(spread.median),
                _number(spread.tail),
            )
            for group in groups
            if group.method == method
            for key, spread in group.summary.spreads.items()
        ),
    )


def per_image_csv(judged: Iterable[Judged], fold: str | None) -> str:
    """One row for each image and method, with a header; numbers in full, empty where there is none."""
    keys = [figure.key for figure in FIGURES]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *("fold", "method", "source", "image", "drawn", "found", "partners", *keys),
            *("single_round", "chosen", "confidence", "review"),
        ]
    )
    for one in judged:
        for image in one.judgement.images:
            counts = (image.drawn_count, image.found_count, image.sizes.drawn_px2.size)
            figures = [getattr(image, key) for key in keys]
            single_round = str(image.single_round).lower()
            row = [fold, one.method, one.source, image.image, *counts, *figures, single_round, image.chosen or ""]
            writer.writerow([*row, *_told(image)])
    return text.getvalue()


def _told(image: ImageFigures) -> tuple[float | None, str]:
    """The confidence of a result and the reasons to look at it."""
    if image.assurance is None:
        return None, ""
    review = image.assurance.review
    return review.signs.confidence, " ".join(review.reasons)


@dataclass(frozen=True)
class Circumstances:
    """How an evaluation was made.

    Args:
        command: What was typed.
        made_at: Aware.
        fold: The source that was left out of training, or any name for this run; None when there is none.
    """

    command: str
    made_at: datetime
    fold: str | None

    def machine(self) -> str:
        """Where it ran, and with which libraries."""
        libraries = ", ".join(
            f"{name} {version(name)}" for name in ("onnxruntime", "opencv-python-headless", "scikit-image", "numpy")
        )
        return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {libraries}"


def markdown(
    judged: Sequence[Judged],
    groups: Sequence[Group],
    about: dict[str, str],
    failures: Sequence[Failure],
    circumstances: Circumstances,
    pictures: dict[str, list[str]],
    sections: Sequence[str] = (),
) -> str:
    """The report.

    Args:
        about: By method, what it is.
        sections: Lines of Markdown that follow the figures.
        pictures: By method, overlays of its worst images, worst first, as links from the report.
    """
    when = f"{circumstances.made_at:%Y-%m-%d %H:%M} UTC"
    fold = f" · fold: {circumstances.fold}" if circumstances.fold else ""
    parts = [f"# Evaluation, {when}", "", f"`{circumstances.command}`", "", f"{circumstances.machine()}{fold}", ""]
    parts += [f"- **{name}**: {words}" for name, words in about.items()]
    sources = [one for one in judged if one.method == judged[0].method]
    counted = ", ".join(
        f"{one.source} ({len(one.cases)} images, {sum(image.drawn_count for image in one.judgement.images)} objects)"
        for one in sources
    )
    parts += ["", f"Sources: {counted}.", ""]
    if failures:
        parts += ["Left out:", "", *(f"- {one.source}/{one.name}: {one.reason}" for one in failures), ""]
    parts += [
        "## Figures",
        "",
        *(table.markdown() for table in tables_of(groups)),
        "## What they mean",
        "",
        DEFINITIONS,
    ]
    parts += sections
    parts += ["## The worst images", "", "By panoptic quality, then IoU. Drawn in orange, found in blue.", ""]
    for method, links in pictures.items():
        parts += [f"### {method}: the worst {len(links)}", "", *(f"![{link}](<{link}>)" for link in links), ""]
    parts += ["## Every figure", "", *(spread_table(groups, method).markdown() for method in about)]
    return "\n".join(parts).rstrip("\n") + "\n"


def document(
    groups: Sequence[Group],
    about: dict[str, str],
    failures: Sequence[Failure],
    circumstances: Circumstances,
    more: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
) -> dict[str, object]:
    """The same for programs: by method, flat figures as they stand in a model card.

    Args:
        more: By method, further figures.
    """
    return {
        "version": 1,
        "command": circumstances.command,
        "made_at": circumstances.made_at.isoformat(timespec="seconds"),
        "machine": circumstances.machine(),
        "fold": circumstances.fold,
        "methods": {
            name: {
                "about": words,
                "figures": {**figures_of(groups, name), **more.get(name, {})},
                "chosen": _choices_by_group(groups, name),
            }
            for name, words in about.items()
        },
        "failures": [{"source": one.source, "image": one.name, "reason": one.reason} for one in failures],
    }


def _choices_by_group(groups: Sequence[Group], method: str) -> dict[str, dict[str, int]]:
    """By group of images, how many got which model; empty where there was no choice."""
    return {group.key: choices for group in groups if group.method == method and (choices := choices_of(group))}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _mean(told: Summary, key: str, *, interval: bool = False) -> str:
    spread = told.spreads.get(key)
    if spread is None:
        return ""
    mean = _number(spread.mean)
    return f"{mean} ({_number(spread.low)}-{_number(spread.high)})" if interval and spread.low is not None else mean


def _agreement(agreement: Agreement | None) -> str:
    if agreement is None:
        return ""
    if agreement.low is None:
        return f"{agreement.bias:+.1f}"
    return f"{agreement.bias:+.1f} ({agreement.low:+.1f} to {agreement.high:+.1f})"


def _difference(before: tuple[ImageFigures, ...], after: tuple[ImageFigures, ...], key: str) -> str:
    """Where an image has no such figure, neither method has: that depends on what was drawn."""
    differences = values_of(after, key) - values_of(before, key)
    if not differences.size:
        return ""
    interval = mean_interval(differences)
    mean = f"{float(np.mean(differences)):+.3f}"
    return mean if interval is None else f"{mean} ({interval[0]:+.3f} to {interval[1]:+.3f})"
