import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg_client.client import Client
from spheroseg_client.command_line import app
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.statistics import read_statistics
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


@pytest.fixture
def exporting(service: Service) -> Iterator[None]:
    """A worker makes exports as they come."""
    ended = Event()

    def work() -> None:
        while not ended.wait(0.02):
            service.export()

    thread = Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("exporting")
def test_a_project_is_asked_and_drawn_as_a_file_is(
    service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {"EMAIL": EMAIL, "PASSWORD": PASSWORD, "API": service.url}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    world = service.world
    project = replace(world.a_project(), owner_id=EMAIL, name="Day 7")
    world.projects.rows[project.id] = project
    rng = np.random.default_rng(11)
    samples = ["name,condition,time_point_h,replicate,plate,well"]
    for condition in ("a", "b"):
        for replicate in (1, 2, 3):
            for time in (0, 24, 48):
                well = f"{'AB'[condition == 'b']}0{replicate}"
                image = replace(
                    world.an_image(project),
                    name=f"{condition}{replicate}_{time}.tif",
                    sample=Sample("P1", well, condition, float(time), replicate),
                )
                samples.append(f"{image.name},{condition},{time},{replicate},P1,{well}")
                world.images.rows[image.id] = image
                found = [a_spheroid(number) for number in (1, 2, 3)]
                size = 900 * (1 + time / (24 if condition == "a" else 48)) * rng.lognormal(0, 0.05, 3)
                found = [
                    replace(one, measures=replace(one.measures, area_px2=float(area)))
                    for one, area in zip(found, size, strict=True)
                ]
                run = world.a_run(image, *found, status=SegmentationStatus.SUCCEEDED)
                assert run.result is not None
                result = replace(run.result, pixel_size_um=0.5, width_px=64, height_px=64)
                world.segmentations.rows[run.id] = replace(run, owner_id=EMAIL, result=result)
    words = "--measure area --groups condition,time --compare condition --control a --growth --unit replicate"
    question = (*words.split(), *["--dose", "a=0", "--dose", "b=2.5", "--positive", "b", "--negative", "a"])
    said = answered("--project", "Day 7", *question, "--out", tmp_path / "service")
    assert (said["measure"], said["units"]["unit"], said["rows"]) == ("area_um2", "replicate", 54)
    # The same numbers as a table on this machine give the same answer, to the last digit.
    with Client(service.url, email=EMAIL, password=PASSWORD) as client:
        client.download_export(client.request_export(project.id, "csv").id, tmp_path / "measures.csv")
        typed = client.statistics(project.id, {"measure": "area", "groups": ["condition"]}, path=tmp_path / "s.zip")
    (tmp_path / "samples.csv").write_text("\n".join(samples))
    offline = answered(
        tmp_path / "measures.csv", *question, "--samples", tmp_path / "samples.csv", "--out", tmp_path / "offline"
    )
    assert offline == said
    written = {path.name: path.read_bytes() for path in (tmp_path / "offline").iterdir()}
    assert len(written) == 8
    assert {name: (tmp_path / "service" / name).read_bytes() for name in written} == written
    plotted = json.loads((tmp_path / "service" / "plots.json").read_text())
    assert [one["kind"] for one in plotted] == ["histogram", "compare", "growth", "dose", "plate"]
    assert [one["not_drawn"] for one in plotted] == [None] * 5
    assert all((tmp_path / "service" / name).stat().st_size > 50 for one in plotted for name in one["files"])
    assert typed == read_statistics(tmp_path / "s.zip")
    assert [group.levels for group in typed.groups] == [{"condition": "a"}, {"condition": "b"}]
    assert typed.overall.mean == said["overall"]["mean"]
    with pytest.raises(UnexpectedAnswerError, match="no statistics"):
        read_statistics(tmp_path / "service" / "plots.json")
    again = answered("--project", "Day 7", "--measure", "area", "--samples", tmp_path / "samples.csv")
    assert again["overall"]["mean"] == pytest.approx(said["overall"]["mean"])
    for options, code in (
        (("--project", "nobody"), "project-not-found"),
        (("--project", "Day 7", "--measure", "weight"), "invalid-question"),
        (("--project", "Day 7", "--groups", "colour"), "invalid-question"),
        (("--project", "Day 7", "--compare", "condition", "--control", "c"), "not-tellable"),
        (("--project", "Day 7", "--positive", "b", "--negative", "c"), "invalid-question"),
        ((), "contradiction"),
    ):
        assert json.loads(asked(*options, "--json").stdout)["error"]["code"] == code, options
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
