"""Brightness that is not there: each table says why, so that nobody takes what is still to come for what cannot be."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from spheroseg.domain.statistics_question import Wanted
from spheroseg.errors import NotTellableError
from spheroseg.exchange.files import FolderFiles
from spheroseg.exchange.formats import FORMATS
from spheroseg.exchange.results import Result
from spheroseg.exchange.tables import definitions
from spheroseg.exchange.writers.statistics import write_statistics
from spheroseg.statistics.tables import read_table, table_of
from spheroseg_client.offline.exchanged import spheroid_of
from spheroseg_client.outlines import read_outlines
from tests.unit.exchange.samples import disk_labels, result_of

WHY = ["waits-to-be-measured", "local-background-waits", "no-local-background"]
DUE = [3, 2, None]


def a_result() -> Result:
    """Three objects: one that waits, one whose local background alone waits, one that has none."""
    whole = result_of(disk_labels(), "disks.png", "disks", 0.5)
    first, second, third = list(whole.spheroids)
    return replace(
        whole,
        spheroids=[
            replace(first, brightness=None, brightness_due_since=3),
            replace(second.without_background(), brightness_due_since=2),
            third.without_background(),
        ],
    )


def test_each_table_says_why(tmp_path: Path) -> None:
    for name in ("csv", "parquet", "xlsx", "json"):
        FORMATS[name].write([a_result()], FolderFiles(tmp_path))
    with (tmp_path / "measures.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["intensity_not_given"] for row in rows] == WHY
    assert [row["brightness_due_since"] for row in rows] == ["3", "2", ""]
    table = pl.read_parquet(tmp_path / "measures.parquet")
    assert table["intensity_not_given"].to_list() == WHY
    assert table["brightness_due_since"].to_list() == DUE
    assert table["intensity_mean"].is_null().to_list() == [True, False, False]
    assert table["intensity_local_background"].null_count() == 3
    book = openpyxl.load_workbook(tmp_path / "measures.xlsx")
    header, *cells = book["measures"].iter_rows(values_only=True)
    assert [row[header.index("intensity_not_given")] for row in cells] == WHY
    assert [row[header.index("brightness_due_since")] for row in cells] == DUE
    spheroids = json.loads((tmp_path / "spheroids.json").read_bytes())["images"][0]["spheroids"]
    assert [one["intensity_not_given"] for one in spheroids] == WHY
    assert [one["brightness_due_since"] for one in spheroids] == DUE
    assert spheroids[0]["intensities"] is None
    assert spheroids[1]["intensities"]["intensity_mean"] == float(rows[1]["intensity_mean"])
    assert spheroids[1]["intensities"]["intensity_local_background"] is None


def test_measured_ones_need_no_reason_and_older_results_have_theirs(tmp_path: Path) -> None:
    whole = result_of(disk_labels(), "disks.png", "disks", 0.5)
    first, second, _ = list(whole.spheroids)
    found = replace(whole, spheroids=[first, replace(second, brightness=None)])
    FORMATS["csv"].write([found], FolderFiles(tmp_path))
    table = pl.read_csv(tmp_path / "measures.csv")
    assert table["intensity_not_given"].to_list() == [None, "not-measured"]


def test_the_definitions_name_each_reason() -> None:
    meaning = dict(definitions())["intensity_not_given"].meaning
    assert all(f"{code}:" in meaning for code in (*WHY, "not-measured"))


def test_a_geojson_file_says_it_to_whoever_makes_a_table_of_it(tmp_path: Path) -> None:
    FORMATS["geojson"].write([a_result()], FolderFiles(tmp_path))
    again = [spheroid_of(one) for one in read_outlines(tmp_path / "disks.geojson")]
    assert [one.intensity_not_given for one in again] == WHY
    assert [one.brightness_due_since for one in again] == DUE


def test_statistics_say_how_many_values_are_still_to_come(tmp_path: Path) -> None:
    FORMATS["csv"].write([a_result()], FolderFiles(tmp_path))
    write_statistics([a_result()], FolderFiles(tmp_path / "job"), Wanted(measure="intensity_mean"))
    document = json.loads((tmp_path / "job/statistics.json").read_bytes())
    (note,) = [note for note in document["notes"] if "intensity_mean" in note]
    assert note.startswith("intensity_mean of 1 of 3 objects waits to be measured again")
    assert (document["rows"], document["missing"], document["overall"]["n"]) == (3, 1, 2)
    assert note in read_table(tmp_path / "measures.csv", "intensity_mean", None, inside_only=False).notes


def test_a_column_that_is_empty_because_all_of_it_waits_says_so(tmp_path: Path) -> None:
    whole = a_result()
    waits = [replace(one, brightness=None, brightness_due_since=1) for one in whole.spheroids]
    FORMATS["csv"].write([replace(whole, spheroids=waits)], FolderFiles(tmp_path))
    table = read_table(tmp_path / "measures.csv", "intensity_mean", None, inside_only=False)
    with pytest.raises(NotTellableError, match=r"empty: intensity_mean of 3 of 3 objects waits"):
        table.groups()


def test_other_measures_have_no_such_note() -> None:
    rows = pl.DataFrame({"file": ["a.png"], "area_px2": [4.0], "brightness_due_since": [1]})
    assert list(table_of(rows, "table", "area_px2", None, inside_only=False).notes) == []
