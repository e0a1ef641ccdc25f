import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg_client.command_line import app
from tests.builders import a_spheroid
from tests.client.service import EMAIL, PASSWORD, Service

CONDITIONS = {"vehicle": 0.012, "low dose": 0.008, "high dose": 0.001}
TIMES = (0, 24, 48, 72)


def written(path: Path, rows: list[dict[str, Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.fixture
def measures(tmp_path: Path) -> Path:
    """Three conditions, four times, three replicates; two objects an image."""
    rng = np.random.default_rng(7)
    return written(
        tmp_path / "measures.csv",
        [
            {
                "file": f"raw/{condition[:4].strip()}{replicate}_{time}h.tif",
                "name": f"{condition[:4].strip()}{replicate}_{time}h",
                "spheroid": number,
                "equivalent_diameter_um": 300 * np.exp(rate * time) * rng.lognormal(0, 0.03),
                "touches_edge": "false",
            }
            for condition, rate in CONDITIONS.items()
            for replicate in (1, 2, 3)
            for time in TIMES
            for number in (1, 2)
        ],
    )


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """By the files' names, as a person has them."""
    return written(
        tmp_path / "samples.csv",
        [
            {
                "name": f"{condition[:4].strip()}{replicate}_{time}h.tif",
                "condition": condition,
                "time_point_h": time,
                "replicate": replicate,
            }
            for condition in CONDITIONS
            for replicate in (1, 2, 3)
            for time in TIMES
        ],
    )


def asked(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["stats", *map(str, arguments)])


def answered(*arguments: Any) -> dict[str, Any]:
    result = asked(*arguments, "--json")
    assert result.exit_code == 0, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_samples_tell_groups_units_and_growth(measures: Path, samples: Path, tmp_path: Path) -> None:
    options = ("--samples", samples, "--groups", "condition,time_point", "--compare", "condition")
    more = ("--control", "vehicle", "--growth", "--out", tmp_path / "out")
    said = answered(measures, *options, *more)
    assert (said["measure"], said["measure_unit"], said["rows"]) == ("equivalent_diameter_um", "µm", 72)
    assert said["units"]["unit"] == "replicate"
    assert len(said["groups"]) == 12
    assert {group["units"]["n"] for group in said["groups"]} == {3}
    assert [len(one["pairs"]) for one in said["comparisons"]] == [2] * 4
    growth = {one["levels"]["condition"]: one for one in said["growth"]}
    for condition in ("vehicle", "low dose"):
        assert growth[condition]["doubling_time_h"] == pytest.approx(np.log(2) / CONDITIONS[condition], rel=0.05)
    assert growth["high dose"]["per_replicate"]
    with (tmp_path / "out" / "groups.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 24
    first = said["groups"][0]
    assert float(rows[0]["mean"]) == first["units"]["mean"]
    assert (rows[0]["condition"], rows[0]["counted"], rows[1]["counted"]) == ("high dose", "replicate", "object")
    assert json.loads((tmp_path / "out" / "statistics.json").read_text()) == said
    assert (tmp_path / "out" / "pairs.csv").read_text().count("\n") == 9
    assert "Holm" in (tmp_path / "out" / "definitions.csv").read_text()


def test_the_terminal_says_what_counted_once(measures: Path, samples: Path) -> None:
    result = asked(measures, "--samples", samples, "--groups", "condition", "--growth", "--compare", "condition")
    assert result.exit_code == 0, result.output
    assert "counted once: replicate" in result.stdout
    assert "doubling time" in result.stdout.replace("\n", " ")
    without = asked(measures)
    assert "counted once: image" in without.stdout
    assert "p-values and intervals hold where images are independent" in without.output.replace("\n", " ")


def test_doses_by_condition_or_column(measures: Path, samples: Path, tmp_path: Path) -> None:
    said = answered(
        measures, "--samples", samples, "--dose", "vehicle=0", "--dose", "low dose=1", "--dose", "high dose=10"
    )
    assert said["dose_response"]["refused"] == "3 doses, 0 included; 5 are needed for four parameters"
    doses = np.repeat([0, 0.1, 1, 10, 100, 1000], 3)
    table = written(
        tmp_path / "doses.csv",
        [
            {"name": f"image {place}", "area_px2": 20 + 80 / (1 + dose / 5) + (-1) ** place, "dose_um": dose}
            for place, dose in enumerate(doses.tolist())
        ],
    )
    said = answered(table, "--measure", "area", "--dose-column", "dose_um")
    assert said["dose_response"]["ec50"]["value"] == pytest.approx(5, rel=0.2)
    shown = asked(table, "--measure", "area", "--dose-column", "dose_um").stdout
    assert "ec50" in shown
    assert "lack of fit" in shown


def test_z_prime_of_plates(tmp_path: Path) -> None:
    rows = [
        {"name": f"{well}", "area_px2": area, "condition": condition, "plate": "P1", "well": well}
        for well, area, condition in (
            ("A01", 99, "+"),
            ("A02", 101, "+"),
            ("B01", 9, "-"),
            ("B02", 11, "-"),
        )
    ]
    said = answered(written(tmp_path / "m.csv", rows), "--measure", "area", "--positive", "+", "--negative", "-")
    assert said["plates"][0]["z_prime"] == pytest.approx(1 - 3 * 2 * 2**0.5 / 90)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--groups", "condition"), "no-such-column"),
        (("--compare", "spheroid", "--control", "9"), "no-such-level"),
        (("--control", "9"), "contradiction"),
        (("--dose", "vehicle"), "no-numbers"),
        (("--dose", "vehicle=1"), "no-such-column"),
        (("--dose", "a=1", "--dose-column", "b"), "contradiction"),
        (("--dose-column", "name"), "no-numbers"),
        (("--positive", "a"), "no-such-column"),
        (("--measure", "weight"), "no-such-column"),
    ],
)
def test_what_the_table_does_not_tell_is_refused(measures: Path, options: tuple[str, ...], code: str) -> None:
    result = asked(measures, *options, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["error"]["code"] == code


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("name,condition\nnobody,a\n", "no-such-image"),
        ("name,condition\nvehi1_0h,a\nvehi1_0h,b\n", "no-table"),
        ("name,colour\nvehi1_0h,red\n", "no-table"),
        ("name,replicate\nvehi1_0h,1\n", "unclear-units"),
    ],
)
def test_samples_that_do_not_fit_are_refused(measures: Path, tmp_path: Path, content: str, code: str) -> None:
    (tmp_path / "s.csv").write_text(content)
    result = asked(measures, "--samples", tmp_path / "s.csv", "--json")
    assert json.loads(result.stdout)["error"]["code"] == code


def test_samples_may_not_contradict_the_table(tmp_path: Path) -> None:
    table = written(tmp_path / "m.csv", [{"name": "a", "area_px2": 1, "condition": "x"}])
    (tmp_path / "s.csv").write_text("name,condition\na,y\nunused,z\n")
    result = asked(table, "--measure", "area", "--samples", tmp_path / "s.csv", "--json")
    assert json.loads(result.stdout)["error"]["code"] == "contradiction"
    (tmp_path / "s.csv").write_text("name,condition\na,x\nunused,z\n")
    said = answered(table, "--measure", "area", "--samples", tmp_path / "s.csv", "--groups", "condition")
    assert said["notes"] == ["1 rows of s.csv name no image of the table of measures: unused"]


def test_a_project_is_asked_and_drawn_as_a_file_is(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    world = service.world
    project = replace(world.a_project(), owner_id=EMAIL, name="Day 7")
    world.projects.rows[project.id] = project
    for place, condition in enumerate(("a", "a", "b", "b")):
        image = replace(world.an_image(project), sample=Sample(condition=condition, replicate=1 + place % 2))
        world.images.rows[image.id] = image
        run = world.a_run(image, a_spheroid(1), a_spheroid(2), status=SegmentationStatus.SUCCEEDED)
        assert run.result is not None
        world.segmentations.rows[run.id] = replace(run, owner_id=EMAIL, result=replace(run.result, pixel_size_um=0.5))
    said = answered("--project", "Day 7", "--groups", "condition", "--measure", "area")
    assert (said["measure"], said["units"]["unit"], said["rows"]) == ("area_um2", "replicate", 8)
    stored = a_spheroid().measures.area_px2
    assert [group["units"]["mean"] for group in said["groups"]] == [pytest.approx(stored / 4)] * 2
    ratio = answered("--project", str(project.id), "--measure", "circularity")
    assert ratio["measure"] == "circularity"
    for options, code in (
        (("--project", "nobody"), "project-not-found"),
        (("--project", "Day 7", "--measure", "weight"), "no-such-column"),
        ((), "contradiction"),
    ):
        assert json.loads(asked(*options, "--json").stdout)["error"]["code"] == code
    for kind, out in (("histogram", "areas.svg"), ("compare", "compared.png")):
        drawn = CliRunner().invoke(
            app,
            [
                *("plot", "--project", "Day 7", "--measure", "area", "--kind", kind, "--by", "condition"),
                *("--out", str(tmp_path / out), "--json"),
            ],
        )
        assert drawn.exit_code == 0, drawn.output
        assert json.loads(drawn.stdout)["measure"] == "area_um2"
        assert (tmp_path / out).stat().st_size > 1_000
    both = CliRunner().invoke(app, ["plot", str(tmp_path / "m.csv"), "--project", "Day 7", "--out", "x.svg", "--json"])
    assert json.loads(both.stdout)["error"]["code"] == "contradiction"
