import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from spheroseg.errors import NotTellableError
from spheroseg.statistics.names_tell import Moment, Well, moment_of, well_of
from spheroseg.statistics.tables import points_over_time, read_table, times_of, wells_of
from spheroseg_client.command_line import app

Rows = list[dict[str, Any]]


def a_row(name: str, diameter_px: float = 100.0, pixel_size: float | None = 0.5, **more: Any) -> dict[str, Any]:
    return {
        "file": f"plate/{name}.tif",
        "name": name,
        "spheroid": 1,
        "equivalent_diameter_px": diameter_px,
        "equivalent_diameter_um": "" if pixel_size is None else diameter_px * pixel_size,
        "circularity": 0.9,
        "touches_edge": "false",
        "pixel_size_um": "" if pixel_size is None else pixel_size,
        **more,
    }


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Twelve wells on three days, growing; two objects an image."""
    rows = [
        a_row(f"{row}{column:02d}_day{day}", 100 + 10 * day + column, treatment="drug" if column > 2 else "none")
        for row in "BCD"
        for column in (1, 2, 3, 4)
        for day in (0, 2, 5)
        for _ in range(2)
    ]
    return written(tmp_path, rows)


def written(folder: Path, rows: Rows) -> Path:
    with (folder / "measures.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder / "measures.csv"


def plotted(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["plot", *map(str, arguments)])


def texts(path: Path) -> str:
    return " ".join("".join(element.itertext()) for element in ET.parse(path).iter("{http://www.w3.org/2000/svg}text"))


@pytest.mark.parametrize("kind", ["histogram", "plate", "time"])
@pytest.mark.parametrize("by", [None, "treatment"])
def test_every_kind_is_drawn_as_png_and_svg(table: Path, tmp_path: Path, kind: str, by: str | None) -> None:
    options = ["--kind", kind, *(["--by", by] if by else [])]
    for name in ("new/a.png", "new/a.svg"):
        result = plotted(table, *options, "--out", tmp_path / name)
        assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "new" / "a.png") as image:
        colours = image.convert("RGB").getcolors(2**24)
        assert image.width > 500
        assert colours is not None
        assert len(colours) > 20
    shown = texts(tmp_path / "new" / "a.svg")
    assert "equivalent diameter (µm)" in shown
    assert ("treatment drug" in shown) is (by is not None)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.png", "a.svg"]


def test_the_same_figures_give_the_same_file(table: Path, tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        assert plotted(table, "--out", tmp_path / name).exit_code == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_histogram_states_number_median_and_quartiles(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a", size) for size in (100, 110, 120, 130, 200)])
    result = plotted(table, "--out", tmp_path / "a.svg", "--json")
    assert json.loads(result.stdout)["groups"] == [
        {"group": "", "n": 5, "empty": 0, "median": 60.0, "q1": 55.0, "q3": 65.0}
    ]
    assert "n = 5, median 60.00, IQR 55.00 to 65.00 µm" in texts(tmp_path / "a.svg")


def test_without_pixel_sizes_px_are_drawn(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a", 80, None), a_row("b", 90, None)])
    assert plotted(table, "--out", tmp_path / "a.svg").exit_code == 0
    assert "equivalent diameter (px)" in texts(tmp_path / "a.svg")


@pytest.mark.parametrize("measure", ["equivalent_diameter", "equivalent_diameter_um"])
def test_px_and_micrometres_are_never_mixed(tmp_path: Path, measure: str) -> None:
    table = written(tmp_path, [a_row("a"), a_row("b", 90, None), a_row("c", 90, None)])
    result = plotted(table, "--measure", measure, "--out", tmp_path / "a.svg")
    assert result.exit_code == 2
    assert "2 of 3 rows have equivalent_diameter in px only, the first of plate/b.tif" in result.stderr
    assert not (tmp_path / "a.svg").exists()
    noted = plotted(table, "--measure", "equivalent_diameter_px", "--out", tmp_path / "a.svg")
    assert noted.exit_code == 0
    assert "pixel sizes differ" in noted.stderr


def test_cells_without_a_value_are_counted_not_drawn(tmp_path: Path) -> None:
    rows = [a_row("a", reach_q95_px=4, reach_q95_um=2), a_row("b", reach_q95_px="", reach_q95_um="")]
    table = written(tmp_path, rows)
    assert plotted(table, "--measure", "reach_q95", "--out", tmp_path / "a.svg").exit_code == 0
    assert "n = 1, 1 without a value, median 2.000" in texts(tmp_path / "a.svg")


def test_objects_at_the_border_are_told_or_left_out(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a"), a_row("b", touches_edge="true")])
    assert "1 of 2 objects reach" in plotted(table, "--out", tmp_path / "a.svg").stderr
    told = json.loads(plotted(table, "--inside-only", "--out", tmp_path / "a.svg", "--json").stdout)
    assert told["groups"][0]["n"] == 1


def test_a_well_gets_the_median_of_its_objects(table: Path) -> None:
    wells = wells_of(read_table(table, "equivalent_diameter", None, inside_only=False))[""]
    assert sorted(map(str, wells)) == [f"{row}{column:02d}" for row in "BCD" for column in (1, 2, 3, 4)]
    assert sorted(wells[Well(2, 3)]) == sorted([103 / 2, 123 / 2, 153 / 2] * 2)


def test_a_file_without_a_well_is_named(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("B03_a"), a_row("overview")])
    result = plotted(table, "--kind", "plate", "--out", tmp_path / "a.png")
    assert result.exit_code == 2
    assert "overview tells no well" in result.stderr


def test_times_are_put_on_one_axis(table: Path, tmp_path: Path) -> None:
    read = read_table(table, "equivalent_diameter", "treatment", inside_only=False)
    times, label = times_of(read, None)
    assert (sorted(set(times)), label) == ([0, 2, 5], "time (days)")
    points = points_over_time(read, times)
    assert set(points) == {"drug", "none"}
    assert sorted(points["none"][5.0].tolist()) == sorted([151 / 2, 152 / 2] * 6)
    hours = written(tmp_path, [a_row("a_90min"), a_row("a_24h"), a_row("a_day3")])
    assert times_of(read_table(hours, "circularity", None, inside_only=False), None) == ([1.5, 24, 72], "time (h)")
    frames = written(tmp_path, [a_row("a_t003"), a_row("a_t012")])
    assert times_of(read_table(frames, "circularity", None, inside_only=False), None) == ([3, 12], "frame")


def test_a_time_and_a_frame_have_no_common_axis(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a_24h"), a_row("a_t003")])
    result = plotted(table, "--kind", "time", "--out", tmp_path / "a.png")
    assert result.exit_code == 2
    assert "no common axis" in result.stderr


def test_a_column_may_hold_the_time(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a", hours=3), a_row("b", hours=9.5)])
    result = plotted(table, "--kind", "time", "--time-column", "hours", "--out", tmp_path / "a.svg")
    assert result.exit_code == 0, result.output
    assert "hours" in texts(tmp_path / "a.svg")
    text = written(tmp_path, [a_row("a", hours="early")])
    assert plotted(text, "--kind", "time", "--time-column", "hours", "--out", tmp_path / "a.svg").exit_code == 2


def test_groups_from_names(table: Path, tmp_path: Path) -> None:
    told = json.loads(plotted(table, "--by", "well_column", "--out", tmp_path / "a.png", "--json").stdout)
    assert [group["group"] for group in told["groups"]] == ["1", "2", "3", "4"]
    told = json.loads(plotted(table, "--by", "well_row", "--out", tmp_path / "a.png", "--json").stdout)
    assert [group["group"] for group in told["groups"]] == ["B", "C", "D"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--measure", "diametr"], "no column diametr"),
        (["--by", "treatmnt"], "did you mean treatment"),
        (["--measure", "name"], "holds text"),
        (["--out", "a.pdf"], ".png or .svg"),
        (["--time-column", "spheroid"], "--kind time"),
        (["--by", "name"], "36 groups"),
        (["--by", "name", "--kind", "time"], "36 groups"),
        (["--by", "name", "--kind", "plate"], "36 groups"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_drawn_is_refused(table: Path, tmp_path: Path, arguments: list[str], words: str) -> None:
    result = plotted(table, "--out", tmp_path / "a.png", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr.replace("\n", " ")


def test_tables_of_spreadsheets_give_the_same_figures(tmp_path: Path) -> None:
    """Semicolons with decimal commas or points, tabs, a byte order mark: as Excel and Calc save a table."""
    plain = "name,circularity,area_px2,treatment\nA01,0.9,1000,a\nA02,0.75,2e3,a\nA03,,3000.5,b\n"
    semicolons = plain.replace(",", ";")
    found = []
    for number, content in enumerate(
        [plain, "\ufeff" + plain, semicolons, semicolons.replace(".", ","), plain.replace(",", "\t").replace(".", ",")]
    ):
        path = tmp_path / f"{number}.csv"
        path.write_text(content, encoding="utf-8", newline="")
        for measure in ("circularity", "area_px2"):
            groups = read_table(path, measure, "treatment", inside_only=False).rows
            found.append((measure, groups["group"].to_list(), groups["value"].to_list()))
    assert found == found[:2] * 5
    assert found[:2] == [
        ("circularity", ["a", "a", "b"], [0.9, 0.75, None]),
        ("area_px2", ["a", "a", "b"], [1000, 2000, 3000.5]),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("name;area_px2;circularity\na;1,5;0.9\n", "decimal commas in the column area_px2 and points in circularity"),
        ("name;area_px2\na;1,234.5\nb;7\n", "holds text, not numbers: '1,234.5' in row 1"),
        ("name;area_px2\na;1\nb;1.V\n", "holds text, not numbers: '1.V' in row 2"),
        ("name,area_px2,touches_edge\na,1,WAHR\n", "'wahr', neither true nor false"),
    ],
)
def test_what_a_spreadsheet_made_unclear_is_refused(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(content, encoding="utf-8")
    with pytest.raises(NotTellableError, match=re.escape(words)):
        read_table(tmp_path / "a.csv", "area_px2", None, inside_only="touches" in content)


def test_edges_that_are_told_in_other_words_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,area_px2,touches_edge\na,1,WAHR\n", encoding="utf-8")
    assert "neither true nor false" in read_table(tmp_path / "a.csv", "area_px2", None, inside_only=False).notes[0]


def test_the_table_is_not_written_over(table: Path, tmp_path: Path) -> None:
    before = table.read_bytes()
    result = plotted(table, "--out", tmp_path / "a.png", "--data", table)
    assert (result.exit_code, "would be lost" in " ".join(result.stderr.split())) == (2, True)
    assert table.read_bytes() == before


def test_a_folder_and_utf_16_are_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name\tarea_px2\na\t1\n", encoding="utf-16")
    for path, words in ((tmp_path, "is a folder"), (tmp_path / "a.csv", "UTF-16")):
        with pytest.raises(NotTellableError, match=words):
            read_table(path, "area_px2", None, inside_only=False)


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("a,b\n", "no rows"), (None, "no such file")])
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "a.csv").write_text(content)
    result = plotted(tmp_path / "a.csv", "--out", tmp_path / "a.png")
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize(
    ("name", "well"),
    [
        ("B03", "B03"),
        ("plate1_B3_s2", "B03"),
        ("wellP24-a", "P24"),
        ("well D07 day 3", "D07"),
        ("AF48", "AF48"),
        ("r02c11f01p01-ch1", "B11"),
        ("x A01 A1", "A01"),
    ],
)
def test_wells_are_found_in_names(name: str, well: str) -> None:
    assert str(well_of(name)) == well


@pytest.mark.parametrize("name", ["T1", "AB3D", "image12", "B00", "B49", "A01_B02", "xB03", "3D_B", "Q07"])
def test_no_well_is_guessed(name: str) -> None:
    with pytest.raises(NotTellableError, match=f"The name {name} tells"):
        well_of(name)


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("B03_24h", Moment(24, "h")),
        ("a-1.5hr", Moment(1.5, "h")),
        ("T48h_x", Moment(48, "h")),
        ("a 90 min", Moment(1.5, "h")),
        ("d3_B07", Moment(72, "h")),
        ("Day 10", Moment(240, "h")),
        ("a_2days", Moment(48, "h")),
        ("a_t012", Moment(12, "frame")),
        ("frame_7", Moment(7, "frame")),
        ("t3_24h", Moment(24, "h")),
    ],
)
def test_times_are_found_in_names(name: str, moment: Moment) -> None:
    assert moment_of(name) == moment


@pytest.mark.parametrize("name", ["D7", "3D_spheroid", "a_24h_48h", "a12", "t1_t2", "24hours2"])
def test_no_time_is_guessed(name: str) -> None:
    with pytest.raises(NotTellableError, match=f"The name {name} tells"):
        moment_of(name)


def test_nan_is_no_value(tmp_path: Path) -> None:
    table = written(tmp_path, [a_row("a", np.nan)])
    assert plotted(table, "--measure", "equivalent_diameter_px", "--out", tmp_path / "a.png").exit_code == 2


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    """Three conditions and doses, four times, three replicates, growing by their conditions' rates."""
    rng = np.random.default_rng(2)
    return written(
        tmp_path,
        [
            a_row(
                f"{condition}{replicate}_{time}h",
                200 * np.exp(rate * time) * rng.lognormal(0, 0.02),
                condition=condition,
                replicate=replicate,
                time_point_h=time,
                dose_nm=dose,
            )
            for condition, rate, dose in (("a", 0.012, 0), ("b", 0.008, 1), ("c", 0.0, 10))
            for replicate in (1, 2, 3)
            for time in (0, 24, 48, 72)
        ],
    )


