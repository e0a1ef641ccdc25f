"""Tables of measures to pictures. What ``spheroseg plot`` and exports of statistics draw.

Colours are those of Okabe, M. & Ito, K. (2008), Color universal design, and the map «viridis»: both can be told apart
with every kind of colour vision, and viridis in grey as well.
"""

import io
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spheroseg.errors import NotTellableError
from spheroseg.statistics.names_tell import PLATES, Well, row_name
from spheroseg.statistics.tables import (
    Group,
    Table,
    in_order,
    most_files_of_a_well,
    points_over_time,
    times_of,
    wells_of,
)

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = "osD^vPX"
LARGEST_HISTOGRAM_GROUPS = 12
LARGEST_PANELS = 6
EMPTY_WELL = "#e6e6e6"


def histogram(table: Table) -> Figure:
    """How often which size occurs: a panel for each group, all with the same axis and the same bins."""
    groups = table.groups()
    if len(groups) > LARGEST_HISTOGRAM_GROUPS:
        raise NotTellableError(
            f"There are {len(groups)} groups of {table.by}; at most {LARGEST_HISTOGRAM_GROUPS} can be told apart",
            "too-many-groups",
        )
    figure = blank_figure(7, 1.2 + (3.2 if len(groups) == 1 else 1.7 * len(groups)))
    panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    edges = _bins(np.concatenate([group.values for group in groups]))
    for panel, group in zip(panels, groups, strict=True):
        low, middle, high = group.quartiles
        panel.hist(group.values, bins=edges, color=OKABE_ITO[5], edgecolor="white", linewidth=0.5)
        panel.axvline(middle, color=OKABE_ITO[1], linewidth=2)
        for quartile in (low, high):
            panel.axvline(quartile, color=OKABE_ITO[1], linewidth=1, linestyle="--")
        panel.set_title(f"{_prefix(table.by, group.name)}{_figures(group, table.unit)}", fontsize=9, loc="left")
        panel.set_ylabel("objects")
        panel.yaxis.get_major_locator().set_params(integer=True)
    panels[-1].set_xlabel(f"{table.label}      solid line: median, dashed: interquartile range", fontsize=9)
    return figure


def plate(table: Table) -> Figure:
    """A map of the plate, a panel for each group: the median of the objects of each well."""
    wells = wells_of(table)
    names = sorted(wells, key=in_order)
    if len(names) > LARGEST_PANELS:
        raise NotTellableError(
            f"There are {len(names)} groups of {table.by}; at most {LARGEST_PANELS} plates are drawn", "too-many-groups"
        )
    rows, columns = _plate_size([well for values in wells.values() for well in values])
    figure = blank_figure(1.6 + 0.62 * min(columns, 24) + 1.2, (0.9 + 0.62 * min(rows, 16) + 0.4) * len(names))
    panels = figure.subplots(len(names), 1, squeeze=False)[:, 0]
    medians = [float(np.median(values)) for of_plate in wells.values() for values in of_plate.values()]
    scale = mpl.colors.Normalize(min(medians), max(medians))
    files = most_files_of_a_well(table)
    of_files = f", up to {files} images of a well" if files > 1 else ""
    for panel, name in zip(panels, names, strict=True):
        _draw_plate(panel, wells[name], rows, columns, scale)
        objects = sum(values.size for values in wells[name].values())
        panel.set_title(
            f"{_prefix(table.by, name)}median of each well, n below; {objects:,} objects in {len(wells[name])} wells"
            + of_files,
            fontsize=9,
            loc="left",
        )
    bar = figure.colorbar(mpl.cm.ScalarMappable(scale, "viridis"), ax=list(panels), fraction=0.04, pad=0.02)
    bar.set_label(table.label)
    return figure


