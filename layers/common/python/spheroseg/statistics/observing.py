"""A table of measures to observations: which object has which value, and what tells its groups and units."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from spheroseg.domain.asked_statistics import CALLED
from spheroseg.domain.statistics_question import Level
from spheroseg.errors import NotTellableError
from spheroseg.statistics.sampling import FACTORS, TIME
from spheroseg.statistics.tables import FROM_NAMES, Table, level_of_name, times_of
from spheroseg.statistics.units import Observations


def factor_of(name: str) -> str:
    """A factor's name as columns have it."""
    return CALLED.get(name, name)


def observations_of(table: Table, wanted: Sequence[str]) -> Observations:
    """The table's values with everything that is known of their images.

    A factor is the column of its name; well, and time in hours, else come from the files' names when they are wanted.

    Raises:
        NotTellableError: a wanted factor stands nowhere.
    """
    rows = table.rows
    factors: dict[str, Sequence[Level]] = {}
    for name in (*FACTORS, *wanted):
        if name in rows.columns:
            factors[name] = _levels(rows[name])
    image = _images(rows)
    if image is not None:
        factors["image"] = image
    for name in wanted:
        if name not in factors:
            factors[name] = _of_names(table, name)
    return Observations(_values(rows["value"]), factors, _names(rows))


def _of_names(table: Table, name: str) -> Sequence[Level]:
    """A factor that only the files' names can tell."""
    if name in FROM_NAMES:
        return level_of_name(table.rows, name)
    if name != TIME:
        raise NotTellableError(f"Nothing tells {name}: there is no such column; samples may tell it", "no-such-column")
    times, label = times_of(table, None)
    if label == "frame":
        raise NotTellableError("The files' names tell frames, not hours; give a column time_point_h", "no-time")
    return [time * 24 if label == "time (days)" else time for time in times]


def _values(column: pl.Series) -> NDArray[np.float64]:
    return column.cast(pl.Float64).fill_null(float("nan")).to_numpy().astype(np.float64)


def _levels(column: pl.Series) -> list[Level]:
    """Numbers as numbers, whole ones as int; anything else as text."""
    if column.dtype.is_float():
        return [None if one is None else int(one) if float(one).is_integer() else one for one in column.to_list()]
    if column.dtype.is_integer():
        return column.to_list()
    return column.cast(pl.String).to_list()


def _images(rows: pl.DataFrame) -> list[Level] | None:
    for name in ("image_id", "file", "name"):
        if name in rows.columns and rows[name].null_count() == 0:
            texts = rows[name].cast(pl.String).to_list()
            if "page" in rows.columns:
                return [f"{text} page {page}" for text, page in zip(texts, rows["page"].to_list(), strict=True)]
            return texts
    return None


def _names(rows: pl.DataFrame) -> list[str]:
    """What objects are called: image and number."""
    name = next((name for name in ("name", "file", "image_id") if name in rows.columns), None)
    images = [""] * rows.height if name is None else rows[name].cast(pl.String).fill_null("?").to_list()
    number = next((name for name in ("spheroid", "number", "object") if name in rows.columns), None)
    numbers = [str(row + 1) for row in range(rows.height)] if number is None else rows[number].cast(pl.String).to_list()
    return [f"{image} {which}".strip() for image, which in zip(images, numbers, strict=True)]