def test_growth_is_drawn_with_its_doubling_times(experiment: Path, tmp_path: Path) -> None:
    data = tmp_path / "growth.csv"
    result = plotted(experiment, "--kind", "growth", "--by", "condition", "--out", tmp_path / "g.svg", "--data", data)
    assert result.exit_code == 0, result.output
    shown = texts(tmp_path / "g.svg")
    assert "a: n = 3, doubling in" in shown
    assert "c: n = 3, no doubling time" in shown
    assert "each replicate" in shown
    with data.open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 36
    assert list(rows[0]) == ["condition", "time_point_h", "unit", "value"]


def test_groups_are_compared_with_all_points(experiment: Path, tmp_path: Path) -> None:
    options = ("--kind", "compare", "--by", "condition,time_point", "--control", "a")
    result = plotted(experiment, *options, "--out", tmp_path / "c.svg", "--data", tmp_path / "c.json")
    assert result.exit_code == 0, result.output
    shown = texts(tmp_path / "c.svg")
    assert "Welch p" in shown
    document = json.loads((tmp_path / "c.json").read_text())
    assert [len(one["pairs"]) for one in document["comparisons"]] == [2] * 4
    assert plotted(experiment, "--kind", "compare", "--out", tmp_path / "d.svg").exit_code == 2


