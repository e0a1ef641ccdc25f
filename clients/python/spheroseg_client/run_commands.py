"""The command group ``spheroseg runs``: many segmentations at once."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.console import RenderableType
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.commands import ProjectArgument, command, project_id_of, table
from spheroseg_client.models import Parameters, Segmentation
from spheroseg_client.options import DiameterOption, FocusOption, HolesOption, ModelOption, ThresholdOption
from spheroseg_client.runs import CancelledRuns, RunBatch, RunComparison, RunProgress

runs = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="Segment many images at once: start, cancel, retry, follow, compare.",
)

ImagesOption = Annotated[
    list[UUID] | None, typer.Option("--image", help="Id of an image; several times for several; left away: all.")
]
RunsOption = Annotated[list[UUID] | None, typer.Option("--run", help="Id of a run; several times for several.")]
BatchOption = Annotated[UUID | None, typer.Option("--batch", help="Id of a batch, as [bold]runs start[/] prints it.")]
UrgencyOption = Annotated[
    int, typer.Option("--priority", min=0, max=10, help="Among your own runs the most urgent are next.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Repeat what has succeeded before, too.")]
KeyOption = Annotated[
    str | None, typer.Option("--key", help="Idempotency key: a second call with it starts nothing more.")
]
ImageArgument = Annotated[UUID, typer.Argument(help="Id of the image.")]
FirstArgument = Annotated[UUID, typer.Argument(help="Id of the run that is compared with.")]
SecondArgument = Annotated[UUID, typer.Argument(help="Id of another run of the same image.")]
OverlapOption = Annotated[
    float, typer.Option("--threshold", min=0.5, max=0.99, help="IoU above which two spheroids are partners.")
]
ComparedRevisionOption = Annotated[
    int | None, typer.Option(min=0, help="Of that run's outlines: the newest if left away, 0 what the model found.")
]


def _batch(batch: RunBatch) -> RenderableType:
    lines = {"batch": batch.id, "images": batch.images, **{_words(key): count for key, count in batch.counts.items()}}
    if batch.progress is not None:
        lines |= _progress_lines(batch.progress)
    return display.facts(lines)


def _progress(progress: RunProgress) -> RenderableType:
    return display.facts(_progress_lines(progress))


def _progress_lines(progress: RunProgress) -> dict[str, object]:
    estimate = "unknown" if progress.estimated_s is None else f"{progress.estimated_s:.0f} s"
    return {
        "runs": f"{progress.ended} of {progress.total} have ended",
        **progress.counts,
        "in turn": progress.in_turn,
        "done in": f"{estimate} ({progress.reason})",
    }


def _cancelled(answer: CancelledRuns) -> RenderableType:
    left = f"; {answer.left} are left, call again" if answer.left else ""
    return Text(f"{display.counted(answer.cancelled, 'run')} cancelled{left}")


def _history(found: Sequence[Segmentation]) -> RenderableType:
    columns = ("run", "status", "model", "page", "queued", "spheroids", "why")
    return table(
        columns,
        [
            (
                run.id,
                run.status,
                f"{run.model}@{run.model_version}",
                run.parameters.page,
                run.queued_at.isoformat(timespec="seconds"),
                run.result.spheroid_count if run.result else None,
                run.failure.detail if run.failure else None,
            )
            for run in found
        ],
    )


def _comparison(found: RunComparison) -> RenderableType:
    mean = "none" if found.mean_iou is None else f"{found.mean_iou:.3f}"
    return display.facts(
        {
            "revisions": f"{found.first_revision} and {found.second_revision}",
            "matched": found.matched,
            "mean IoU": mean,
            "lost": ", ".join(map(str, found.lost)) or "none",
            "added": ", ".join(map(str, found.added)) or "none",
        }
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


@command(runs, "start", "spheroseg runs start 'Day 7' --model accurate --threshold 0.6 --priority 8", _batch)
def _start(
    client: Client,
    project: ProjectArgument,
    image: ImagesOption = None,
    model: ModelOption = None,
    threshold: ThresholdOption = 0.5,
    min_diameter_px: DiameterOption = None,
    *,
    holes: HolesOption = True,
    out_of_focus: FocusOption = False,
    priority: UrgencyOption = 5,
    again: AgainOption = False,
    key: KeyOption = None,
) -> RunBatch:
    """Segment all images of a project, or some of them; what is done or under way already is told, not repeated."""
    name, _, version = (model or "").partition("@")
    return client.start_runs(
        project_id_of(client, project),
        image or None,
        model=name or None,
        model_version=version or None,
        parameters=Parameters(
            threshold=threshold, min_diameter_px=min_diameter_px, holes=holes, out_of_focus=out_of_focus
        ),
        priority=priority,
        again=again,
        key=key,
    )


@command(runs, "cancel", "spheroseg runs cancel 'Day 7'", _cancelled)
def _cancel(
    client: Client,
    project: ProjectArgument,
    image: ImagesOption = None,
    run: RunsOption = None,
    batch: BatchOption = None,
) -> CancelledRuns:
    """Stop what waits or works: of some images, some runs, a batch, or of the whole project."""
    return client.cancel_runs(
        project_id_of(client, project), image_ids=image or None, segmentation_ids=run or None, batch_id=batch
    )


@command(runs, "retry", "spheroseg runs retry 'Day 7'", _batch)
def _retry(
    client: Client,
    project: ProjectArgument,
    image: ImagesOption = None,
    run: RunsOption = None,
    batch: BatchOption = None,
    *,
    key: KeyOption = None,
) -> RunBatch:
    """Try once more what failed; the failed runs stay in the history."""
    return client.retry_runs(
        project_id_of(client, project), image_ids=image or None, segmentation_ids=run or None, batch_id=batch, key=key
    )


@command(runs, "progress", "spheroseg runs progress 'Day 7'", _progress)
def _show_progress(client: Client, project: ProjectArgument) -> RunProgress:
    """Count a project's runs by status, and estimate when the last of them ends."""
    return client.run_progress(project_id_of(client, project))


@command(runs, "batch", "spheroseg runs batch 0198c0de-0000-7000-8000-000000000001", _batch)
def _show_batch(client: Client, batch: Annotated[UUID, typer.Argument(help="Id of the batch.")]) -> RunBatch:
    """See what one call started, and how far it is."""
    return client.run_batch(batch)


@command(runs, "history", "spheroseg runs history 0198c0de-0000-7000-8000-000000000001", _history)
def _show_history(client: Client, image: ImageArgument) -> Sequence[Segmentation]:
    """List all runs of an image, the latest first."""
    return list(client.segmentations(image))


@command(
    runs,
    "compare",
    "spheroseg runs compare 5f0c2f5e-7a55-5c0e-9d0d-1f5f7c7b3a10 0a4e7c1f-93d2-5b1e-8a44-7c1e2f3b4d5a",
    _comparison,
)
def _compare(
    client: Client,
    first: FirstArgument,
    second: SecondArgument,
    threshold: OverlapOption = 0.5,
    first_revision: ComparedRevisionOption = None,
    second_revision: ComparedRevisionOption = None,
) -> RunComparison:
    """Compare two runs of an image: matched spheroids and their mean IoU, lost and added ones."""
    return client.compare_runs(first, second, threshold, first_revision, second_revision)
