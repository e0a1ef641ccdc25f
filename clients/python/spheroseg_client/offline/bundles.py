"""Reproducibility bundles on this machine: made from a folder of results, and verified by making a sample again."""

import csv
import hashlib
import json
import random
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from segmentation_worker.models import load_segmenters
from segmentation_worker.network import PROGRAM
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Order, Parameters
from spheroseg.domain.spheroid import Measures, Spheroid
from spheroseg.errors import InvalidInputError, ModelUnusableError, NotExpressibleError
from spheroseg.exchange.files import Files
from spheroseg.exchange.pixels import labels_of
from spheroseg.exchange.readers.rois import DAMAGED_ZIP
from spheroseg.exchange.results import Result
from spheroseg.exchange.writers.bundle import (
    CARD,
    CHECKSUMS,
    MANIFEST,
    VERSION,
    Facts,
    alike,
    card_of,
    versions_of,
    without_page,
    write_bundle,
)
from spheroseg.exchange.writers.bundle import PROGRAMS as DRAWING
from spheroseg.exchange.writers.measures import CSV_NAME
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.decode import decode
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.rasterising import measures_of_outlines, stretches_of
from spheroseg.model_registry import ModelRegistry
from spheroseg_client.errors import LocalFileError
from spheroseg_client.offline.exchanged import LIMITS, spheroid_of
from spheroseg_client.outlines import read_outlines

PROGRAMS = (*DRAWING, "onnxruntime")

SAME_MEASURE = 1e-9
"""Relative difference up to which two figures are the same: sums in another order, not other pixels."""

SAME_PIXELS = 0.99
"""Intersection over union of what was found then and now, from which a result counts as made again. Processors round
differently, which moves single pixels on the rim; on the same kind of processor it is 1."""


