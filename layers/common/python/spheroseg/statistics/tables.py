"""A table of measures, and what is wanted of it: one measure, in one unit, in groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path, PureWindowsPath

import numpy as np
import polars as pl
from numpy.typing import NDArray

from spheroseg.errors import NotTellableError
from spheroseg.statistics.names_tell import Moment, Well, moment_of, row_name, stem_of, well_of
from spheroseg.statistics.sampling import TIME, with_samples
from spheroseg.statistics.table_files import rows_of

UNITS = {"um": "µm", "um2": "µm²", "um3": "µm³", "px": "px", "px2": "px²", "px3": "px³"}

FROM_NAMES: dict[str, Callable[[Well], str]] = {
    "well": str,
    "well_row": lambda well: row_name(well.row),
    "well_column": lambda well: str(well.column),
}
"""Groups that stand in the files' names instead of a column."""

DUE = "brightness_due_since"
"""Column that says where brightness waits to be measured again."""

WORDS = {"sd": "standard deviation", "q95": "(95th percentile)", "bbox": "bounding box"}


def unit_of(measure: str) -> str:
    """Of a measure; empty for a ratio or a count."""
    return "grey values" if measure.startswith("intensity_") else UNITS.get(measure.rpartition("_")[2], "")


def label_of(measure: str) -> str:
    """A measure in words, with its unit."""
    words = measure.split("_")
    if words[-1] in UNITS:
        words.pop()
    unit = unit_of(measure)
    return " ".join(WORDS.get(word, word) for word in words) + (f" ({unit})" if unit else "")


@dataclass(frozen=True)
class Group:
    """Objects that belong together.

    Args:
        name: Its value in the column of ``--by``; empty where there is no such column.
        values: Of the measure, without empty cells.
        empty: How many cells were empty.
    """

    name: str
    values: NDArray[np.float64]
    empty: int

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """25th percentile, median, 75th, interpolated linearly."""
        low, middle, high = np.percentile(self.values, [25, 50, 75]).tolist()
        return low, middle, high

    def as_json(self) -> dict[str, object]:
        """Its figures."""
        low, middle, high = self.quartiles
        return {"group": self.name, "n": self.values.size, "empty": self.empty, "median": middle, "q1": low, "q3": high}


@dataclass(frozen=True)
class Table:
    """A table of measures and what is wanted of it.

    Args:
        rows: With the columns ``value`` (float, null where the cell is empty) and ``group`` (text).
        measure: Name of the column that ``value`` is.
        by: Name of what the groups are; None for one group.
        notes: What a reader of the picture should know.
    """

    rows: pl.DataFrame
    measure: str
    by: str | None
    notes: Sequence[str]

    @property
    def unit(self) -> str:
        """Of the measure; empty for a ratio or a count."""
        return unit_of(self.measure)

    @property
    def label(self) -> str:
        """The measure in words, with its unit."""
        return label_of(self.measure)

    def grouped(self, by: str) -> "Table":
        """The same objects, by another column or one of ``FROM_NAMES``."""
        return replace(self, rows=self.rows.with_columns(group=_group(self.rows, by)), by=by)

    def groups(self) -> list[Group]:
        """In order of their names, numbers by size."""
        found = []
        for (name,), rows in self.rows.group_by("group", maintain_order=True):
            values = rows["value"].drop_nulls().to_numpy().astype(np.float64)
            if values.size:
                found.append(Group(str(name), values, rows.height - values.size))
        if not found:
            raise self.is_empty()
        return sorted(found, key=lambda group: in_order(group.name))

    def is_empty(self) -> NotTellableError:
        """What is wrong where no row has a value."""
        why = waiting(self.rows, self.measure)
        return NotTellableError(f"The column {self.measure} is empty" + (f": {why}" if why else ""), "no-values")


def read_table(path: Path, measure: str, by: str | None, *, inside_only: bool, samples: Path | None = None) -> Table:
    """Read a table that ``segment`` or ``measure`` wrote, or one like it.

    Args:
        measure: A column; without its unit (``equivalent_diameter``) the one in µm where every row has it, else px.
        by: A column to group by, or one of ``FROM_NAMES``.
        inside_only: Leave objects out that reach the image's border.
        samples: Table of what the images show; adds columns such as ``condition``.

    Raises:
        NotTellableError: it cannot be read, or has no such column, or no rows; or µm and px would be mixed.
    """
    return table_of(rows_of(path), str(path), measure, by, inside_only=inside_only, samples=samples)


