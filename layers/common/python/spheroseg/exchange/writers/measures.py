"""Tables of measures: CSV, Parquet and XLSX."""

import csv
import io
from array import array
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, median, stdev
from typing import cast

import polars as pl
import xlsxwriter
from polars.io.plugins import register_io_source
from xlsxwriter.format import Format as Style
from xlsxwriter.worksheet import Worksheet

from spheroseg.exchange.files import Files, spooled
from spheroseg.exchange.results import Result
from spheroseg.exchange.tables import COLUMNS, Cell, definitions, kind_of, row, rows, text_of

CSV_NAME, PARQUET_NAME, XLSX_NAME = "measures.csv", "measures.parquet", "measures.xlsx"

ROWS_AT_A_TIME = 5_000
"""Of a Parquet file: kept in memory together."""

EXCEL_ROWS = 1_048_576
"""Rows of a sheet, the header among them (Excel specifications and limits)."""

EXCEL_CELL = 32_767
"""Characters of a cell (Excel specifications and limits)."""

SUMMARISED: Sequence[str] = ("area_px2", "equivalent_diameter_px", "circularity", "area_um2", "equivalent_diameter_um")


def write_csv(results: Iterable[Result], files: Files) -> None:
    """One CSV file in UTF-8 with a header; numbers in full."""
    with files.open(CSV_NAME) as stream:
        text = io.TextIOWrapper(cast(io.BytesIO, stream), encoding="utf-8", errors="replace", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for result in results:
            writer.writerows([text_of(cell) for cell in cells] for cells in rows(result))
        text.detach()


def write_parquet(results: Iterable[Result], files: Files) -> None:
    """One Parquet file, typed; cells without a value are null."""
    types = {bool: pl.Boolean(), int: pl.Int64(), float: pl.Float64(), str: pl.String()}
    schema = pl.Schema({column: types[kind_of(column)] for column in COLUMNS})

    def batches(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        if with_columns is not None or predicate is not None or n_rows is not None:
            raise NotImplementedError("A whole table is written")
        yield pl.DataFrame(schema=schema)
        kept: list[list[Cell]] = []
        for result in results:
            for cells in rows(result):
                kept.append([None if cell == "" else cell for cell in cells])
                if len(kept) == ROWS_AT_A_TIME:
                    yield pl.DataFrame(kept, schema=schema, orient="row")
                    kept.clear()
        if kept:
            yield pl.DataFrame(kept, schema=schema, orient="row")

    with spooled(files, PARQUET_NAME) as path:
        register_io_source(batches, schema=schema).sink_parquet(path, row_group_size=ROWS_AT_A_TIME)


def write_xlsx(results: Iterable[Result], files: Files) -> None:
    """An Excel workbook: measures, a summary by image, and what each column means.

    Rows go to the disk as they come. A sheet that is full is followed by «measures 2».
    """
    with spooled(files, XLSX_NAME) as path:
        options = {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False}
        with xlsxwriter.Workbook(str(path), options) as book:
            bold = book.add_format({"bold": True, "text_wrap": False})
            measures = _Sheets(book, bold)
            summaries = [
                _summary(result, values) for result in results for values in [_write_measures(result, measures)]
            ]
            _write_table(book.add_worksheet("summary"), bold, _summary_header(), summaries)
            meanings = ([column, found.unit, found.meaning, found.source] for column, found in definitions())
            _write_table(book.add_worksheet("definitions"), bold, ["column", "unit", "meaning", "source"], meanings)


class _Sheets:
    """Sheets of measures, as many as the rows need."""

    def __init__(self, book: xlsxwriter.Workbook, bold: Style) -> None:
        self._book, self._bold = book, bold
        self._count, self._row = 0, EXCEL_ROWS
        self._sheet: Worksheet | None = None

    def write(self, cells: Sequence[Cell]) -> None:
        """Add a row."""
        if self._sheet is None or self._row == EXCEL_ROWS:
            self._count += 1
            self._sheet = self._book.add_worksheet("measures" if self._count == 1 else f"measures {self._count}")
            _write_row(self._sheet, 0, COLUMNS, self._bold)
            self._sheet.freeze_panes(1, 4)
            self._row = 1
        _write_row(self._sheet, self._row, cells)
        self._row += 1

    def begin(self) -> None:
        """Make the first sheet, also when no row will come."""
        if self._sheet is None:
            self._count, self._row = 1, 1
            self._sheet = self._book.add_worksheet("measures")
            _write_row(self._sheet, 0, COLUMNS, self._bold)


def _write_measures(result: Result, sheets: _Sheets) -> dict[str, "array[float]"]:
    sheets.begin()
    places = {column: COLUMNS.index(column) for column in SUMMARISED}
    values = {column: array("d") for column in SUMMARISED}
    for spheroid in result.spheroids:
        cells = row(result, spheroid)
        sheets.write(cells)
        for column, place in places.items():
            if cells[place] is not None:
                values[column].append(cast(float, cells[place]))
    return values


def _summary_header() -> list[str]:
    figures = [f"{column} {figure}" for column in SUMMARISED for figure in ("mean", "SD", "median")]
    return ["file", "name", "page", "spheroids", "pixel_size_um", "image_needs_review", *figures]


def _summary(result: Result, values: dict[str, "array[float]"]) -> list[Cell]:
    count = len(values[SUMMARISED[0]])
    cells: list[Cell] = [result.file, result.name, result.page, count, result.pixel_size_um]
    cells.append(result.origin.image_needs_review)
    for column in SUMMARISED:
        of_column = values[column]
        cells += [
            fmean(of_column) if of_column else None,
            stdev(of_column) if len(of_column) > 1 else None,
            median(of_column) if of_column else None,
        ]
    return cells


def _write_table(sheet: Worksheet, bold: Style, header: Sequence[str], table: Iterable[Sequence[Cell]]) -> None:
    _write_row(sheet, 0, header, bold)
    sheet.freeze_panes(1, 0)
    for index, cells in enumerate(table, start=1):
        _write_row(sheet, index, cells)


def _write_row(sheet: Worksheet, index: int, cells: Sequence[Cell], style: Style | None = None) -> None:
    for column, cell in enumerate(cells):
        if isinstance(cell, bool):
            sheet.write_boolean(index, column, cell, style)
        elif isinstance(cell, str):
            if len(cell) > EXCEL_CELL:
                raise ValueError(f"A cell of an Excel sheet holds {EXCEL_CELL} characters, this has {len(cell)}")
            if cell:  # as text, so that no name is taken for a formula
                sheet.write_string(index, column, cell, style)
        elif cell is not None:
            sheet.write_number(index, column, cell, style)