def write(
    results: Iterable[Result], files: Files, parameters: Mapping[str, Any], moment: datetime | None = None
) -> None:
    """A bundle of these results, after the first of them was made again with the same outcome.

    So the model and parameters that the bundle names are those that made the results.

    Args:
        parameters: Of the run, where they were not the usual ones.

    Raises:
        LocalFileError: the model is not at hand, or the results were made with other parameters.
    """
    stream = iter(results)
    first = next(stream, None)
    if first is None:
        raise LocalFileError("There are no results in what was given", "no-results")
    settings = _parameters({**without_page(first.origin.parameters), **parameters})
    card = card_of(first)
    first = Result(**{**vars(first), "spheroids": list(first.spheroids)})
    if card is not None and not first.origin.revision:
        _require_same(first, card, settings)
    facts = Facts(
        card=card,
        parameters=asdict(settings) if card else {},
        versions=versions_of(PROGRAMS),
        made_at=(moment or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    write_bundle(alike(chain([first], stream), first), files, facts)


def _parameters(given: Mapping[str, Any]) -> Parameters:
    known = {one.name for one in fields(Parameters)} - {"page"}
    if unknown := sorted(set(given) - known):
        raise LocalFileError(f"--parameter {unknown[0]} is not known; there is {', '.join(sorted(known))}", "unknown")
    return Parameters(**given)


def _found_by(card: ModelCard, image: Path, page: int, parameters: Parameters) -> Labels:
    """What a model finds in an image, by exactly the file of the card."""
    alone = card.model_copy(update={"variants": ()})
    try:
        segmenters = load_segmenters(MODEL_DIR, registry=ModelRegistry((alone,)))
    except ModelUnusableError as error:
        raise LocalFileError(str(error), error.code) from error
    order = Order(model=card.name, model_version=card.version, parameters=parameters)
    try:
        pixels = decode(image, page, LIMITS).pixels
        return np.asarray(segmenters.of(order).segment(pixels, parameters).labels)
    except InvalidInputError as error:
        raise LocalFileError(f"{image.name}: {error}", error.code) from error


def _require_same(result: Result, card: ModelCard, parameters: Parameters) -> None:
    if result.original is None:
        raise LocalFileError(f"The image {result.file} is not at hand: give it by --image", "no-image")
    with TemporaryDirectory(prefix="spheroseg-") as folder:
        image = Path(folder) / "image"
        with result.original.open() as source:
            image.write_bytes(source.read())
        labels = _found_by(card, image, result.page, parameters)
    again = {one.number: one.polygons for one in spheroids_of(labels)}
    before = {one.number: one.polygons for one in result.spheroids}
    if again != before and _overlap_of(result, labels) < SAME_PIXELS:
        raise LocalFileError(
            f"{card.name}@{card.version} finds something else in {result.file} than its result holds: the run had "
            "other parameters (say them by --parameter NAME=VALUE), or its outlines were changed",
            "not-reproduced",
        )


def _overlap_of(result: Result, labels: Labels) -> float:
    return overlap(labels_of(result.spheroids, result.width_px, result.height_px), labels)


def overlap(one: Labels, other: Labels) -> float:
    """Intersection over union of what two label images hold, 1 where both are empty."""
    union = int(((one > 0) | (other > 0)).sum())
    return int(((one > 0) & (other > 0)).sum()) / union if union else 1.0


@dataclass
class Verdict:
    """What came of a verification.

    Args:
        checked: Files whose checksums were compared.
        measured: Names of the images whose measures and outlines were made again from their label images.
        overlaps: By name, the intersection over union of then and now, of those whose model ran again.
        faults: What is wrong, in words; empty: all is as the bundle says.
        notes: What could not be done, and why.
    """

    checked: int = 0
    measured: list[str] = field(default_factory=list)
    overlaps: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def verify(bundle: Path, sample: int | None) -> Verdict:
    """Compare checksums, measure a sample again, and let the model find it again.

    Args:
        bundle: A folder, or a ZIP archive.
        sample: Images to make again, always the same ones of a bundle; None: all.

    Raises:
        LocalFileError: it is no bundle.
    """
    with _unpacked(bundle) as folder:
        verdict = Verdict()
        manifest = _manifest(folder, bundle)
        _check_sums(folder, verdict)
        if verdict.faults:
            return verdict  # what was altered is not made again
        images: list[dict[str, Any]] = manifest["images"]
        if sample is not None and sample < len(images):
            digest = hashlib.sha256((folder / CHECKSUMS).read_bytes()).hexdigest()
            chosen = sorted(random.Random(digest).sample(range(len(images)), sample))  # noqa: S311 - a sample, no secret
            images = [images[place] for place in chosen]
        rows = _rows(folder / CSV_NAME, {image["name"] for image in images})
        card, parameters = _model_of(folder, manifest, verdict)
        for image in images:
            labels = read_labels(folder / image["labels"])
            corrected = bool(image.get("revision"))
            again = _drawn_again(folder, image) if corrected else spheroids_of(labels)
            _measure_again(folder, image, again, rows.get(image["name"], []), verdict)
            if corrected:
                _require_drawn(image, again, labels, verdict)
            elif card is not None:
                found = _found_by(card, folder / image["original"], image["page"], parameters)
                share = overlap(labels, found)
                verdict.overlaps[image["name"]] = share
                _note_runtime(image, verdict)
                count = len(np.unique(found[found > 0]))
                if share < SAME_PIXELS or count != image["spheroid_count"]:
                    verdict.faults.append(
                        f"{image['file']}: {card.name}@{card.version} now finds {count} spheroids for "
                        f"{image['spheroid_count']}, intersection over union {share:.4f}"
                    )
        return verdict


@contextmanager
def _unpacked(bundle: Path) -> Iterator[Path]:
    if bundle.is_dir():
        yield bundle
        return
    if not bundle.exists():
        raise LocalFileError(f"{bundle}: no such file or folder", "file-not-found")
    with TemporaryDirectory(prefix="spheroseg-") as folder:
        try:
            with zipfile.ZipFile(bundle) as archive:
                archive.extractall(folder)  # names that lead out of the folder are taken into it by zipfile
        except DAMAGED_ZIP as error:
            raise LocalFileError(f"{bundle} is no bundle: {error}", "no-bundle") from error
        yield Path(folder)


def _manifest(folder: Path, bundle: Path) -> dict[str, Any]:
    try:
        return _sound(json.loads((folder / MANIFEST).read_bytes()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise LocalFileError(f"{bundle} is no bundle: {error}", "no-bundle") from error


def _sound(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest, or raise ``ValueError``."""
    if manifest["bundle_version"] != VERSION:
        raise ValueError(f"its version is {manifest['bundle_version']}, this program knows {VERSION}")
    for image in manifest["images"]:
        for name in ("original", "outlines", "labels"):
            if ".." in PurePosixPath(image[name]).parts or PurePosixPath(image[name]).is_absolute():
                raise ValueError(f"{image[name]} leads out of it")
    return manifest


def _check_sums(folder: Path, verdict: Verdict) -> None:
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {CHECKSUMS}
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
        named = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    except (OSError, ValueError) as error:
        verdict.faults.append(f"{CHECKSUMS} cannot be read: {error}")
        return
    verdict.faults += [f"{name} is missing" for name in sorted(set(named) - present)]
    verdict.faults += [f"{name} is not in {CHECKSUMS}" for name in sorted(present - set(named))]
    for name in sorted(set(named) & present):
        with (folder / name).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        verdict.checked += 1
        if digest != named[name]:
            verdict.faults.append(f"{name} was altered: its SHA-256 is {digest}, {CHECKSUMS} says {named[name]}")


def _rows(path: Path, names: set[str]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["name"] in names:
                found.setdefault(row["name"], []).append(row)
    return found


def _model_of(folder: Path, manifest: dict[str, Any], verdict: Verdict) -> tuple[ModelCard | None, Parameters]:
    if manifest["model"] is None:
        verdict.notes.append("No model made these results; their measures were made again, nothing else can be")
        return None, Parameters()
    card = ModelCard.model_validate_json((folder / CARD).read_bytes())
    if card.sha256 != manifest["model"]["sha256"]:
        verdict.faults.append(f"{CARD} is of the file {card.sha256}, {MANIFEST} says {manifest['model']['sha256']}")
        return None, Parameters()
    if not (MODEL_DIR / card.file).is_file():
        verdict.notes.append(f"The model file {card.file} is not here, so nothing was found again")
        return None, Parameters()
    return card, _parameters(without_page(manifest["parameters"]))


def _drawn_again(folder: Path, image: dict[str, Any]) -> list[Spheroid]:
    """Outlines that people changed, measured by their pixels: there is no label image that they were traced from."""
    drawn = [spheroid_of(one) for one in read_outlines(folder / image["outlines"])]
    measured = measures_of_outlines(stretches_of([one.polygons for one in drawn]))
    return [replace(one, measures=measures) for one, measures in zip(drawn, measured, strict=True)]


def _note_runtime(image: dict[str, Any], verdict: Verdict) -> None:
    told = image.get("runtime")
    note = f"The model was computed by {told} ({image.get('provider')}) then, and by {PROGRAM} now"
    if told not in {None, PROGRAM} and note not in verdict.notes:
        verdict.notes.append(note)


def _require_drawn(image: dict[str, Any], found: Sequence[Spheroid], labels: Labels, verdict: Verdict) -> None:
    try:
        again = labels_of(found, image["width_px"], image["height_px"])
    except NotExpressibleError as error:
        verdict.faults.append(f"{image['file']}: {error}")
        return
    if not np.array_equal(again, labels):
        verdict.faults.append(f"{image['file']}: its label image is not that of its outlines")
    verdict.notes.append(
        f"{image['file']} was corrected by people (revision {image['revision']}): its outlines were measured again, "
        "the model was not asked for them"
    )


def _measure_again(
    folder: Path, image: dict[str, Any], found: Sequence[Spheroid], rows: Sequence[dict[str, str]], verdict: Verdict
) -> None:
    again = {one.number: one for one in found}
    told = {int(row["spheroid"]): row for row in rows}
    drawn = {one.number: one for one in read_outlines(folder / image["outlines"])}
    verdict.measured.append(image["name"])
    if not (again.keys() == told.keys() == drawn.keys()):
        verdict.faults.append(
            f"{image['file']}: {len(again)} spheroids made again, {len(told)} in {CSV_NAME}, {len(drawn)} outlines"
        )
        return
    for number, one in again.items():
        for name in (measure.name for measure in fields(Measures)):
            then, now = float(told[number][name]), float(getattr(one.measures, name))
            if not np.isclose(then, now, rtol=SAME_MEASURE, atol=SAME_MEASURE):
                verdict.faults.append(
                    f"{image['file']}, spheroid {number}: {name} is {now!r}, {CSV_NAME} says {then!r}"
                )
        rings = {frozenset(ring) for polygon in one.polygons for ring in (polygon.exterior, *polygon.holes)}
        if rings != {frozenset(map(tuple, ring)) for ring in drawn[number].rings}:
            verdict.faults.append(f"{image['file']}, spheroid {number}: its outline is not that of the label image")
