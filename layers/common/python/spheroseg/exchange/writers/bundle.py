"""A reproducibility bundle: results, originals, the model's card and hash, parameters, versions, checksums."""

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from io import RawIOBase
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, cast

from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.product import VERSION as PRODUCT_VERSION
from spheroseg.errors import ModelNotFoundError, NotExpressibleError
from spheroseg.exchange.files import Files, FolderFiles
from spheroseg.exchange.results import Result
from spheroseg.exchange.tables import definitions
from spheroseg.exchange.writers.measures import CSV_NAME, write_csv
from spheroseg.exchange.writers.outlines import write_geojson
from spheroseg.exchange.writers.pictures import write_label_tiffs
from spheroseg.model_registry import ModelRegistry

MANIFEST, CHECKSUMS, CARD, DEFINITIONS = "manifest.json", "checksums.sha256", "model_card.json", "definitions.json"
ORIGINALS, OUTLINES, LABELS = "originals", "outlines", "labels"
VERSION = 1
PROGRAMS = ("numpy", "opencv-python-headless", "scipy", "tifffile")
"""Those that draw and measure; what else a program uses it names itself."""


@dataclass(frozen=True)
class Facts:
    """What a bundle says beside the results.

    Args:
        card: Of the model that ran, in the precision it ran in; None: no model made these results.
        parameters: Settings of the run, by name.
        versions: Of the programs that made it, by name.
        made_at: Moment in ISO 8601; the only part that differs when the same bundle is made again.
    """

    card: ModelCard | None
    parameters: dict[str, Any]
    versions: dict[str, str]
    made_at: str


class _Hashing(RawIOBase):
    """Passes bytes on and keeps their digest."""

    def __init__(self, stream: BinaryIO) -> None:
        self.digest = hashlib.sha256()
        self._stream = stream

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:  # noqa: ANN401 - whatever has bytes
        self.digest.update(content)
        return self._stream.write(content)


class _Checked:
    """Files whose digests are kept by name."""

    def __init__(self, files: Files) -> None:
        self.digests: dict[str, str] = {}
        self._files = files

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See ``Files``."""
        with self._files.open(name) as stream:
            hashing = _Hashing(stream)
            yield cast(BinaryIO, hashing)
        self.digests[name] = hashing.digest.hexdigest()


class _Below:
    """Files in a folder of others."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files, self._folder = files, folder

    @contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """See ``Files``."""
        with self._files.open(f"{self._folder}/{name}") as stream:
            yield stream