def table_of(
    rows: pl.DataFrame, shown: str, measure: str, by: str | None, *, inside_only: bool, samples: Path | None = None
) -> Table:
    """The same of rows that are read already.

    Args:
        shown: What they are called where something is wrong with them.
    """
    notes: list[str] = []
    if samples is not None:
        rows, notes = with_samples(rows, samples)
    rows, told = _by_border(rows, shown, inside_only=inside_only)
    notes += told
    if rows.height == 0:
        raise NotTellableError(f"{shown} has no objects beside those at the border", "no-values")
    column = _measure(rows, measure)
    values = rows[column]
    if not (values.dtype.is_numeric() or values.null_count() == rows.height):
        raise NotTellableError(f"The column {column} holds text, not numbers{_first_text(values)}", "no-numbers")
    if column.endswith(("_px", "_px2", "_px3")) and "pixel_size_um" in rows.columns:
        sizes = rows["pixel_size_um"].unique()
        if sizes.len() > 1:
            notes.append("pixel sizes differ between images: px do not compare")
    if why := waiting(rows, column):
        notes.append(why)
    values = values.cast(pl.Float64)
    if values.is_nan().any() or values.is_infinite().any():
        raise NotTellableError(f"The column {column} holds NaN or infinite values", "no-numbers")
    return Table(rows.with_columns(value=values, group=_group(rows, by)), column, by, notes)


def _by_border(rows: pl.DataFrame, shown: str, *, inside_only: bool) -> tuple[pl.DataFrame, list[str]]:
    """The rows, without objects that reach the border where that is wanted, and what is to be said about these."""
    if "touches_edge" not in rows.columns:
        if inside_only:
            raise NotTellableError(f"{shown} has no column touches_edge", "no-such-column")
        return rows, []
    notes = []
    words = rows["touches_edge"].cast(pl.String).str.to_lowercase()
    at_border = words.eq("true").fill_null(value=False)
    if other := sorted(set(words.drop_nulls()) - {"true", "false"}):
        said = f"The column touches_edge holds {other[0]!r}, neither true nor false"
        if inside_only:
            raise NotTellableError(said, "no-truth")
        notes.append(f"{said}: which objects reach the image's border is not known of such rows")
    count = f"{at_border.sum():,} of {rows.height:,} objects reach the image's border"
    if inside_only:
        rows = rows.filter(~at_border)
        notes.append(f"{count} and are left out")
    elif at_border.any():
        notes.append(f"{count} and are measured in part; inside only leaves them out")
    return rows, notes


def waiting(rows: pl.DataFrame, column: str) -> str | None:
    """How many values of brightness are still to come, in words; None: none of them."""
    if not column.startswith("intensity_") or DUE not in rows.columns:
        return None
    count = int((rows[column].is_null() & rows[DUE].is_not_null()).sum())
    if count == 0:
        return None
    return (
        f"{column} of {count:,} of {rows.height:,} objects waits to be measured again, because their outlines, or ones "
        "near them, were corrected; it counts as missing until then"
    )


def _first_text(values: pl.Series) -> str:
    """The first cell of a column that is no number, in words."""
    texts = values.cast(pl.String)
    place = (texts.is_not_null() & texts.cast(pl.Float64, strict=False).is_null()).arg_true()
    return f": {texts[place[0]]!r} in row {place[0] + 1:,}" if place.len() else ""


def level_of_name(rows: pl.DataFrame, name: str) -> list[str]:
    """What the files' names tell of one of ``FROM_NAMES``, row by row.

    Raises:
        NotTellableError: a file's name tells no well.
    """
    known = {one: FROM_NAMES[name](well_of(one)) for one in _names(rows).unique().to_list()}
    return [known[one] for one in _names(rows).to_list()]


def wells_of(table: Table) -> dict[str, dict[Well, NDArray[np.float64]]]:
    """The values in each well, by group.

    Raises:
        NotTellableError: a file's name tells no well.
    """
    names = _well_names(table.rows)
    known = {name: well_of(name) for name in names.unique().to_list()}
    found: dict[str, dict[Well, list[float]]] = {}
    for group, name, value in zip(table.rows["group"], names, table.rows["value"], strict=True):
        if value is not None:
            found.setdefault(group, {}).setdefault(known[name], []).append(value)
    if not found:
        raise table.is_empty()
    return {group: {well: np.array(values) for well, values in of_group.items()} for group, of_group in found.items()}


def most_files_of_a_well(table: Table) -> int:
    """Into how many files the best covered well of a group goes."""
    wells: dict[tuple[str, Well], set[str]] = {}
    for group, well, name in zip(table.rows["group"], _well_names(table.rows), _names(table.rows), strict=True):
        wells.setdefault((group, well_of(well)), set()).add(name)
    return max(map(len, wells.values()))


def value_rows(table: Table) -> list[dict[str, object]]:
    """Group and value of every object that has one."""
    return [
        {"group": group, "value": value}
        for group, value in zip(table.rows["group"], table.rows["value"], strict=True)
        if value is not None
    ]


def plate_rows(table: Table) -> list[dict[str, object]]:
    """What a map of a plate shows: each well's median and number of objects."""
    return [
        {"group": group, "well": str(well), "median": float(np.median(values)), "n": values.size}
        for group, wells in wells_of(table).items()
        for well, values in sorted(wells.items())
    ]


