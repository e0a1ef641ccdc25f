"""The spheroids of a GeoJSON file of the service: their areas, measures and numbers."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spheroseg_client.errors import UnexpectedAnswerError

Point = tuple[float, float]


@dataclass(frozen=True)
class Outline:
    """One spheroid.

    Args:
        number: Its value in the label image, from 1.
        polygons: Its areas, each as its outer ring followed by its holes, in pixels of the segmented image.
        measures: By name and unit, such as ``area_px2``; in µm too (``area_um2``) when the pixel size is known.
        confidence: Mean calibrated foreground probability inside, 0 to 1; None where no model made it.
        touches_edge: True when it reaches the image's border, so that its measures are of a part only.
        rim_confidence: The same along its rim; None where it was not measured or there is no rim of its own.
        review_reasons: Codes of why somebody should look at it; None where that was not judged.
        brightness_due_since: The revision since which its brightness waits to be measured; None: it does not.
    """

    number: int
    polygons: Sequence[Sequence[Sequence[Point]]]
    measures: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    touches_edge: bool = False
    rim_confidence: float | None = None
    review_reasons: Sequence[str] | None = None
    brightness_due_since: int | None = None

    @property
    def rings(self) -> Iterator[Sequence[Point]]:
        """Every ring, outer ones and holes."""
        return (ring for polygon in self.polygons for ring in polygon)


def read_outlines(path: Path) -> list[Outline]:
    """The spheroids of a file, in order of their numbers.

    Raises:
        UnexpectedAnswerError: the file holds something else.
    """
    try:
        outlines = [_outline(feature) for feature in json.loads(path.read_bytes())["features"]]
    except (KeyError, TypeError, ValueError) as error:
        raise UnexpectedAnswerError(f"{path.name} holds no outlines that this version understands") from error
    return sorted(outlines, key=lambda outline: outline.number)


def _outline(feature: dict[str, Any]) -> Outline:
    geometry, properties = feature["geometry"], feature["properties"]
    kind, coordinates = geometry["type"], geometry["coordinates"]
    if kind not in {"Polygon", "MultiPolygon"}:
        raise ValueError(f"{kind} is no area")
    polygons = [coordinates] if kind == "Polygon" else coordinates
    confidence, rim_confidence = properties["confidence"], properties.get("rim_confidence")
    reasons, due = properties.get("review_reasons"), properties.get("brightness_due_since")
    return Outline(
        number=int(properties["number"]),
        polygons=[[[(float(x), float(y)) for x, y, *_ in ring] for ring in polygon] for polygon in polygons],
        measures=dict(properties["measurements"]),
        confidence=None if confidence is None else float(confidence),
        touches_edge=bool(properties["touches_edge"]),
        rim_confidence=None if rim_confidence is None else float(rim_confidence),
        review_reasons=None if reasons is None else [str(reason) for reason in reasons],
        brightness_due_since=None if due is None else int(due),
    )
