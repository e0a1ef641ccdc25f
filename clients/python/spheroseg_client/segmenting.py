"""One ``segment`` command: its files through the service, their results into a folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console

from spheroseg_client.batch import Batch
from spheroseg_client.client import Client
from spheroseg_client.display import BatchDisplay
from spheroseg_client.errors import ClientError, LocalFileError
from spheroseg_client.inputs import Inputs
from spheroseg_client.models import Order, Project
from spheroseg_client.names import result_names
from spheroseg_client.outcomes import Outcome, of_unusable
from spheroseg_client.outputs import SUFFIXES, ResultFolder
from spheroseg_client.stacks import PageChoice

PROJECT_NAME_MAX_LENGTH = 100


@dataclass(frozen=True)
class Request:
    """What is to be segmented, how, and where results go.

    Args:
        pixel_size_um: Edge of one pixel in µm for all files, None: as each file says.
        change_outlines: Changes each file of outlines before it is put in its place; None: it stays as it came.
        project: Name of the project, None: a new one named after the moment.
        pages: Which pages of each file; None: the one that the order names.
    """

    inputs: Inputs
    out: Path
    order: Order = field(default_factory=Order)
    pixel_size_um: float | None = None
    change_outlines: Callable[[Path], None] | None = None
    project: str | None = None
    pages: PageChoice | None = None


@dataclass(frozen=True)
class Report:
    """How it went.

    Args:
        measures: Where ``measures.csv`` was written; None when no image succeeded.
        duration_s: Seconds from connecting to the last file on the disk, without starting the local cloud.
        passed_over: Files of the folders that were not looked at, by suffix.
    """

    outcomes: Sequence[Outcome]
    out: Path
    api_url: str | None = None
    project: Project | None = None
    measures: Path | None = None
    duration_s: float = 0.0
    interrupted: bool = False
    passed_over: Mapping[str, int] = field(default_factory=dict)

    @property
    def succeeded(self) -> int:
        """Images with a result."""
        return sum(outcome.status == "succeeded" for outcome in self.outcomes)

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "version": 1,
            "api": self.api_url,
            "project": {"id": str(self.project.id), "name": self.project.name} if self.project else None,
            "out": str(self.out),
            "measures": str(self.measures) if self.measures else None,
            "images": [outcome.as_json() for outcome in self.outcomes],
            "succeeded": self.succeeded,
            "failed": sum(outcome.status == "failed" for outcome in self.outcomes),
            "passed_over": dict(self.passed_over),
            "interrupted": self.interrupted,
            "duration_s": self.duration_s,
        }


def segment_files(request: Request, connect: Callable[[], AbstractContextManager[Client]], messages: Console) -> Report:
    """Segment what was asked for; a file that fails does not stop the others.

    Nothing is started or uploaded when there is no usable file, or when results could not be written.

    Args:
        connect: Gives a client, and starts what has to be started for that.

    Raises:
        ClientError: nothing could be done at all.
    """
    unusable = [of_unusable(found) for found in request.inputs.unusable]
    files = request.inputs.files
    if not files:
        return Report(unusable, request.out, passed_over=request.inputs.passed_over)
    _check_places(request)
    with ResultFolder.prepare(request.out, len(files)) as results, connect() as client:
        begun = time.monotonic()
        _check_model(client, request.order)
        project = _project(client, request.project)
        watched = BatchDisplay(messages, files)
        names = result_names([file.path for file in files])
        batch = Batch(
            client,
            project.id,
            request.order,
            files,
            names,
            results,
            watched,
            request.pixel_size_um,
            request.pages,
            change_outlines=request.change_outlines,
        )
        with watched.shown():
            outcomes = batch.run()
        any_succeeded = any(outcome.status == "succeeded" for outcome in outcomes)
        return Report(
            outcomes=[*outcomes, *unusable],
            out=request.out,
            api_url=client.api_url,
            project=project,
            measures=results.write_measures() if any_succeeded else None,
            duration_s=time.monotonic() - begun,
            interrupted=batch.interrupted,
            passed_over=request.inputs.passed_over,
        )


def _check_places(request: Request) -> None:
    """Refuse files in whose place a result may be put."""
    folders = {(request.out / name).resolve() for name in SUFFIXES}
    for file in request.inputs.files:
        if file.path.resolve().parent in folders:
            raise LocalFileError(
                f"{file.shown} lies where results go and would be lost; choose another folder for them", "same-file"
            )


def _check_model(client: Client, order: Order) -> None:
    """Tell a wrong model's name once and before anything is uploaded."""
    if order.model is None:
        return
    models = client.models()
    if not any(model.name == order.model and order.model_version in {None, model.version} for model in models):
        known = ", ".join(f"{model.name}@{model.version}" for model in models)
        wanted = order.model if order.model_version is None else f"{order.model}@{order.model_version}"
        raise ClientError(f"There is no model {wanted}; there are {known}", "model-not-found")


def _project(client: Client, name: str | None) -> Project:
    if name is None:
        moment = datetime.now().astimezone()
        return client.create_project(f"Command line, {moment:%Y-%m-%d %H:%M:%S}")
    found = next((project for project in client.projects() if project.name == name), None)
    return found or client.create_project(name[:PROJECT_NAME_MAX_LENGTH])
