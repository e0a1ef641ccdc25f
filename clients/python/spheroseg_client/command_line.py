"""The command ``spheroseg``: images in, outlines and measures out; and the local cloud."""

import time
from collections.abc import Callable
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, TypeVar

import stamina.instrumentation
import typer
from pydantic_core import to_jsonable_python
from rich.console import Console, RenderableType
from rich.text import Text

from spheroseg_client import display, offline
from spheroseg_client.access import Access
from spheroseg_client.account_commands import account
from spheroseg_client.admin_commands import admin
from spheroseg_client.client import Client
from spheroseg_client.edit_commands import edit
from spheroseg_client.export_commands import exports
from spheroseg_client.image_commands import images
from spheroseg_client.import_commands import imports
from spheroseg_client.inputs import find_inputs
from spheroseg_client.local import LocalClouds, stop_undisturbed
from spheroseg_client.models import Order, Parameters
from spheroseg_client.options import (
    ApiOption,
    ChannelOption,
    DataDirOption,
    DiameterOption,
    EmailOption,
    FocusOption,
    HolesOption,
    JsonOption,
    ModelOption,
    OutOption,
    PageOption,
    PagesOption,
    PasswordOption,
    PixelSizeOption,
    PortOption,
    PriorityChoice,
    PriorityOption,
    ProjectOption,
    SimplifyOption,
    ThresholdOption,
    TokenOption,
)
from spheroseg_client.project_commands import projects
from spheroseg_client.reporting import FAILED, UNAVAILABLE, libraries_needed, print_json, print_whole, reported
from spheroseg_client.review_commands import review
from spheroseg_client.run_commands import runs
from spheroseg_client.segmenting import Report, Request, segment_files
from spheroseg_client.share_commands import share
from spheroseg_client.stacks import PageChoice

SAMPLES = Path(__file__).parent / "samples"

UP_LINES = ("API", "documentation", "e-mail", "password", "data")
"""What `up` tells, in words for people."""

Found = TypeVar("Found")

app = typer.Typer(
    name="spheroseg",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
    help="Segment spheroids in microscopy images: outlines, label images, measures.",
    epilog="Exit codes: 0 all done · 1 some image failed · 2 wrong use, or results cannot be written · "
    "3 the service is not there or refuses · 130 interrupted.",
)


@app.command(epilog="Example: [bold]spheroseg segment plate1/ 'more/*.tif' --out results --pixel-size 0.65[/]")
def segment(
    paths: Annotated[
        list[str], typer.Argument(help="Files, folders (searched with all below them) and patterns.", metavar="PATH...")
    ],
    out: OutOption,
    model: ModelOption = None,
    threshold: ThresholdOption = 0.5,
    min_diameter_px: DiameterOption = None,
    *,
    holes: HolesOption = True,
    out_of_focus: FocusOption = False,
    page: PageOption = 1,
    pages: PagesOption = None,
    channel: ChannelOption = None,
    pixel_size: PixelSizeOption = None,
    simplify_px: SimplifyOption = None,
    priority: PriorityOption = PriorityChoice.NORMAL,
    project: ProjectOption = None,
    as_json: JsonOption = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
    port: PortOption = None,
) -> None:
    """Segment images; write measures.csv, outlines, label images and overlays.

    Starts the local cloud if none runs and stops it again, unless --api names a service.

    What cannot be segmented is listed with its reason and does not stop the rest.
    """
    if pages is None and channel is not None:
        raise typer.BadParameter("needs --pages", param_hint="--channel")
    if pages is not None and page != 1:
        raise typer.BadParameter("has no meaning beside --pages", param_hint="--page")
    name, _, model_version = (model or "").partition("@")
    request = Request(
        inputs=find_inputs(paths, out),
        out=out,
        order=Order(
            model=name or None,
            model_version=model_version or None,
            parameters=Parameters(
                threshold=threshold,
                min_diameter_px=min_diameter_px,
                holes=holes,
                page=page,
                out_of_focus=out_of_focus,
            ),
            priority=priority.value,
        ),
        pixel_size_um=pixel_size,
        change_outlines=None if simplify_px is None else _simplifier(simplify_px, as_json=as_json),
        project=project,
        pages=PageChoice(pages, channel) if pages is not None else None,
    )
    _segment(request, Access(api, email, password, token, data_dir, port), as_json=as_json)


