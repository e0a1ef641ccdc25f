"""Tables of measures as files: as this program writes them, and as spreadsheets save them."""

from pathlib import Path

import polars as pl

from spheroseg.errors import NotTellableError

SEPARATORS = (",", ";", "\t")
DECIMAL_COMMA, NUMBER_WITH_COMMA = r"^[+-]?\d*,\d+", r"^[+-]?(\d+(,\d*)?|,\d+)([eE][+-]?\d+)?$"
"""A thousands' comma is never taken for one: beside it stands a decimal point, and the column stays text."""


def _separator(path: Path) -> str:
    """What stands between the names of the columns: a comma, or a semicolon or tab as spreadsheets write them."""
    if path.is_dir():
        raise NotTellableError(f"{path} is a folder, not a table", "no-table")
    with path.open("rb") as file:
        beginning = file.readline(1_000_000)
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotTellableError(f"{path} is in UTF-16; save it as CSV in UTF-8", "no-table")
    return max(SEPARATORS, key=lambda separator: beginning.count(separator.encode()))


def _with_decimal_commas(path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """Columns in which every number with a fraction has a comma, as spreadsheets of many countries write them."""
    commas = [
        column.name
        for column in rows
        if column.dtype == pl.String
        and column.str.contains(DECIMAL_COMMA).any()
        and column.drop_nulls().str.contains(NUMBER_WITH_COMMA).all()
    ]
    points = [column.name for column in rows if column.dtype == pl.Float64]
    if commas and points:
        raise NotTellableError(
            f"{path} has decimal commas in the column {commas[0]} and points in {points[0]}; write all of them alike",
            "no-numbers",
        )
    return rows.with_columns(pl.col(commas).str.replace(",", ".", literal=True).cast(pl.Float64))


def rows_of(path: Path) -> pl.DataFrame:
    """The rows of a CSV file: with commas, or semicolons or tabs and then also decimal commas.

    Raises:
        NotTellableError: it cannot be read, or has no rows.
    """
    try:
        separator = _separator(path)
        rows = pl.read_csv(path, infer_schema_length=None, null_values=[""], separator=separator)
    except FileNotFoundError as error:
        raise NotTellableError(f"{path}: no such file", "file-not-found") from error
    except pl.exceptions.NoDataError as error:
        raise NotTellableError(f"{path} is empty", "no-values") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        words = " ".join(str(error).split())[:200]
        raise NotTellableError(f"{path} cannot be read as a table: {words}", "no-table") from error
    if rows.height == 0:
        raise NotTellableError(f"{path} has no rows", "no-values")
    return rows if separator == "," else _with_decimal_commas(path, rows)
