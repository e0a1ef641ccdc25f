"""Writes results in a format of the exchange."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from uuid import UUID

from spheroseg.domain.export import Export, ExportedRun, ExportFormat
from spheroseg.domain.image import original_key
from spheroseg.domain.segmentation import PixelSizeSource
from spheroseg.domain.spheroid import Spheroid
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.files import OneFile, ZipFiles
from spheroseg.exchange.formats import FORMATS, Format, Write
from spheroseg.exchange.names import name_of_image, unique_name
from spheroseg.exchange.results import Origin, Original, Result
from spheroseg.ports import ExportStore, SpheroidsOf

MADE: Mapping[str, Format] = {
    **FORMATS,
    ExportFormat.STATISTICS: Format(
        "Statistics with plots", ("spheroseg.exchange.writers.statistics", "write_statistics")
    ),
}
"""What is written here: statistics ask for samples, which only the service knows."""

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".parquet": "application/vnd.apache.parquet",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}


@dataclass(frozen=True)
class _Again:
    """Spheroids that are read anew whenever they are gone through, so that one page of them is in memory at a time."""

    spheroids: SpheroidsOf
    run: ExportedRun

    def __iter__(self) -> Iterator[Spheroid]:
        return self.spheroids(self.run)


@dataclass(frozen=True)
class ExchangeMaker:
    """Every format of the registry: those of one file as that file, the others as a ZIP archive.

    Args:
        store: Where original images lie, which are fetched one at a time by formats that hold them.
        scratch: Where they lie meanwhile.
    """

    store: ExportStore
    scratch: Path

    def file_of(self, export: Export) -> tuple[str, str]:
        """Name and media type of an export's file."""
        one_file = MADE[export.format].one_file
        name = f"{export.name}-{one_file or f'{export.format}.zip'}"
        return name, MEDIA_TYPES[PurePosixPath(name).suffix]

    def write(self, export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, target: BinaryIO) -> None:
        """Write the file front to back, each run gone through once.

        Raises:
            InvalidInputError: it cannot be written so, and why.
        """
        chosen = MADE[export.format]
        results = self._results(
            export, runs, spheroids, has_originals=chosen.needs_originals or export.options.with_images
        )
        write = _writer(export, chosen)
        try:
            if chosen.one_file:
                write(results, OneFile(target))
            else:
                archive = ZipFiles(target)
                write(results, archive)
                archive.close()
        except ValueError as error:  # as writers say that something does not fit into their format
            raise NotExpressibleError(str(error)) from error

    def _results(
        self, export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, *, has_originals: bool
    ) -> Iterator[Result]:
        taken: set[str] = set()
        before: UUID | None = None
        for found in runs:
            run, made = found.run, found.run.result
            if made is None:
                raise AssertionError(f"run {run.id} succeeded without a result")
            if export.format is ExportFormat.ORIGINALS and run.image_id == before:
                continue  # the file is there with its first page
            before = run.image_id
            stem = name_of_image(found.image_name)
            page = run.order.parameters.page
            if found.is_one_of_several and export.format is not ExportFormat.ORIGINALS:
                stem += f"_p{page}"
            name = unique_name(stem, taken)
            size_um = export.options.pixel_size_um
            source: PixelSizeSource | None = PixelSizeSource.USER if size_um else made.pixel_size_source
            yield Result(
                file=found.image_name,
                name=name,
                page=page,
                width_px=made.width_px,
                height_px=made.height_px,
                spheroids=_Again(spheroids, found),
                pixel_size_um=size_um or made.pixel_size_um,
                pixel_size_source=source or "",
                origin=_origin(found),
                original=self._original(found, name) if has_originals else None,
                sample=found.sample,
            )

    def _original(self, found: ExportedRun, name: str) -> Original:
        @contextmanager
        def opened() -> Iterator[BinaryIO]:
            with tempfile.TemporaryDirectory(prefix="spheroseg-", dir=self.scratch) as folder:
                path = Path(folder) / "original"
                self.store.download(original_key(found.run.image_id), path)
                with path.open("rb") as stream:
                    yield stream

        return Original(name + PurePosixPath(found.image_name).suffix, opened)


def _writer(export: Export, chosen: Format) -> Write:
    """What writes the format, told what this export alone says."""
    write: Callable[..., None] = chosen.write
    match export.format:
        case ExportFormat.STATISTICS:
            return partial(write, wanted=export.options.statistics)
        case ExportFormat.BUNDLE:
            return partial(write, made_at=export.started_at)
        case _:
            return write


def _origin(found: ExportedRun) -> Origin:
    run, made = found.run, found.run.result
    ran = made.ran if made else None
    review = made.review if made else None
    parameters = run.order.parameters
    return Origin(
        model=run.order.model,
        model_version=run.order.model_version,
        image_id=str(run.image_id),
        segmentation_id=str(run.id),
        ran_model=f"{ran.model}@{ran.version}" if ran else "",
        ran_precision=ran.precision if ran else "",
        ran_sha256=ran.sha256 if ran else "",
        ran_runtime=ran.runtime.program if ran and ran.runtime else "",
        ran_provider=ran.runtime.provider if ran and ran.runtime else "",
        image_confidence=review.signs.confidence if review else None,
        image_needs_review=review.is_needed if review else None,
        image_review_reasons=" ".join(review.reasons) if review else "",
        parameters={
            "threshold": parameters.threshold,
            "min_diameter_px": parameters.min_diameter_px,
            "holes": parameters.holes,
            "page": parameters.page,
            "out_of_focus": parameters.out_of_focus,
        },
        revision=run.revision,
    )
