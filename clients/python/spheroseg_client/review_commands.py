"""The command group ``spheroseg review``: results to look at, decisions on them, and how far people and model agree."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import islice
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, project_id_of, table
from spheroseg_client.edit_commands import NoteOption, OperationsArgument, RunArgument, started_from
from spheroseg_client.errors import ApiError
from spheroseg_client.reviews import Decision, ReviewFigures, ReviewItem, Verdict
from spheroseg_client.revisions import with_later_changes

review = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Look at results: what needs it most, accept, correct or reject it, and see how far people and model agree.",
)


class StateChoice(StrEnum):
    """Where a result is in its review."""

    OPEN = "open"
    ACCEPTED = "accepted"
    CORRECTED = "corrected"
    REJECTED = "rejected"


class FlagChoice(StrEnum):
    """What the segmenter flags results for."""

    NOTHING_FOUND = "nothing-found"
    LOW_CONFIDENCE = "low-confidence"
    BLUR = "blur"
    DEBRIS = "debris"
    TOUCHING = "touching"
    EDGE_CONTACT = "edge-contact"


LookedAt = Annotated[
    int | None,
    typer.Option(
        "--revision", min=0, help="The revision that you looked at, 0: the segmenter's own; left away: the newest."
    ),
]


def _worklist(found: Sequence[ReviewItem]) -> RenderableType:
    columns = ("run", "image", "page", "revision", "state", "confidence", "flagged for", "by", "note")
    rows = [
        (
            item.segmentation_id,
            item.image_name,
            item.page,
            item.revision,
            item.state,
            None if item.confidence is None else f"{item.confidence:.3f}",
            "not judged" if item.reasons is None else ", ".join(item.reasons),
            item.decision and item.decision.reviewer_id,
            item.decision and item.decision.note,
        )
        for item in found
    ]
    return table(columns, rows)


def _decision(found: Decision) -> RenderableType:
    lines: dict[str, object] = {
        "run": found.segmentation_id,
        "decision": found.number,
        "revision": found.revision,
        "state": found.state,
        "by": found.reviewer_id,
        "at": found.decided_at.isoformat(timespec="seconds"),
    }
    if found.note:
        lines["note"] = found.note
    if found.agreement:
        agreement = found.agreement
        lines["spheroids"] = (
            f"{agreement.matched} matched, {agreement.unchanged} of them unchanged, {agreement.added} added, "
            f"{agreement.deleted} deleted"
        )
        lines["IoU with the model"] = _figure(agreement.foreground_iou)
    return display.facts(lines)


def _history(found: Sequence[Decision]) -> RenderableType:
    columns = ("decision", "revision", "state", "at", "by", "IoU with the model", "note")
    rows = [
        (
            one.number,
            one.revision,
            one.state,
            one.decided_at.isoformat(timespec="seconds"),
            one.reviewer_id,
            _figure(one.agreement.foreground_iou) if one.agreement else None,
            one.note,
        )
        for one in found
    ]
    return table(columns, rows)


def _figures(found: ReviewFigures) -> RenderableType:
    results, outlines = found.results, found.outlines
    told = display.facts(
        {
            "open": results.open,
            "accepted as found": f"{results.accepted} ({_share(results.accepted_share)})",
            "corrected": f"{results.corrected} ({_share(results.corrected_share)})",
            "rejected": f"{results.rejected} ({_share(results.rejected_share)})",
            "compared with the model": _compared(outlines.compared, outlines.not_compared),
            "IoU of results": f"mean {_figure(outlines.foreground_iou_mean)}, "
            f"median {_figure(outlines.foreground_iou_median)}",
            "spheroids": f"{outlines.matched} matched, {outlines.added} added, {outlines.deleted} deleted",
            "IoU of spheroids": f"mean {_figure(outlines.iou_mean)}, median {_figure(outlines.iou_median)}",
        }
    )
    if not found.reviewers:
        return told
    columns = ("first", "second", "both decided", "agree", "Cohen's kappa")
    pairs = [
        (pair.first_id, pair.second_id, pair.decided, _share(pair.raw_agreement), _figure(pair.kappa))
        for pair in found.reviewers
    ]
    return Group(told, Text(), table(columns, pairs))


def _compared(compared: int, not_compared: int) -> str:
    return f"{compared}, {not_compared} too different for it" if not_compared else str(compared)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.0%}"


@command(review, "list", "spheroseg review list 'Day 7' --state open --limit 20", _worklist)
def _list(
    client: Client,
    *,
    project: ProjectArgument,
    state: Annotated[
        list[StateChoice] | None, typer.Option(help="Only results in this state; give it several times for several.")
    ] = None,
    flag: Annotated[FlagChoice | None, typer.Option(help="Only results that were flagged for it.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="So many at most; left away: all.")] = None,
) -> list[ReviewItem]:
    """List results: those with the most reasons to look first, then the least confident."""
    found = client.reviews(project_id_of(client, project), [one.value for one in state or ()], flag and flag.value)
    return list(islice(found, limit))


@command(review, "accept", "spheroseg review accept RUN --revision 0", _decision)
def _accept(client: Client, run: RunArgument, revision: LookedAt = None, note: NoteOption = None) -> Decision:
    """Say that the outlines of the newest revision are right."""
    return _decide(client, run, revision, "accept", note)


@command(review, "reject", "spheroseg review reject RUN --note 'out of focus'", _decision)
def _reject(client: Client, run: RunArgument, revision: LookedAt = None, note: NoteOption = None) -> Decision:
    """Say that the outlines of the newest revision are not to be used."""
    return _decide(client, run, revision, "reject", note)


@command(review, "correct", "spheroseg review correct RUN corrections.json --note 'touching ones parted'", _decision)
def _correct(
    client: Client,
    run: RunArgument,
    operations: OperationsArgument,
    base: Annotated[
        int | None,
        typer.Option("--base", min=0, help="The revision that it starts from, 0: the segmenter's own."),
    ] = None,
    note: NoteOption = None,
) -> Decision:
    """Do operations on the outlines, as [bold]edit apply[/], and accept what comes out."""
    wanted, first = started_from(operations, base)
    try:
        saved = client.edit(run, first, wanted["operations"], note or wanted.get("note"))
    except ApiError as error:
        raise with_later_changes(error) from error
    return _decide(client, run, saved.number, "accept", note)


@command(review, "history", "spheroseg review history RUN", _history)
def _show_history(client: Client, run: RunArgument) -> list[Decision]:
    """Who decided what on which revision of a run, the newest first."""
    return list(client.decisions(run))


@command(review, "agreement", "spheroseg review agreement 'Day 7' --json", _figures)
def _agreement(client: Client, *, project: ProjectArgument) -> ReviewFigures:
    """See shares of accepted, corrected and rejected results, IoU with the model, and kappa of each two people."""
    return client.review_figures(project_id_of(client, project))


def _decide(client: Client, run: UUID, revision: int | None, verdict: Verdict, note: str | None) -> Decision:
    looked_at = client.segmentation(run).revision if revision is None else revision
    try:
        return client.decide(run, looked_at, verdict, note)
    except ApiError as error:
        raise with_later_changes(error) from error
