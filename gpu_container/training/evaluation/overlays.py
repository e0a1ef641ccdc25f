"""Pictures to look at: what was drawn and what was found, on the image."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from spheroseg.errors import InvalidPixelsError
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.labels import outlines_of
from spheroseg.imaging.matching import match, overlaps_of
from spheroseg.imaging.windowing import Grey, resized, window_of, windowed
from training.evaluation.judging import ImageFigures
from training.evaluation.methods import Method
from training.evaluation.running import Judged, pixels_of
from training.evaluation.sources import Case

WORST = 12

DRAWN, FOUND = (230, 159, 0), (86, 180, 233)
"""Orange and sky blue, which are told apart with every kind of colour vision.

Source: Okabe, M. & Ito, K. (2008), Color Universal Design.
"""

PANEL_SIDE_PX = 900
CAPTION_PX = 44

Picture = NDArray[np.uint8]


def worst(judged: Sequence[Judged], count: int = WORST) -> list[tuple[Case, ImageFigures]]:
    """The images of one method, of all sources, with the lowest panoptic quality, and of equal ones the lowest IoU."""
    images = [pair for one in judged for pair in zip(one.cases, one.judgement.images, strict=True)]
    return sorted(images, key=lambda pair: (pair[1].panoptic_quality, pair[1].foreground_iou))[:count]


def write_worst(judged: Sequence[Judged], method: Method, folder: Path) -> list[Path]:
    """Draw the worst images of a method; what was found is made once more.

    Returns:
        The files, worst first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for rank, (case, figures) in enumerate(worst([one for one in judged if one.method == method.name]), start=1):
        pixels = pixels_of(case)
        picture = overlay(
            pixels,
            read_labels(case.mask),
            method.find(pixels),
            caption_of(method.name, f"{case.source}/{case.name}", figures),
        )
        name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in f"{case.source}-{case.name}")
        file = folder / f"{rank:02d}-{name[:120]}.png"
        Image.fromarray(picture).save(file, compress_level=6)
        files.append(file)
    return files


def caption_of(method: str, image: str, figures: ImageFigures) -> str:
    """What stands below a picture."""
    return (
        f"{image}  {method}  IoU {figures.foreground_iou:.3f}  PQ {figures.panoptic_quality:.3f}  "
        f"AP50 {figures.ap50:.3f}  drawn {figures.drawn_count}  found {figures.found_count}"
    )


def overlay(pixels: Grey, drawn: Labels, found: Labels, caption: str) -> Picture:
    """The bare image beside the same with both outlines: drawn in orange, found in blue.

    Objects with a partner (IoU above 0.5) have a thin outline, missed and added ones a thick one.

    Args:
        pixels, drawn, found: (h, w).

    Returns:
        (height, width, 3) uint8 RGB; each panel has a long side of 900 px.
    """
    bare = _panel(pixels)
    scale = bare.shape[1] / pixels.shape[1], bare.shape[0] / pixels.shape[0]
    matching = match(overlaps_of(drawn, found))
    lined = bare.copy()
    for labels, colour, alone in ((drawn, DRAWN, matching.missed), (found, FOUND, matching.added)):
        _draw(lined, labels, colour, set(alone.tolist()), scale)
    side_by_side = bare.shape[1] <= 2 * bare.shape[0]
    return _captioned(np.hstack((bare, lined)) if side_by_side else np.vstack((bare, lined)), caption)


def _panel(pixels: Grey) -> Picture:
    """The image as grey RGB, percentile 0.5 at black and 99.5 at white, at the panel's size."""
    height, width = pixels.shape
    scale = PANEL_SIDE_PX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if scale < 1:
        pixels = resized(pixels, size)
    try:
        low, high = window_of(pixels)
    except InvalidPixelsError:  # one value everywhere can still be looked at
        low, high = float(pixels.min()) - 1, float(pixels.max()) + 1
    grey = cv2.convertScaleAbs(np.clip(windowed(pixels, low, high), 0, 1), alpha=255)
    if scale > 1:
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
    picture: Picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB).astype(np.uint8, copy=False)
    return picture


def _draw(
    picture: Picture, labels: Labels, colour: tuple[int, int, int], alone: set[int], scale: tuple[float, float]
) -> None:
    shift = 3  # corners in eighths of a pixel
    for number, polygons in outlines_of(labels.astype(np.int32, copy=False)).items():
        rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.holes)]
        # A pixel's centre is at a whole number here and at a half in outlines.
        corners = [
            np.rint((np.array(ring, np.float64) * scale - 0.5) * 2**shift).astype(np.int32).reshape(-1, 1, 2)
            for ring in rings
        ]
        thickness = 4 if number in alone else 2
        cv2.polylines(picture, corners, True, colour, thickness, cv2.LINE_AA, shift)  # noqa: FBT003 - closed


def _captioned(picture: Picture, caption: str) -> Picture:
    width = picture.shape[1]
    strip = Image.new("RGB", (width, CAPTION_PX), (20, 20, 20))
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(15)
    draw.text((8, 3), caption, fill=(255, 255, 255), font=font)
    legend = (("drawn", DRAWN), ("found", FOUND), ("thick: no partner with an IoU above 0.5", (200, 200, 200)))
    left = 8.0
    for words, colour in legend:
        draw.text((left, 23), words, fill=colour, font=font)
        left += draw.textlength(words, font=font) + 20
    return np.vstack([picture, np.asarray(strip)])
