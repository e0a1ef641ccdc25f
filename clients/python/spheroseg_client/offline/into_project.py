"""Outlines of other programs as new revisions of the runs of a project, which the service checks and measures."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any
from uuid import UUID

from spheroseg.domain.outline_matching import matched
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.exchange.results import Result
from spheroseg.statistics.names_tell import stem_of
from spheroseg_client import models
from spheroseg_client.client import Client
from spheroseg_client.errors import ClientError, LocalFileError
from spheroseg_client.inputs import IMAGE_SUFFIXES
from spheroseg_client.offline.exchanged import How, results_of
from spheroseg_client.offline.of_project import spheroid_of

UNITS_PER_PX = 4
"""The service keeps corners at quarter pixels."""


@dataclass(frozen=True)
class Saved:
    """What became of one image.

    Args:
        revision: The new one; None: the outlines were the same, so none was made.
    """

    file: str
    segmentation_id: UUID
    revision: int | None
    added: int
    changed: int
    removed: int


@dataclass(frozen=True)
class _Planned:
    result: Result
    run: models.Segmentation
    base: int
    operations: list[dict[str, Any]]
    counts: tuple[int, int, int]


class Targets:
    """The images of a project with a result, found by name."""

    def __init__(self, client: Client, project_id: UUID) -> None:
        self._client = client
        self._by_name: dict[str, list[models.Image]] = {}
        for image in client.images(project_id):
            self._by_name.setdefault(_key(image.name), []).append(image)
        self._runs: dict[tuple[UUID, int], models.Segmentation] = {}

    def size_px(self, name: str) -> tuple[int, int] | None:
        """Width and height of the image of that name, for files that do not say it."""
        result = self.run(name, 1).result
        return None if result is None else (result.width_px, result.height_px)

    def run(self, name: str, page: int) -> models.Segmentation:
        """The newest run of a page that succeeded.

        Raises:
            LocalFileError: no image, or several, are called so, or it has no result.
        """
        found = self._by_name.get(_key(name), [])
        if len(found) != 1:
            told = "no image" if not found else f"{len(found)} images"
            raise LocalFileError(f"The project has {told} called {name}", "no-image" if not found else "ambiguous-name")
        image = found[0]
        if (image.id, page) not in self._runs:
            runs = (run for run in self._client.segmentations(image.id, page) if run.status == "succeeded")
            run = next(runs, None)
            if run is None:
                raise LocalFileError(f"{image.name} has no result that outlines could be corrected in", "no-result")
            self._runs[image.id, page] = run
        return self._runs[image.id, page]


def _key(name: str) -> str:
    """What images and files of outlines have in common: the name without an image's suffix."""
    path = PurePath(name)
    return stem_of(path) if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def save_as_revisions(
    client: Client, project_id: UUID, sources: Iterable[Path], how: How, note: str | None = None
) -> list[Saved]:
    """Make the outlines of files the newest of their images; each image is changed as a whole or not at all.

    All files are read and matched first, so that a file that is wrong changes nothing. A spheroid keeps its number
    where its outline is the same, or where the file gives the number to an outline in the same place.

    Raises:
        LocalFileError: a file or an image is not as it must be.
        ClientError: the service refused an image; those before it were saved, which the error says.
    """
    targets = Targets(client, project_id)
    told = How(how.format_name, how.images, how.pixel_size_um, targets.size_px)
    planned = [_plan(client, targets, result) for result in results_of(list(sources), told)]
    if not planned:
        raise LocalFileError("There are no outlines in what was given", "no-results")
    runs = [one.run.id for one in planned]
    for one in planned:
        if runs.count(one.run.id) > 1:
            raise LocalFileError(f"Several of the files are about {one.result.file}", "ambiguous-name")
    saved: list[Saved] = []
    for one in planned:
        revision = None
        if one.operations:
            try:
                revision = client.edit(one.run.id, one.base, one.operations, note).number
            except ClientError as error:
                error.detail = f"{one.result.file}: {error.detail} ({len(saved)} of {len(planned)} images were saved)"
                raise
        saved.append(Saved(one.result.file, one.run.id, revision, *one.counts))
    return saved


def _plan(client: Client, targets: Targets, result: Result) -> _Planned:
    run = targets.run(result.file, result.page)
    size = None if run.result is None else (run.result.width_px, run.result.height_px)
    if size != (result.width_px, result.height_px):
        raise LocalFileError(
            f"{result.file} has {result.width_px} × {result.height_px} px in the file, its result "
            f"{'no size' if size is None else f'{size[0]} × {size[1]} px'}",
            "different-sizes",
        )
    newest = next(client.revisions(run.id), None)
    base = 0 if newest is None else newest.number
    now = {one.number: spheroid_of(one).polygons for one in client.spheroids(run.id, base)}
    operations, counts = _operations(now, result.spheroids)
    return _Planned(result, run, base, operations, counts)


def _operations(
    now: Mapping[int, tuple[Polygon, ...]], wanted: Iterable[Spheroid]
) -> tuple[list[dict[str, Any]], tuple[int, int, int]]:
    """What makes the wanted outlines of those that are there, and how many are added, changed and removed."""
    rounded = [(spheroid.number, tuple(map(_rounded, spheroid.polygons))) for spheroid in wanted]
    found = matched(now, rounded)
    removed = [{"kind": "delete", "numbers": list(found.removed)}] if found.removed else []
    replaced = [
        {"kind": "replace", "number": number, "polygons": _as_data(rounded[place][1])}
        for number, place in found.changed.items()
    ]
    added = [{"kind": "add", "polygons": _as_data(rounded[place][1])} for place in found.added]
    return [*removed, *replaced, *added], (len(added), len(replaced), len(found.removed))


def _rounded(polygon: Polygon) -> Polygon:
    def of(ring: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        return tuple((round(x * UNITS_PER_PX) / UNITS_PER_PX, round(y * UNITS_PER_PX) / UNITS_PER_PX) for x, y in ring)

    return Polygon(of(polygon.exterior), tuple(map(of, polygon.holes)))


def _as_data(polygons: tuple[Polygon, ...]) -> list[dict[str, Any]]:
    return [{"exterior": polygon.exterior, "holes": polygon.holes} for polygon in polygons]
