"""A table of samples as CSV: a row for an image, a column for a field; all of it is right, or none of it is taken."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from spheroseg.domain.sample import READERS, tags_of
from spheroseg.errors import InvalidSampleError, InvalidTableError, TableFault

MAX_ROWS = 10_000
KEYS = ("id", "name")
TAG_SEPARATOR = ";"
COLUMNS = (*KEYS, *READERS, "tags", "pixel_size_um")
MAX_FAULTS = 50
"""Faults that are told at once; a wrong column is wrong in each row."""

Value = str | float | int | tuple[str, ...] | None


@dataclass(frozen=True)
class TableRow:
    """One row: which image, and what it says; None takes a field back."""

    number: int
    image_id: UUID | None
    name: str | None
    fields: dict[str, Value]


def read_table(text: str) -> Sequence[TableRow]:
    """The rows of a CSV file with a heading; the separator is a comma, semicolon or tab.

    Columns are ``id`` or ``name`` of the image, then any of ``plate``, ``well``, ``condition``, ``time_point_h``,
    ``replicate``, ``tags`` (separated by ``|`` or ``;``) and ``pixel_size_um``. An empty cell takes the field back; a
    column that is left away leaves it as it is.

    Raises:
        InvalidTableError: with every fault, by row and column.
    """
    lines = text.removeprefix("\ufeff")
    first_line = lines.partition("\n")[0]
    separator = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(lines, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InvalidTableError.of([TableFault(reader.line_num, "", f"This is no CSV: {error}")]) from error
    if not rows:
        raise InvalidTableError.of([TableFault(1, "", "The table is empty; it begins with a heading")])
    heading = [cell.strip() for cell in rows[0][1]]
    _require_columns(heading)
    if len(rows) - 1 > MAX_ROWS:
        raise InvalidTableError.of([TableFault(MAX_ROWS + 2, "", f"{MAX_ROWS} rows are taken at most")])
    faults: list[TableFault] = []
    found = [_row_of(number, heading, cells, faults) for number, cells in rows[1:]]
    if faults:
        raise InvalidTableError.of(faults[:MAX_FAULTS])
    return found


def _require_columns(heading: Sequence[str]) -> None:
    unknown = [name for name in heading if name not in COLUMNS]
    faults = [TableFault(1, name, f"There is no such field; take {', '.join(COLUMNS)}") for name in unknown]
    faults += [TableFault(1, name, "The column is there twice") for name in set(heading) if heading.count(name) > 1]
    if not set(KEYS) & set(heading):
        faults.append(TableFault(1, "", "A column `id` or `name` is needed, which tells the image"))
    if faults:
        raise InvalidTableError.of(faults)


def _row_of(number: int, heading: Sequence[str], cells: Sequence[str], faults: list[TableFault]) -> TableRow:
    if len(cells) != len(heading):
        faults.append(TableFault(number, "", f"The row has {len(cells)} cells, the heading {len(heading)}"))
    image_id: UUID | None = None
    name: str | None = None
    fields: dict[str, Value] = {}
    for column, cell in zip(heading, cells, strict=False):
        text = cell.strip()
        try:
            if column == "id":
                image_id = _id_of(text)
            elif column == "name":
                name = text or None
            else:
                fields[column] = _value_of(column, text)
        except InvalidSampleError as error:
            faults.append(TableFault(number, column, str(error)))
    if len(cells) == len(heading) and image_id is None and name is None and not any(f.row == number for f in faults):
        faults.append(TableFault(number, "", "The row names no image"))
    return TableRow(number, image_id, name, fields)


def _id_of(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidSampleError(f"{text!r} is no id of an image") from error


def _value_of(column: str, text: str) -> Value:
    if column == "tags":
        return tags_of([tag for tag in text.replace("|", TAG_SEPARATOR).split(TAG_SEPARATOR) if tag.strip()])
    if not text:
        return None
    if column == "pixel_size_um":
        return pixel_size_of(text)
    return READERS[column](text)


def pixel_size_of(text: str) -> float:
    """An edge of one pixel in µm, 0.001 to 1000, or raise ``InvalidSampleError``."""
    try:
        size_um = float(text)
    except ValueError as error:
        raise InvalidSampleError(f"{text!r} is no number of µm") from error
    if not 0.001 <= size_um <= 1000:
        raise InvalidSampleError(f"{text!r} is not within 0.001 to 1000 µm")
    return size_um