@app.command(epilog="Example: [bold]spheroseg demo --out spheroseg-demo[/]")
def demo(
    out: OutOption = Path("spheroseg-demo"),
    *,
    as_json: JsonOption = False,
    data_dir: DataDirOption = None,
    port: PortOption = None,
) -> None:
    """Segment the images that come with this program, with the local cloud."""
    request = Request(inputs=find_inputs(sorted(SAMPLES.glob("*.png"))), out=out, order=Order(), project="Demo")
    _segment(request, Access(data_dir=data_dir, port=port), as_json=as_json)


@app.command(epilog="Example: [bold]spheroseg up --port 4566[/]")
def up(*, as_json: JsonOption = False, data_dir: DataDirOption = None, port: PortOption = None) -> None:
    """Run the local cloud in the foreground until Ctrl-C or SIGTERM; its data stay."""
    messages = display.message_console()
    with reported(as_json=as_json):
        begun = time.monotonic()
        clouds = LocalClouds(data_dir)
        cloud = clouds.start(port, _reporter(messages))
        try:
            facts = {
                "api_url": cloud.api_url,
                "docs_url": cloud.docs_url,
                "email": cloud.sign_in.email,
                "password": cloud.sign_in.password,
                "data_dir": str(cloud.data_dir),
            }
            if as_json:
                print_json(facts)
            else:
                print_whole(display.facts(dict(zip(UP_LINES, facts.values(), strict=True))))
            messages.print(f"Ready after {time.monotonic() - begun:.1f} s. Ctrl-C stops it.")
            with clouds.translated():
                cloud.wait()
        finally:
            messages.print("Stopping")
            stop_undisturbed(cloud)


