"""What a person at the terminal sees: progress on stderr, the result on stdout."""

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TransferSpeedColumn,
)
from rich.table import Table
from rich.text import Text

from spheroseg_client.inputs import InputFile
from spheroseg_client.models import Model, QueueStatus
from spheroseg_client.outcomes import Outcome

UNATTENDED_WIDTH = 132
"""Columns when the output goes to a file or a pipe, which have no width of their own."""


def result_console() -> Console:
    """Where results go: stdout."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=UNATTENDED_WIDTH)


def message_console() -> Console:
    """Where everything else goes: stderr."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


class BatchDisplay:
    """Two bars while a batch runs; plain lines where nobody watches.

    Args:
        files: What is going to be uploaded.
    """

    def __init__(self, console: Console, files: Sequence[InputFile]) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._sent = [0] * len(files)
        self._status: dict[tuple[int, int], str] = {}
        self._total = len(files)
        self._ended = 0
        self._failed = 0
        total_bytes = sum(file.size_bytes for file in files)
        self._upload_bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
        )
        self._work_bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[state]}"),
            console=console,
        )
        self._upload: TaskID = self._upload_bar.add_task("Upload ", total=total_bytes)
        self._work: TaskID = self._work_bar.add_task("Segment", total=len(files), state="")

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The bars, while this lasts."""
        if not self._console.is_terminal:
            self._console.print(f"Uploading and segmenting {counted(len(self._sent), 'image')}")
            yield
            return

        with Live(Group(self._upload_bar, self._work_bar), console=self._console, refresh_per_second=8):
            yield

    def on_sent(self, index: int, sent_bytes: int) -> None:
        """So much of a file has gone over; less than before when its upload starts over."""
        with self._lock:
            self._upload_bar.advance(self._upload, sent_bytes - self._sent[index])
            self._sent[index] = sent_bytes

    def on_uploaded(self, index: int) -> None:
        """A file has arrived."""
        self._to((index, 0), "queued")

    def on_status(self, index: int, status: str, page: int = 0) -> None:
        """A segmentation has got somewhere; of a file, or of a page of a stack."""
        self._to((index, page), status)

    def on_pages(self, index: int, pages: int) -> None:
        """A file turned out to be so many pages, each with an outcome of its own."""
        with self._lock:
            self._status.pop((index, 0), None)
            self._total += pages - 1
            self._work_bar.update(self._work, total=self._total, state=self._state())

    def on_outcome(self, outcome: Outcome) -> None:
        """A file has come to its end."""
        with self._lock:
            self._ended += 1
            self._failed += outcome.status != "succeeded"
            self._work_bar.update(self._work, completed=self._ended, state=self._state())
            if not self._console.is_terminal and (self._total < 20 or self._ended % (self._total // 20) == 0):
                self._console.print(f"{self._ended} of {self._total} done")

    def _to(self, place: tuple[int, int], status: str) -> None:
        with self._lock:
            self._status[place] = status
            self._work_bar.update(self._work, state=self._state())

    def _state(self) -> str:
        states = list(self._status.values())
        running = states.count("running")
        waiting = states.count("queued")
        parts = [(running, "at work"), (waiting, "waiting"), (self._failed, "failed")]
        return ", ".join(f"{count} {words}" for count, words in parts if count)


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """File by file: how many spheroids, how large, how round, how sure, how long it took, and what else to know."""
    units = {outcome.area_unit for outcome in outcomes if outcome.area is not None}
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("file", overflow="fold")
    table.add_column("spheroids", justify="right")
    table.add_column(f"area, median{f' ({units.copy().pop()})' if len(units) == 1 else ''}", justify="right")
    table.add_column("circularity, median", justify="right")
    table.add_column("confidence", justify="right")
    table.add_column("work (s)", justify="right")
    table.add_column("")
    for outcome in outcomes:
        segmentation = outcome.segmentation
        work_s = segmentation.duration_s if segmentation else None
        area = "" if outcome.area is None else f"{outcome.area:,.1f}"
        table.add_row(
            Text(outcome.shown),
            "" if outcome.spheroid_count is None else str(outcome.spheroid_count),
            f"{area} {outcome.area_unit}" if area and len(units) > 1 else area,
            "" if outcome.circularity is None else f"{outcome.circularity:.3f}",
            "" if outcome.review is None or outcome.review.confidence is None else f"{outcome.review.confidence:.2f}",
            "" if work_s is None else f"{work_s:.2f}",
            _remark(outcome),
        )
    return table


def _remark(outcome: Outcome) -> Text:
    """What became of a file that did not succeed; of one that did, why somebody should look, and what was left out."""
    if outcome.status != "succeeded":
        return Text(outcome.status, style="bold red")
    review = outcome.review
    if review is None:
        return Text("")
    look = Text(f"look: {', '.join(review.reasons)}", style="yellow") if review.needed else None
    left_out = Text(f"{review.dropped_count:,} left out") if review.dropped_count else None
    return Text("; ").join(part for part in (look, left_out) if part)


def left_out_lines(
    outcomes: Sequence[Outcome], passed_over: Mapping[str, int], *, keeps_out_of_focus: bool
) -> Iterator[str]:
    """What stands in no table: objects that were seen and left out, files of the folders that were not looked at."""
    counts = [outcome.review.dropped_count for outcome in outcomes if outcome.review and outcome.review.dropped_count]
    if counts:
        why = "too small, too uncertain or without a core"
        if not keeps_out_of_focus:
            why = "too small, too uncertain, without a core or out of focus (--out-of-focus keeps these)"
        yield f"Left out: {counted(sum(counts), 'object')} in {counted(len(counts), 'image')}, {why}"
    if passed_over:
        kinds = ", ".join(f"{suffix or 'no ending'} {count:,}" for suffix, count in passed_over.items())
        yield (
            f"Not looked at: {counted(sum(passed_over.values()), 'file')} of other kinds in the folders ({kinds}); "
            "a file that is named itself is taken"
        )


def note_lines(notes: Iterable[tuple[str, str]]) -> Iterator[Text]:
    """A line for each note, which names the first file that it is about, and how many others there are.

    Args:
        notes: File and note.
    """
    noted: dict[str, list[str]] = {}
    for file, note in notes:
        noted.setdefault(note, []).append(file)
    for note, files in noted.items():
        others = f" and {counted(len(files) - 1, 'other')}" if len(files) > 1 else ""
        yield Text.assemble(("Note: ", "bold"), files[0], others, ": ", note)


def failure_lines(outcomes: Sequence[Outcome]) -> Iterator[Text]:
    """Each file without a result, and why."""
    for outcome in outcomes:
        if outcome.failure:
            yield Text.assemble(
                (outcome.shown, "bold"), ": ", outcome.failure.detail, (f" [{outcome.failure.code}]", "dim")
            )


def model_table(models: Sequence[Model]) -> Table:
    """The models that can be run."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("model", "version", "", "what it is", "licence"):
        table.add_column(column, overflow="fold")
    for model in models:
        table.add_row(
            Text(model.name),
            Text(model.version),
            "default" if model.is_default else "",
            Text(f"{model.title}. {model.description}"),
            Text(model.licence),
        )
    return table


def queue_lines(status: QueueStatus) -> Mapping[str, str]:
    """The queue in words."""
    wait = "unknown" if status.estimated_wait_s is None else f"{status.estimated_wait_s:.0f} s"
    return {
        "waiting": str(status.queued),
        "at work": str(status.running),
        "until empty": f"{wait} ({status.reason})",
    }


def facts(pairs: Mapping[str, object]) -> Text:
    """Names and values, one pair a line; no line is broken, so that addresses can be copied."""
    width = max(map(len, pairs))
    return Text("\n", no_wrap=True, overflow="ignore").join(
        Text.assemble((name.ljust(width), "bold"), "  ", str(value)) for name, value in pairs.items()
    )


def counted(count: int, noun: str) -> str:
    """A number with its noun, plural where it has to be."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