def test_a_dose_response_is_drawn_or_says_why_not(experiment: Path, tmp_path: Path) -> None:
    options = ("--kind", "dose", "--dose-column", "dose_nm")
    assert plotted(experiment, *options, "--out", tmp_path / "d.svg").exit_code == 0
    assert "No curve: 3 doses" in texts(tmp_path / "d.svg")
    doses = [0, 0.1, 1, 10, 100, 1000] * 2
    rows = [
        a_row(f"well{place}", 100 + 200 / (1 + dose / 5) + place % 3, dose_nm=dose) for place, dose in enumerate(doses)
    ]
    table = written(tmp_path, rows)
    assert plotted(table, *options, "--out", tmp_path / "d.svg").exit_code == 0
    assert "EC50" in texts(tmp_path / "d.svg")
    assert plotted(table, "--kind", "dose", "--out", tmp_path / "e.svg").exit_code == 2


@pytest.mark.parametrize("kind", ["histogram", "plate", "time"])
def test_what_is_drawn_is_written_as_data(table: Path, tmp_path: Path, kind: str) -> None:
    for suffix in ("csv", "json"):
        result = plotted(table, "--kind", kind, "--out", tmp_path / "a.svg", "--data", tmp_path / f"a.{suffix}")
        assert result.exit_code == 0, result.output
    drawn = json.loads((tmp_path / "a.json").read_text())["drawn"]
    assert len(drawn) == {"histogram": 72, "plate": 12, "time": 3}[kind]
    with (tmp_path / "a.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == len(drawn)


def test_wells_and_times_come_from_columns_where_they_are(tmp_path: Path) -> None:
    table = written(
        tmp_path, [a_row("x", 100, well="B02", time_point_h=0), a_row("y", 120, well="B03", time_point_h=24)]
    )
    drawn = {}
    for kind in ("plate", "time"):
        options = ("--kind", kind, "--out", tmp_path / "a.svg", "--data", tmp_path / "a.json")
        assert plotted(table, *options).exit_code == 0
        drawn[kind] = json.loads((tmp_path / "a.json").read_text())["drawn"]
    assert [row["well"] for row in drawn["plate"]] == ["B02", "B03"]
    assert [row["time (h)"] for row in drawn["time"]] == [0, 24]


@pytest.mark.parametrize(
    "options",
    [("--unit", "image"), ("--dose", "a=1"), ("--kind", "growth", "--control", "a"), ("--data", "a.txt")],
)
def test_options_of_another_kind_are_refused(table: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    assert plotted(table, *options, "--out", tmp_path / "a.svg").exit_code == 2
