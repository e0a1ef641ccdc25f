"""Answers of the statistics to pictures: growth curves, dose response, groups compared. Points are always shown."""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy.typing import NDArray

from spheroseg.domain.statistics import Answer, DoseResponse, Group, Growth, Interval
from spheroseg.domain.statistics_question import Level, Unit
from spheroseg.errors import NotTellableError
from spheroseg.statistics.asking import Answered
from spheroseg.statistics.dosing import logistic
from spheroseg.statistics.plotting import MARKERS, OKABE_ITO, blank_figure, short
from spheroseg.statistics.units import UnitValues, level_order, parts_of, unit_values

MOST_GROUPS_COMPARED = 24
FAINT, BAND = 0.45, 0.15
BESIDE = 0.1
"""How far units stand beside their mean, of the distance between two doses; a quarter of that between times."""

_HALVES, _FIFTHS = tuple(np.arange(1.0, 10.0, 0.5)), tuple(np.arange(1.0, 10.0, 0.2))
SPREAD = 0.28
"""How far points stand apart sideways, of the distance between two groups."""


def growth(answered: Answered) -> Figure:
    """Units over time on a logarithmic axis, with mean, interval, and the fit where one is warranted."""
    said = answered.answer
    curves = said.growth
    _require_few(len(curves), len(OKABE_ITO), "growth curves")
    figure = blank_figure(7.5, 4.8)
    panel = figure.subplots()
    values = _units(answered, (*(name for name in curves[0].levels), "time_point_h")) if curves else None
    for place, curve in enumerate(curves):
        colour = OKABE_ITO[place]
        if values is not None:
            _scatter_over_time(panel, values, curve, colour, _aside(curves, place))
        at = np.array([point.at for point in curve.points])
        means = np.array([point.mean for point in curve.points])
        panel.errorbar(
            at + _aside(curves, place),
            means,
            _arms(means, [point.interval for point in curve.points]),
            color=colour,
            marker=MARKERS[place],
            markersize=5,
            linestyle="none",
            capsize=3,
            label=_growth_label(curve),
        )
        if curve.start is not None and curve.rate_per_h is not None and np.isfinite(curve.start):
            over = np.linspace(at.min(), at.max(), 100)
            warranted = curve.doubling_time_h is not None
            panel.plot(
                over,
                curve.start * np.exp(curve.rate_per_h * over),
                color=colour,
                linewidth=1.5 if warranted else 1,
                linestyle="-" if warranted else ":",
            )
    if all(point.mean > 0 for curve in curves for point in curve.points):
        panel.set_yscale("log")
        _plain_log_labels(panel)
    panel.set_xlabel("time (h)")
    panel.set_ylabel(answered.table.label)
    unit = said.units.unit.value
    panel.set_title(
        f"small: each {unit}; large: mean with 95 % interval; line: exponential fit, dotted where none is warranted",
        fontsize=8.5,
        loc="left",
    )
    panel.legend(fontsize=8, frameon=False)
    return figure


