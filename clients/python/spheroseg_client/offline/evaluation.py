"""Models judged on images with masks. The work behind ``spheroseg evaluate``."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from json import dumps
from pathlib import Path

from spheroseg.model_registry import ModelRegistry
from spheroseg_client.errors import LocalFileError
from spheroseg_client.parts import own_parts
from training.evaluation import overlays, report, trust_report
from training.evaluation.methods import BASELINES, Method, registered, unregistered
from training.evaluation.running import Judged, evaluate
from training.evaluation.sources import Case, EvaluationError, Failure, find_cases

REPORT, FIGURES, PER_IMAGE, OVERLAYS = "report.md", "figures.json", "per_image.csv", "overlays"


@dataclass(frozen=True)
class Wanted:
    """What is to be judged, and on what.

    Args:
        data: A source, or a folder of sources.
        models: NAME or NAME@VERSION; the default model when nothing else is wanted either.
        onnx, card: A model that need not be registered.
        baselines: Names of baselines.
        fold: Written to every row of the figures.
        command: What was typed.
    """

    data: Path
    models: Sequence[str]
    onnx: Path | None
    card: Path | None
    baselines: Sequence[str]
    fold: str | None
    command: str


@dataclass(frozen=True)
class Result:
    """Figures of all methods on all sources."""

    methods: tuple[Method, ...]
    judged: tuple[Judged, ...]
    groups: tuple[report.Group, ...]
    failures: tuple[Failure, ...]
    circumstances: report.Circumstances

    @property
    def about(self) -> dict[str, str]:
        """By method, what it is."""
        return {method.name: method.about for method in self.methods}

    def document(self) -> dict[str, object]:
        """The figures, for programs."""
        more = {method: trust_report.figures_of(self.judged, method) for method in self.about}
        return report.document(self.groups, self.about, self.failures, self.circumstances, more)


def prepare(wanted: Wanted) -> tuple[list[Case], list[Failure], list[Method]]:
    """Find the images and load the models.

    Raises:
        LocalFileError: nothing can be judged as it was asked for.
    """
    if (wanted.onnx is None) != (wanted.card is None):
        raise LocalFileError("--onnx and --card belong together", "not-evaluable")
    for name in wanted.baselines:
        if name not in BASELINES:
            raise LocalFileError(f"No baseline is called {name}; there is {', '.join(BASELINES)}", "not-evaluable")
    models = list(wanted.models)
    if not models and wanted.onnx is None and not wanted.baselines:
        models = [ModelRegistry.packaged().default.name]
    try:
        cases, failures = find_cases(wanted.data)
        methods = [registered(model) for model in models]
        if wanted.onnx is not None and wanted.card is not None:
            methods.append(unregistered(wanted.onnx, wanted.card))
    except EvaluationError as error:
        raise LocalFileError(str(error), "not-evaluable") from error
    except OSError as error:
        raise LocalFileError(f"{wanted.data} cannot be read: {error.strerror or error}", "unreadable-file") from error
    methods += [BASELINES[name]() for name in wanted.baselines]
    twice = {method.name for method in methods if [other.name for other in methods].count(method.name) > 1}
    if twice:
        raise LocalFileError(f"{', '.join(sorted(twice))} would be judged twice", "not-evaluable")
    return cases, failures, methods


def run(
    wanted: Wanted,
    cases: Sequence[Case],
    failures: Sequence[Failure],
    methods: Sequence[Method],
    jobs: int,
    on_done: Callable[[], None],
) -> Result:
    """Judge every method on every image.

    Raises:
        LocalFileError: no image could be judged.
    """
    judged, failed = evaluate(cases, methods, jobs, on_done)
    every = [*failures, *failed]
    if not judged:
        first = every[0]
        raise LocalFileError(
            f"No image could be judged; the first, {first.source}/{first.name}: {first.reason}", "not-evaluable"
        )
    return Result(
        methods=tuple(methods),
        judged=tuple(judged),
        groups=tuple(report.groups_of(judged)),
        failures=tuple(every),
        circumstances=report.Circumstances(wanted.command, datetime.now(UTC), wanted.fold),
    )


def write(result: Result, out: Path) -> None:
    """Write the report, figures and overlays; earlier ones of the same name are replaced, other files stay.

    Raises:
        LocalFileError: they cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with own_parts(out) as folder:
            pictures = {}
            for method in result.methods:
                files = overlays.write_worst(result.judged, method, folder / OVERLAYS / method.name)
                pictures[method.name] = [file.relative_to(folder).as_posix() for file in files]
            plots = [file.name for file in trust_report.write_plots(result.judged, folder)]
            markdown = report.markdown(
                result.judged,
                result.groups,
                result.about,
                result.failures,
                result.circumstances,
                pictures,
                trust_report.section(result.judged, plots),
            )
            (folder / REPORT).write_text(markdown, encoding="utf-8")
            (folder / FIGURES).write_text(dumps(result.document(), indent=2) + "\n", encoding="utf-8")
            csv = report.per_image_csv(result.judged, result.circumstances.fold)
            (folder / PER_IMAGE).write_text(csv, encoding="utf-8", newline="")
            for method in result.methods:
                place = out / OVERLAYS / method.name
                if place.is_dir():
                    shutil.rmtree(place)
                place.parent.mkdir(exist_ok=True)
                (folder / OVERLAYS / method.name).replace(place)
            for name in (REPORT, FIGURES, PER_IMAGE, *plots):
                (folder / name).replace(out / name)
    except OSError as error:
        raise LocalFileError(
            f"The report cannot be written to {out}: {error.strerror or error}", "unwritable-folder"
        ) from error