def time_rows(table: Table, time_column: str | None) -> list[dict[str, object]]:
    """What a course over time shows: each group's quartiles at each time."""
    times, label = times_of(table, time_column)
    rows: list[dict[str, object]] = []
    for group, points in points_over_time(table, times).items():
        for time, values in sorted(points.items()):
            low, middle, high = Group(group, values, 0).quartiles
            row = {"group": group, label: time, "n": values.size, "median": middle, "q1": low, "q3": high}
            rows.append(row)
    return rows


def points_over_time(table: Table, times: Sequence[float]) -> dict[str, dict[float, NDArray[np.float64]]]:
    """The values of each group at each time."""
    found: dict[str, dict[float, list[float]]] = {}
    for group, time, value in zip(table.rows["group"], times, table.rows["value"], strict=True):
        if value is not None:
            found.setdefault(group, {}).setdefault(time, []).append(value)
    if not found:
        raise table.is_empty()
    return {group: {time: np.array(values) for time, values in points.items()} for group, points in found.items()}


def times_of(table: Table, time_column: str | None) -> tuple[list[float], str]:
    """When each row's image was taken, and what the axis is called.

    Raises:
        NotTellableError: the column has no number in some row, or a file's name tells no time, or of another kind.
    """
    if time_column is None and TIME in table.rows.columns and table.rows[TIME].null_count() == 0:
        return table.rows[TIME].cast(pl.Float64).to_list(), "time (h)"
    if time_column is not None:
        column = _column(table.rows, time_column)
        if not column.dtype.is_numeric() or column.null_count():
            raise NotTellableError(f"The column {time_column} does not hold a number in every row", "no-time")
        return column.cast(pl.Float64).to_list(), time_column.replace("_", " ")
    names = _names(table.rows)
    known: dict[str, Moment] = {name: moment_of(name) for name in names.unique(maintain_order=True).to_list()}
    by_unit = {moment.unit: name for name, moment in known.items()}
    if len(by_unit) > 1:
        raise NotTellableError(
            f"The name {by_unit['h']} tells a time, {by_unit['frame']} a frame only; they have no common axis",
            "ambiguous-time",
        )
    times = [known[name].value for name in names]
    if "frame" in by_unit:
        return times, "frame"
    if all(time % 24 == 0 for time in times) and max(times) >= 48:
        return [time / 24 for time in times], "time (days)"
    return times, "time (h)"


def _measure(rows: pl.DataFrame, asked: str) -> str:
    """The column that is meant, never one of px for some rows and of µm for others."""
    if asked in rows.columns:
        column = asked
    else:
        pairs = [(f"{asked}_um{power}", f"{asked}_px{power}") for power in ("", "2", "3")]
        present = [(um, px) for um, px in pairs if um in rows.columns or px in rows.columns]
        if not present:
            close = get_close_matches(asked, rows.columns, 3, 0.4)
            raise NotTellableError(
                f"There is no column {asked}" + (f"; did you mean {' or '.join(close)}?" if close else ""),
                "no-such-column",
            )
        um, px = present[0]
        known = rows.height - rows[um].null_count() if um in rows.columns else 0
        column = px if known == 0 and px in rows.columns else um
    stem, _, unit = column.rpartition("_")
    if unit.startswith("um") and column in rows.columns:
        px = f"{stem}_{unit.replace('um', 'px')}"
        missing = rows[column].is_null() & (rows[px].is_not_null() if px in rows.columns else pl.Series([True]))
        if missing.any():
            file = next((rows[name].filter(missing)[0] for name in ("file", "name") if name in rows.columns), "?")
            raise NotTellableError(
                f"{missing.sum():,} of {rows.height:,} rows have {stem} in px only, the first of {file}: µm and px are "
                f"not mixed. Give the pixel size, or ask for {px}",
                "mixed-units",
            )
    return column


def _group(rows: pl.DataFrame, by: str | None) -> pl.Series:
    if by is None:
        return pl.Series([""] * rows.height, dtype=pl.String)
    if by in FROM_NAMES and by not in rows.columns:
        return pl.Series(level_of_name(rows, by), dtype=pl.String)
    return _column(rows, by).cast(pl.String).fill_null("(empty)")


def _well_names(rows: pl.DataFrame) -> pl.Series:
    """What tells the wells: a column ``well`` that is told everywhere, else what the images are called."""
    if "well" in rows.columns and rows["well"].null_count() == 0:
        return rows["well"].cast(pl.String)
    return _names(rows)


def _names(rows: pl.DataFrame) -> pl.Series:
    """What the images are called: the column ``name``, or files without folders and suffix."""
    if "name" in rows.columns:
        return rows["name"].cast(pl.String)
    return pl.Series([stem_of(PureWindowsPath(str(file))) for file in _column(rows, "file")], dtype=pl.String)


def _column(rows: pl.DataFrame, name: str) -> pl.Series:
    if name not in rows.columns:
        close = get_close_matches(name, rows.columns, 3, 0.4)
        raise NotTellableError(
            f"There is no column {name}" + (f"; did you mean {' or '.join(close)}?" if close else ""), "no-such-column"
        )
    return rows[name]


def in_order(name: str) -> tuple[bool, float, str]:
    """What names are sorted by: numbers by size, then words."""
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name