def over_time(table: Table, time_column: str | None) -> Figure:
    """The median of each group over time, with the range of its middle half."""
    if len(names := table.rows["group"].unique().to_list()) > len(OKABE_ITO):
        raise NotTellableError(
            f"There are {len(names)} groups of {table.by}; at most {len(OKABE_ITO)} can be told apart",
            "too-many-groups",
        )
    times, label = times_of(table, time_column)
    series = points_over_time(table, times)
    figure = blank_figure(7.5, 4.6)
    panel = figure.subplots()
    for place, name in enumerate(sorted(series, key=in_order)):
        points = series[name]
        at = np.array(sorted(points))
        low, middle, high = np.array([Group(name, points[time], 0).quartiles for time in at.tolist()]).T
        colour, marker = OKABE_ITO[place], MARKERS[place]
        if at.size > 1:
            panel.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
        else:
            panel.errorbar(at, middle, [middle - low, high - middle], color=colour, capsize=4)
        counts = [points[time].size for time in at.tolist()]
        shown = f"n = {counts[0]}" if len(set(counts)) == 1 else f"n = {min(counts)} to {max(counts)}"
        panel.plot(at, middle, color=colour, marker=marker, markersize=5, label=f"{_prefix(table.by, name)}{shown}")
    panel.set_xlabel(label)
    panel.set_ylabel(table.label)
    panel.set_title("median of the objects at each time; band: interquartile range", fontsize=9, loc="left")
    panel.legend(fontsize=8, frameon=False)
    return figure


def drawn(figure: Figure, kind: str) -> bytes:
    """A picture's file; the same figures give the same bytes.

    Args:
        kind: ``svg`` or ``png``.
    """
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {}
    content = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "spheroseg", "svg.fonttype": "none"}):
        figure.savefig(content, dpi=150, format=kind, metadata=metadata)
    return content.getvalue()


def blank_figure(width: float, height: float) -> Figure:
    """An empty picture; inches."""
    return Figure(figsize=(width, height), layout="constrained")


def _bins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges by the rule of Freedman & Diaconis (1981) or Sturges (1926), whichever is finer; 60 bins at most."""
    edges = np.histogram_bin_edges(values, "auto")
    if edges.size > 61:
        edges = np.histogram_bin_edges(values, 60)
    return edges


def _plate_size(wells: Sequence[Well]) -> tuple[int, int]:
    rows, columns = max(well.row for well in wells), max(well.column for well in wells)
    for size in PLATES:
        if rows <= size[0] and columns <= size[1]:
            return size
    raise NotTellableError(f"No plate has a row {row_name(rows)} and a column {columns}", "no-well")


def _draw_plate(
    panel: Axes, wells: dict[Well, NDArray[np.float64]], rows: int, columns: int, scale: mpl.colors.Normalize
) -> None:
    grid = np.full((rows, columns), np.nan)
    for well, values in wells.items():
        grid[well.row - 1, well.column - 1] = np.median(values)
    colours = mpl.colormaps["viridis"].with_extremes(bad=EMPTY_WELL)
    panel.imshow(np.ma.masked_invalid(grid), cmap=colours, norm=scale, aspect="equal")
    panel.set_xticks(range(columns), [str(column + 1) for column in range(columns)], fontsize=7)
    panel.set_yticks(range(rows), [row_name(row + 1) for row in range(rows)], fontsize=7)
    panel.xaxis.tick_top()
    panel.tick_params(length=0)
    panel.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    panel.grid(which="minor", color="white", linewidth=1.5)
    panel.tick_params(which="minor", length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)
    if rows > 16:
        return  # no room for words
    for well, values in wells.items():
        middle = float(np.median(values))
        dark = scale(middle) < 0.5
        panel.text(
            well.column - 1,
            well.row - 1,
            f"{short(middle)}\nn {values.size}",
            ha="center",
            va="center",
            fontsize=6,
            color="white" if dark else "black",
        )


def _figures(group: Group, unit: str) -> str:
    low, middle, high = group.quartiles
    empty = f", {group.empty} without a value" if group.empty else ""
    range_ = f"IQR {short(low)} to {short(high)}"
    return f"n = {group.values.size:,}{empty}, median {short(middle)}, {range_} {unit}".rstrip()


def _prefix(by: str | None, name: str) -> str:
    return "" if by is None else f"{by} {name}: "


def short(value: float) -> str:
    """Four significant digits."""
    if value == 0:
        return "0"
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.3g}" if abs(value) >= 1e6 or digits > 6 else f"{value:.{digits}f}"
