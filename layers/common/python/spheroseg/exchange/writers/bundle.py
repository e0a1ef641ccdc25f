"""A reproducibility bundle: results, originals, the model's card and hash, parameters, versions, checksums."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, cast

from spheroseg.domain.model_card import ModelCard
from spheroseg.errors import NotExpressibleError
from spheroseg.exchange.files import Files, FolderFiles
from spheroseg.exchange.results import Result
from spheroseg.exchange.tables import definitions
from spheroseg.exchange.writers.measures import CSV_NAME, write_csv
from spheroseg.exchange.writers.outlines import write_geojson
from spheroseg.exchange.writers.pictures import write_label_tiffs

MANIFEST, CHECKSUMS, CARD, DEFINITIONS = "manifest.json", "checksums.sha256", "model_card.json", "definitions.json"
ORIGINALS, OUTLINES, LABELS = "originals", "outlines", "labels"
VERSION = 1


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
                f"{facts.card.sha256 if facts.card else '(none)'}: a bundle has one model"
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
                "spheroid_count": len(list(whole.spheroids)),
            }
        )
        yield whole


def _write_json(files: Files, name: str, content: object) -> None:
    with files.open(name) as stream:
        stream.write(json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n")