@app.command(epilog="Example: [bold]spheroseg status --json[/]")
def status(
    *,
    as_json: JsonOption = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """See in one look how the service is, what waits, your own runs and your quota.

    Without --api that is the local cloud: where it runs, and how its parts are. Exit code 3 if it does not run.
    """
    access = Access(api, email, password, token, data_dir)
    with reported(as_json=as_json):
        if api is not None:
            _print_overview(access, {"api_url": api}, as_json=as_json)
            return
        found = LocalClouds(data_dir).status()
        facts: dict[str, Any] = {
            "running": found.running,
            "data_dir": str(found.data_dir),
            "pid": found.pid,
            "api_url": found.api_url,
            "docs_url": found.docs_url,
            "socket_url": found.socket_url,
            "worker_restarts": found.worker_restarts,
            "parts": dict(found.parts),
        }
        if found.running and LocalClouds(data_dir).running() is not None:
            _print_overview(access, facts, as_json=as_json)
        elif as_json:
            print_json(facts)
        else:
            print_whole(display.facts(_in_words(facts)))
        if not found.running:
            raise typer.Exit(UNAVAILABLE)


@app.command(epilog="Example: [bold]spheroseg down[/]")
def down(*, as_json: JsonOption = False, data_dir: DataDirOption = None) -> None:
    """Stop the local cloud, whoever started it, also what a killed one left; its data stay."""
    with reported(as_json=as_json):
        stopped = LocalClouds(data_dir).stop()
        if as_json:
            print_json({"stopped": bool(stopped)})
        else:
            display.message_console().print("Stopped" if stopped else "It was not running")


@app.command(epilog="Example: [bold]spheroseg reset --yes[/]")
def reset(
    data_dir: DataDirOption = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Delete all data of the local cloud: projects, images, results, users. It must not run."""
    with reported(as_json=as_json):
        clouds = LocalClouds(data_dir)
        where = clouds.status().data_dir
        if not yes:
            typer.confirm(f"Delete all projects, images and results in {where}?", abort=True, err=True)
        clouds.reset()
        if as_json:
            print_json({"deleted": str(where)})
        else:
            display.message_console().print(f"Deleted what was in {where}")


@app.command(epilog="Example: [bold]spheroseg models --json[/]")
def models(
    *,
    as_json: JsonOption = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """List the models that can be run."""
    access = Access(api, email, password, token, data_dir)
    _print_read(access, Client.models, display.model_table, as_json=as_json)


@app.command(epilog="Example: [bold]spheroseg queue[/]")
def queue(
    *,
    as_json: JsonOption = False,
    api: ApiOption = None,
    email: EmailOption = None,
    password: PasswordOption = None,
    token: TokenOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """See how much work waits, and for how long."""
    access = Access(api, email, password, token, data_dir)
    _print_read(access, Client.queue, lambda found: display.facts(display.queue_lines(found)), as_json=as_json)


@app.command(epilog="Example: [bold]spheroseg version[/]")
def version(*, as_json: JsonOption = False) -> None:
    """Print this program's version."""
    found = installed_version("spheroseg")
    if as_json:
        print_json({"version": found})
    else:
        typer.echo(found)


offline.add_to(app)
app.add_typer(projects, name="projects")
app.add_typer(images, name="images")
app.add_typer(share, name="share")
app.add_typer(runs, name="runs")
app.add_typer(exports, name="exports")
app.add_typer(imports, name="imports")
app.add_typer(edit, name="edit")
app.add_typer(review, name="review")
app.add_typer(account, name="account")
app.add_typer(admin, name="admin")


def main() -> None:
    """Run the command line."""
    stamina.instrumentation.set_on_retry_hooks([])  # a retry is no news for a person; what fails for good is told
    app()


def _segment(request: Request, access: Access, *, as_json: bool) -> None:
    messages = display.message_console()
    with reported(as_json=as_json) as ending:
        report = segment_files(request, lambda: access.ensured(_reporter(messages)), messages)
        if as_json:
            print_json(report.as_json())
        else:
            _print_report(report, messages, keeps_out_of_focus=request.order.parameters.out_of_focus)
        if report.interrupted:
            raise typer.Exit(ending())
        if report.succeeded < len(report.outcomes):
            raise typer.Exit(FAILED)


def _print_read(
    access: Access, read: Callable[[Client], Found], shown: Callable[[Found], RenderableType], *, as_json: bool
) -> None:
    with reported(as_json=as_json), access.present() as client:
        found = read(client)
        if as_json:
            print_json(to_jsonable_python(found))
        else:
            print_whole(shown(found))


def _print_overview(access: Access, facts: dict[str, Any], *, as_json: bool) -> None:
    """What is known of where the service runs, then what it says of itself and of its user."""
    with access.present() as client:
        health, queue, runs, usage = client.health(), client.queue(), client.own_runs(), client.usage()
    if as_json:
        told = {"service": health, "queue": queue, "runs": runs, "usage": usage}
        print_json(facts | {name: to_jsonable_python(answer) for name, answer in told.items()})
        return
    down = [f"{part.name} down ({part.code})" for part in health.parts if part.status != "up"]
    shown = {
        **_in_words(facts),
        "service": ", ".join([health.status, *down]),
        "queue": f"{queue.queued} waiting, {queue.running} at work",
        "your runs": f"{runs.queued} waiting, {runs.running} at work; within a day {runs.succeeded} succeeded, "
        f"{runs.failed} failed, {runs.cancelled} cancelled",
        "your quota": f"{usage.stored_bytes / 2**30:.2f} of {usage.quota_bytes / 2**30:.2f} GiB, "
        f"{usage.stored_images:,} of {usage.quota_images:,} images",
    }
    print_whole(display.facts(shown))


def _in_words(facts: dict[str, Any]) -> dict[str, object]:
    """What is known of the local cloud, for a person."""
    shown = {key.replace("_", " "): value for key, value in facts.items() if value is not None}
    if "running" in facts:
        shown["running"] = "yes" if facts["running"] else "no"
    if "parts" in facts:
        shown["parts"] = ", ".join(f"{name} {'up' if is_up else 'DOWN'}" for name, is_up in facts["parts"].items())
    return {key: value for key, value in shown.items() if value != ""}


def _print_report(report: Report, messages: Console, *, keeps_out_of_focus: bool) -> None:
    print_whole(display.outcome_table(report.outcomes))
    for note in display.note_lines((one.shown, note) for one in report.outcomes for note in one.notes):
        messages.print(note)
    left_out = display.left_out_lines(report.outcomes, report.passed_over, keeps_out_of_focus=keeps_out_of_focus)
    for told in left_out:
        messages.print(Text(told))
    for line in display.failure_lines(report.outcomes):
        messages.print(line)
    done = f"{report.succeeded} of {display.counted(len(report.outcomes), 'image')} in {report.duration_s:.1f} s"
    messages.print(Text(f"{done}, results in {report.out}" if report.measures else done))
    if report.interrupted:
        messages.print("Interrupted: what was not done yet was cancelled")


def _simplifier(tolerance_px: float, *, as_json: bool) -> Callable[[Path], None]:
    """What gives a file of outlines fewer corners."""
    with reported(as_json=as_json), libraries_needed():
        from spheroseg_client.offline.simplifying import simplify_file  # noqa: PLC0415 - takes its time
    return lambda path: simplify_file(path, tolerance_px)


def _reporter(messages: Console) -> Callable[[str], None]:
    return lambda text: messages.print(Text(text, style="dim"))