def dose_response(answered: Answered) -> Figure:
    """Units over dose, with mean, interval, the curve and the EC50, or why there is none."""
    found = answered.answer.dose_response
    if found is None:
        raise NotTellableError("A dose response needs doses", "no-doses")
    figure = blank_figure(7, 4.6)
    panel = figure.subplots()
    doses, values = _dosed(answered)
    positive = np.unique(doses[doses > 0])
    if positive.size == 0:
        raise NotTellableError("No dose is above 0", "no-doses")
    # A dose of 0 has no place on a logarithmic axis: it stands a step left of the others, and is named.
    step = (positive[-1] / positive[0]) ** (1 / max(positive.size - 1, 1)) if positive.size > 1 else 10.0
    nought = positive[0] / step
    panel.scatter(
        np.where(doses > 0, doses, nought) * step**BESIDE, values, s=12, color=OKABE_ITO[0], alpha=FAINT, linewidths=0
    )
    at = np.array([point.at if point.at > 0 else nought for point in found.points])
    means = np.array([point.mean for point in found.points])
    arms = _arms(means, [point.interval for point in found.points])
    panel.errorbar(at, means, arms, color=OKABE_ITO[0], marker="o", markersize=5, linestyle="none", capsize=3)
    panel.set_xscale("log")
    if found.refused is None:
        _draw_curve(panel, found, positive, step)
    else:
        figure.supxlabel(_wrapped(f"No curve: {found.refused}"), fontsize=8, x=0.02, ha="left")
    ticks = [*([nought] if (doses == 0).any() else []), *positive.tolist()]
    names = [*(["0"] if (doses == 0).any() else []), *(f"{dose:g}" for dose in positive.tolist())]
    panel.set_xticks(ticks, names)
    panel.set_xticks([], minor=True)
    column = answered.question.dose_of
    panel.set_xlabel("dose" if column == "condition" else column)
    panel.set_ylabel(answered.table.label)
    unit = answered.answer.units.unit.value
    panel.set_title(f"small: each {unit}; large: mean with 95 % interval", fontsize=8.5, loc="left")
    return figure


def comparison(answered: Answered) -> Figure:
    """Every unit of every group, with mean and interval; p-values of the pairs, corrected by Holm."""
    said = answered.answer
    _require_few(len(said.groups), MOST_GROUPS_COMPARED, "groups")
    objects = _objects(answered)
    units = _units(answered, answered.question.groups)
    lines = _pair_lines(said)
    figure = blank_figure(2.2 + 0.9 * max(len(said.groups), 4), 4.6 + 0.16 * len(lines))
    panel = figure.subplots()
    rng = np.random.default_rng(0)
    groups = _in_strata(answered)
    for place, group in enumerate(groups):
        colour = OKABE_ITO[_colour_place(answered, group)]
        key = tuple(group.levels.values())
        if said.units.unit is not Unit.OBJECT:
            of_objects = objects.get(key, np.empty(0))
            _scatter(panel, place, of_objects, rng, "#999999", 5, 0.35)
        _scatter(panel, place, units.get(key, np.empty(0)), rng, colour, 26, 0.8)
        if group.units.mean is not None:
            panel.hlines(group.units.mean, place - SPREAD, place + SPREAD, color="black", linewidth=1.5)
            arms = _arms(np.array([group.units.mean]), [group.units.t_interval])
            panel.errorbar([place], [group.units.mean], arms, color="black", capsize=4, linewidth=1)
    names = ["\n".join(_level(level) for level in group.levels.values()) for group in groups]
    panel.set_xticks(
        range(len(names)), [f"{name}\nn = {group.units.n}" for name, group in zip(names, groups, strict=True)]
    )
    panel.tick_params(axis="x", labelsize=8)
    panel.set_xlim(-0.6, len(names) - 0.4)
    panel.set_ylabel(answered.table.label)
    unit = said.units.unit.value
    grey = "" if said.units.unit is Unit.OBJECT else "grey: objects; "
    panel.set_title(f"{grey}coloured: each {unit}; bar: mean with 95 % interval", fontsize=8.5, loc="left")
    if lines:
        figure.supxlabel("\n".join(lines), fontsize=7.5, x=0.02, ha="left")
    return figure


def drawn_rows(answered: Answered, kind: str) -> list[dict[str, object]]:
    """Every unit that the picture shows, with its value."""
    question, unit = answered.question, answered.answer.units.unit
    factors = {
        "growth": (*(answered.answer.growth[0].levels if answered.answer.growth else ()), "time_point_h"),
        "dose": (question.dose_of,),
        "compare": question.groups,
    }[kind]
    levels, units = _parted(answered, factors, unit)
    return [
        dict(zip(factors, levels[group], strict=True)) | {"unit": name, "value": value}
        for group, name, value in zip(units.group.tolist(), units.names, units.values.tolist(), strict=True)
    ]