def write_bundle_of_runs(results: Iterable[Result], files: Files, made_at: datetime | None = None) -> None:
    """A bundle of results that tell the model file that ran, and its parameters.

    Args:
        made_at: None: now.

    Raises:
        NotExpressibleError: an image is not at hand, or the results were made by several models, or with several sets
            of parameters, or by a model file that is not known here.
        ValueError: there are no results.
    """
    stream = iter(results)
    first = next(stream, None)
    if first is None:
        raise ValueError("There are no results")
    card = card_of(first)
    facts = Facts(
        card=card,
        parameters=without_page(first.origin.parameters) if card else {},
        versions=versions_of(PROGRAMS),
        made_at=(made_at or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    write_bundle(alike(chain([first], stream), first), files, facts)


def versions_of(programs: Iterable[str]) -> dict[str, str]:
    """Of Python, of this product and of these packages."""
    return {
        "python": platform.python_version(),
        "spheroseg": PRODUCT_VERSION,
        **{name: version(name) for name in programs},
    }


def card_of(result: Result) -> ModelCard | None:
    """The card of the model file that ran, None where no model made the result.

    Raises:
        NotExpressibleError: there is no card of it.
    """
    origin = result.origin
    if not origin.ran_sha256:
        return None
    name, _, of_version = origin.ran_model.partition("@")
    try:
        card = ModelRegistry.packaged().get(name, of_version or None)
    except ModelNotFoundError as error:
        raise NotExpressibleError(f"{result.file} was made by {origin.ran_model}: {error}") from error
    for one in (card, *(card.in_precision(variant.precision) for variant in card.variants)):
        if one.sha256 == origin.ran_sha256:
            return one
    raise NotExpressibleError(
        f"{result.file} was made by a file of {origin.ran_model} with SHA-256 {origin.ran_sha256}, which is not known"
    )


def without_page(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters that a whole bundle may have in common."""
    return {name: value for name, value in parameters.items() if name != "page"}


def alike(results: Iterable[Result], first: Result) -> Iterator[Result]:
    """The results, as long as all runs had the same parameters.

    Raises:
        NotExpressibleError: one had others.
    """
    for result in results:
        if without_page(result.origin.parameters) != without_page(first.origin.parameters):
            raise NotExpressibleError(
                f"{result.file} was segmented with other parameters than {first.file}: a bundle has one set. Choose "
                "images that were segmented alike"
            )
        yield result


def write_bundle(results: Iterable[Result], files: Files, facts: Facts) -> None:
    """Write a bundle; ``sha256sum -c checksums.sha256`` checks its files.

    Raises:
        NotExpressibleError: an image is not at hand, or was made with another model file than the card's.
    """
    checked = _Checked(files)
    images: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
        write_csv(_written(results, checked, facts, images), FolderFiles(Path(folder)))
        with (Path(folder) / CSV_NAME).open("rb") as source, checked.open(CSV_NAME) as target:
            shutil.copyfileobj(source, target, 2**20)
    if facts.card is not None:
        _write_json(checked, CARD, facts.card.model_dump(mode="json"))
    _write_json(checked, DEFINITIONS, {column: found._asdict() for column, found in definitions()})
    manifest = {
        "bundle_version": VERSION,
        "made_at": facts.made_at,
        "versions": facts.versions,
        "model": None
        if facts.card is None
        else {
            "name": facts.card.name,
            "version": facts.card.version,
            "precision": facts.card.precision,
            "sha256": facts.card.sha256,
        },
        "parameters": facts.parameters,
        "images": images,
    }
    _write_json(checked, MANIFEST, manifest)
    with files.open(CHECKSUMS) as stream:
        stream.write("".join(f"{digest}  {name}\n" for name, digest in sorted(checked.digests.items())).encode())


def _written(results: Iterable[Result], files: Files, facts: Facts, images: list[dict[str, Any]]) -> Iterator[Result]:
    """The results, each after its files were written."""
    for result in results:
        if result.original is None:
            raise NotExpressibleError(f"The image {result.file} is not at hand; nothing can be made again without it")
        ran = result.origin.ran_sha256
        if ran != (facts.card.sha256 if facts.card else ""):
            raise NotExpressibleError(
                f"{result.file} was made by the model file with SHA-256 {ran or '(none)'}, others by "
                f"{facts.card.sha256 if facts.card else '(none)'}: a bundle has one model. Choose images of one"
            )
        whole = replace(result, spheroids=list(result.spheroids))
        write_geojson([whole], _Below(files, OUTLINES))
        write_label_tiffs([whole], _Below(files, LABELS))
        with result.original.open() as source, files.open(f"{ORIGINALS}/{result.original.file_name}") as target:
            shutil.copyfileobj(source, target, 2**20)
        images.append(
            {
                "name": result.name,
                "file": result.file,
                "page": result.page,
                "original": f"{ORIGINALS}/{result.original.file_name}",
                "outlines": f"{OUTLINES}/{result.name}.geojson",
                "labels": f"{LABELS}/{result.name}.ome.tif",
                "width_px": result.width_px,
                "height_px": result.height_px,
                "pixel_size_um": result.pixel_size_um,
                "revision": result.origin.revision,
                **_runtime(result),
                "spheroid_count": len(list(whole.spheroids)),
            }
        )
        yield whole


def _runtime(result: Result) -> dict[str, str | None]:
    """What computed the model file for an image, or why that is not told."""
    origin = result.origin
    why = None
    if not origin.ran_sha256:
        why = "no model made this result"
    elif not origin.ran_runtime:
        why = "the run is of before this was noted"
    return {"runtime": origin.ran_runtime or None, "provider": origin.ran_provider or None, "runtime_not_given": why}


def _write_json(files: Files, name: str, content: object) -> None:
    with files.open(name) as stream:
        stream.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
