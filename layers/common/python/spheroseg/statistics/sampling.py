"""What images show, from a table of samples, beside their measures."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PureWindowsPath

import polars as pl

from spheroseg.domain.sample_table import TableRow
from spheroseg.domain.sample_table import read_table as read_samples
from spheroseg.errors import InvalidTableError, NotTellableError
from spheroseg.statistics.names_tell import stem_of

TIME = "time_point_h"
FACTORS = {"condition": pl.String, TIME: pl.Float64, "replicate": pl.Int64, "plate": pl.String, "well": pl.String}
"""Columns that samples tell, as the API takes them."""

MOST_NAMED = 5


def with_samples(rows: pl.DataFrame, path: Path) -> tuple[pl.DataFrame, list[str]]:
    """The rows with a column for each factor that the samples tell, and what a reader should know.

    Args:
        rows: Of measures; an image is found by ``image_id``, ``name``, or its file's name with or without suffix.
        path: CSV as the API takes it: ``name`` or ``id``, then any factors.

    Raises:
        NotTellableError: the samples cannot be read, name no image, name one twice, or contradict the table.
    """
    try:
        found = read_samples(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise NotTellableError(f"{path} cannot be read: {error}", "no-table") from error
    except InvalidTableError as error:
        raise NotTellableError(f"{path}: {error}", "no-table") from error
    by_key: dict[str, TableRow] = {}
    for sample in found:
        for key in {str(one) for one in (sample.image_id, sample.name) if one is not None}:
            if key in by_key:
                raise NotTellableError(f"{path} names {key} twice", "no-table")
            by_key[key] = sample
    of_row = [_sample_of(keys, by_key) for keys in zip(*_keys(rows), strict=True)]
    used = {sample.number for sample in of_row if sample is not None}
    if not used:
        raise NotTellableError(f"{path} names no image of the table of measures", "no-such-image")
    for name, kind in FACTORS.items():
        if not any(name in sample.fields for sample in found):
            continue
        told = pl.Series(name, [None if one is None else one.fields.get(name) for one in of_row], dtype=kind)
        if name in rows.columns:
            before = rows[name].cast(kind)
            if (before != told).fill_null(value=False).any():
                raise NotTellableError(f"{path} and the table of measures tell a different {name}", "contradiction")
            told = before.zip_with(before.is_not_null(), told)
        rows = rows.with_columns(told.alias(name))
    unused = [str(sample.name or sample.image_id) for sample in found if sample.number not in used]
    if not unused:
        return rows, []
    shown = ", ".join(unused[:MOST_NAMED])
    return rows, [f"{len(unused):,} rows of {path.name} name no image of the table of measures: {shown}"]


def _keys(rows: pl.DataFrame) -> list[list[str]]:
    """What each row's image may be called, best first."""
    columns = [
        rows[name].cast(pl.String).fill_null("").to_list() for name in ("image_id", "name") if name in rows.columns
    ]
    if "file" in rows.columns:
        paths = [PureWindowsPath(text) for text in rows["file"].cast(pl.String).fill_null("").to_list()]
        columns += [[path.name for path in paths], [stem_of(path) for path in paths]]
    if not columns:
        raise NotTellableError(
            "The table of measures has no column image_id, name or file to find samples by", "no-names"
        )
    return columns


def _sample_of(keys: Sequence[str], by_key: Mapping[str, TableRow]) -> TableRow | None:
    return next((by_key[key] for key in keys if key and key in by_key), None)