def _pair_lines(said: Answer) -> list[str]:
    lines = []
    for one in said.comparisons:
        within = ", ".join(f"{name} {_level(level)}" for name, level in one.within.items())
        for pair in one.pairs:
            words = f"{_level(pair.second)} − {_level(pair.first)}"
            if pair.difference is not None:
                words += f": {short(pair.difference)}"
            if pair.interval is not None:
                words += f" [{short(pair.interval.low)}, {short(pair.interval.high)}]"
            if pair.welch is not None and pair.welch.p_holm is not None:
                words += f", Welch p {_p(pair.welch.p_holm)} (Holm)"
            if pair.hedges_g is not None:
                words += f", g = {pair.hedges_g:.2f}"
            lines.append(f"{within}: {words}" if within else words)
    shown = 12
    return lines if len(lines) <= shown else [*lines[:shown], f"… and {len(lines) - shown} more pairs, see stats"]


def _draw_curve(panel: Axes, found: DoseResponse, positive: NDArray[np.float64], step: float) -> None:
    if found.lower is None or found.upper is None or found.ec50 is None or found.slope is None:
        raise AssertionError("a curve has all four parameters")
    over = np.geomspace(positive[0] / step**0.5, positive[-1] * step**0.25, 200)
    curve = logistic(over, found.lower.value, found.upper.value, float(np.log(found.ec50.value)), found.slope.value)
    panel.plot(over, curve, color=OKABE_ITO[1], linewidth=1.5)
    panel.axvline(found.ec50.value, color=OKABE_ITO[1], linewidth=1, linestyle="--")
    panel.axvspan(found.ec50.interval.low, found.ec50.interval.high, color=OKABE_ITO[1], alpha=BAND, linewidth=0)
    ends = f"[{found.ec50.interval.low:.3g}, {found.ec50.interval.high:.3g}]"
    fit = "" if found.lack_of_fit_p is None else f"\nlack of fit: p {_p(found.lack_of_fit_p)}"
    falls = found.upper.value > found.lower.value
    panel.text(
        0.98 if falls else 0.02,
        0.96,
        f"EC50 {found.ec50.value:.3g} {ends}\nslope {found.slope.value:.3g}, n = {found.n}{fit}",
        transform=panel.transAxes,
        ha="right" if falls else "left",
        va="top",
        fontsize=8,
    )


def _units(answered: Answered, factors: Sequence[str]) -> dict[tuple[Level, ...], NDArray[np.float64]]:
    """The units' values by levels of the factors."""
    levels, units = _parted(answered, factors, answered.answer.units.unit)
    return {one: units.values[units.group == number] for number, one in enumerate(levels)}


def _objects(answered: Answered) -> dict[tuple[Level, ...], NDArray[np.float64]]:
    levels, units = _parted(answered, answered.question.groups, Unit.OBJECT)
    return {one: units.values[units.group == number] for number, one in enumerate(levels)}


def _parted(answered: Answered, factors: Sequence[str], unit: Unit) -> tuple[Sequence[tuple[Level, ...]], UnitValues]:
    observed = answered.observations
    parts = parts_of(observed.factors, factors, observed.values.size)
    return parts.levels, unit_values(observed, parts.number, unit)


def _dosed(answered: Answered) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Dose and value of each unit."""
    doses = answered.question.doses or {}
    column = answered.question.dose_of
    by_level = _units(answered, (column,))
    pairs = [
        (doses[str(level)], value)
        for (level,), values in by_level.items()
        if str(level) in doses
        for value in values.tolist()
    ]
    return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])


def _aside(curves: Sequence[Growth], place: int) -> float:
    """How far a curve's points stand beside their time, so that curves do not hide one another; the fits do not."""
    times = np.unique([point.at for curve in curves for point in curve.points])
    gap = float(np.diff(times).min()) if times.size > 1 else 1.0
    return gap * 0.2 * ((place + 0.5) / len(curves) - 0.5)


