"""``spheroseg stats``: a table of measures described, compared and fitted."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.access import Access
from spheroseg_client.commands import project_id_of
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.asking import doses_of
from spheroseg_client.offline.files import write_whole
from spheroseg_client.options import ApiOption, DataDirOption, EmailOption, PasswordOption, TokenOption
from spheroseg_client.reporting import libraries_needed, print_json, print_whole, reported


class CountedOnce(StrEnum):
    """What counts as one observation."""

    REPLICATE = "replicate"
    WELL = "well"
    IMAGE = "image"
    OBJECT = "object"


class Rule(StrEnum):
    """How outliers are told."""

    TUKEY = "tukey"
    MODIFIED_Z = "modified-z"


def listed(text: str | None) -> list[str]:
    """Names separated by commas."""
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def stats(
    table: Annotated[
        Path | None, typer.Argument(help="measures.csv of segment or measure.", metavar="MEASURES.CSV")
    ] = None,
    *,
    project: Annotated[
        str | None,
        typer.Option(
            help="Instead of a file: id or name of a project; the service answers, by the newest run and outlines of "
            "each page of each image, with plots for --out."
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(help="Columns that part the objects, separated by commas: condition,time_point."),
    ] = None,
    measure: Annotated[
        str, typer.Option(help="Column; without its unit the one in µm where every row has it, else in px.")
    ] = "equivalent_diameter",
    samples: Annotated[
        Path | None,
        typer.Option(help="CSV with a row for each image: name, condition, time_point_h, replicate, plate, well."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Column whose levels are compared, within the other groups.")
    ] = None,
    control: Annotated[str | None, typer.Option(help="Its level that the others are compared with.")] = None,
    unit: Annotated[
        CountedOnce | None,
        typer.Option(help="What counts once; without it replicates where they are given, else images."),
    ] = None,
    dose: Annotated[
        list[str] | None, typer.Option(help="Dose of a condition, as CONDITION=NUMBER; once for each.")
    ] = None,
    dose_column: Annotated[
        str | None, typer.Option("--dose-column", help="Column of doses, instead of --dose.")
    ] = None,
    positive: Annotated[str | None, typer.Option(help="Condition of the positive controls: Z′ of each plate.")] = None,
    negative: Annotated[str | None, typer.Option(help="Condition of the negative controls.")] = None,
    outliers: Annotated[Rule, typer.Option(help="Rule that flags them; none are left out.")] = Rule.TUKEY,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the tables as CSV files and statistics.json.")
    ] = None,
    growth: Annotated[bool, typer.Option("--growth", help="Fit growth over time_point_h; doubling times.")] = False,
    inside_only: Annotated[
        bool, typer.Option("--inside-only", help="Leave objects out that reach the image's border.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Describe, compare and fit a table of measures; what counts as one observation is said with the figures.

    Definitions, rules and sources: docs/statistics.md. Nothing is dropped or filled in: a
    figure that cannot be given is empty, with its reason.

    Example: [bold]spheroseg stats measures.csv --samples plate.csv --groups condition,time_point --compare condition[/]
    """
    with reported(as_json=as_json):
        if (table is None) == (project is None):
            raise LocalFileError("Give a table of measures, or --project; one of them", "contradiction")
        with libraries_needed():
            from spheroseg.domain.statistics_question import OutlierRule, Unit, Wanted  # noqa: PLC0415
            from spheroseg_client.offline import asking_projects, statistics_tables  # noqa: PLC0415 - scipy takes its time
        wanted = Wanted(
            measure=measure,
            groups=tuple(listed(groups)),
            unit=None if unit is None else Unit(unit.value),
            compare=compare,
            control=control,
            growth=growth,
            doses=doses_of(dose or ()),
            dose_column=dose_column,
            positive=positive,
            negative=negative,
            outliers=OutlierRule(outliers.value),
            inside_only=inside_only,
        )
        if table is not None:
            told = asking_projects.of_table(table, wanted, samples)
        else:
            with Access(api, email, password, token, data_dir).present() as client:
                id_ = project_id_of(client, project or "")
                if samples is None:
                    told = asking_projects.of_service(client, id_, wanted)
                else:
                    told = asking_projects.of_project(client, id_, wanted, samples)
        if out is not None:
            for name, content in told.files.items():
                write_whole(out / name, content)
        if as_json:
            print_json(told.document)
            return
        for shown in statistics_tables.shown(told.answer, told.document["measure"]):
            print_whole(shown)
        messages = display.message_console()
        for note in (*told.document["notes"], *told.answer.units.cautions):
            messages.print(Text.assemble(("Note: ", "bold"), note))
        if out is not None:
            messages.print(Text(f"Written to {out}"))