def _scatter_over_time(
    panel: Axes,
    values: dict[tuple[Level, ...], NDArray[np.float64]],
    curve: Growth,
    colour: str,
    aside: float,
) -> None:
    key = tuple(curve.levels.values())
    times = [point.at for point in curve.points]
    beside = BESIDE / 4 * (float(np.diff(times).min()) if len(times) > 1 else 1.0)
    for levels, of_time in values.items():
        if levels[:-1] == key and isinstance(levels[-1], int | float):
            panel.scatter(
                np.full(of_time.size, levels[-1] + aside + beside),
                of_time,
                s=9,
                color=colour,
                alpha=FAINT,
                linewidths=0,
            )


def _scatter(
    panel: Axes,
    place: int,
    values: NDArray[np.float64],
    rng: np.random.Generator,
    colour: str,
    size: float,
    alpha: float,
) -> None:
    if values.size == 0:
        return
    sideways = rng.uniform(-SPREAD, SPREAD, values.size) if values.size > 1 else np.zeros(1)
    panel.scatter(place + sideways, values, s=size, color=colour, alpha=alpha, linewidths=0)


def _arms(means: NDArray[np.float64], intervals: Sequence[Interval | None]) -> NDArray[np.float64]:
    """Lengths of the intervals' arms: (2, n); none where there is no interval."""
    return np.array(
        [
            [0.0 if one is None else mean - one.low for mean, one in zip(means.tolist(), intervals, strict=True)],
            [0.0 if one is None else one.high - mean for mean, one in zip(means.tolist(), intervals, strict=True)],
        ]
    )


def _growth_label(curve: Growth) -> str:
    name = ", ".join(_level(level) for level in curve.levels.values())
    counts = [point.n for point in curve.points]
    n = f"n = {counts[0]}" if len(set(counts)) == 1 else f"n = {min(counts)} to {max(counts)}"
    if curve.doubling_time_h is None or curve.doubling_interval is None:
        return f"{name}: {n}, no doubling time" if name else f"{n}, no doubling time"
    word = "doubling" if curve.doubling_time_h > 0 else "halving"
    ends = sorted((abs(curve.doubling_interval.low), abs(curve.doubling_interval.high)))
    times = f"{word} in {short(abs(curve.doubling_time_h))} h [{short(ends[0])}, {short(ends[1])}]"
    return f"{name}: {n}, {times}" if name else f"{n}, {times}"


def _plain_log_labels(panel: Axes) -> None:
    """Numbers as people write them, the closer the less the axis spans."""
    low, high = panel.get_ylim()
    subs = next(
        choice
        for ratio, choice in ((20, (1.0, 2.0, 5.0)), (4, (1.0, 2.0, 3.0, 5.0, 7.0)), (1.6, _HALVES), (1, _FIFTHS))
        if high / low > ratio
    )
    panel.yaxis.set_major_locator(LogLocator(10, subs=subs, numticks=60))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    panel.yaxis.set_minor_formatter(NullFormatter())


def _in_strata(answered: Answered) -> list[Group]:
    """Groups so that those that are compared stand side by side."""
    compared = answered.question.compare
    return sorted(
        answered.answer.groups,
        key=lambda group: [
            level_order(level) for name, level in sorted(group.levels.items(), key=lambda item: item[0] == compared)
        ],
    )


def _colour_place(answered: Answered, group: Group) -> int:
    """The same colour for the same level of what is compared, else of the first factor."""
    factor = answered.question.compare or (answered.question.groups[0] if answered.question.groups else None)
    if factor is None:
        return 0
    levels = list(dict.fromkeys(one.levels[factor] for one in answered.answer.groups))
    return levels.index(group.levels[factor]) % len(OKABE_ITO)


def _require_few(count: int, most: int, what: str) -> None:
    if count > most:
        raise NotTellableError(f"There are {count} {what}; at most {most} can be told apart", "too-many-groups")


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, 90))


def _level(level: Level) -> str:
    return "(not told)" if level is None else f"{level:g}" if isinstance(level, float) else str(level)


def _p(value: float) -> str:
    return f"= {value:.2g}" if value >= 1e-4 else "< 0.0001"
