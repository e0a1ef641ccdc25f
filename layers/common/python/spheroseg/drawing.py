"""Pictures of a result: outlines and numbers drawn on the image's preview, by the same hand here and in the service."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import ceil, floor, hypot
from typing import Protocol

from PIL import Image, ImageDraw, ImageFont

Point = tuple[float, float]
Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]

COLOURS: Sequence[Colour] = ((255, 214, 0), (0, 229, 255), (255, 92, 205), (118, 255, 3), (255, 138, 40))
"""Bright ones: with the dark seam below them they stand out on bright and on dark images alike."""
SEAM: Colour = (0, 0, 0)
SEAM_OPACITY = 150
FINER = 4
"""Lines are drawn this much larger and shrunk, which smooths their edges."""
CORNER_PX = 1.5
"""How far from a corner it is cut, so that outlines along pixel edges do not look like stairs."""
NEIGHBOURS_AMONG = 500
"""Objects are numbered from top to bottom, so that neighbours have near numbers."""
MANY = 3000
"""With more objects than this, numbers would cover the image: it gets plain thin lines, also quick to draw."""


class Drawn(Protocol):
    """What is drawn."""

    @property
    def number(self) -> int:
        """What is written into it."""

    @property
    def rings(self) -> Iterator[Sequence[Point]]:
        """Its lines, outer ones and holes."""


def draw_overlay(preview: Image.Image, outlines: Sequence[Drawn], size_px: tuple[int, int]) -> Image.Image:
    """The preview with the outlines and numbers on it.

    Args:
        preview: The image as the service shows it; smaller than the segmented image when that is large.
        outlines: In pixels of the segmented image.
        size_px: Width and height of the segmented image.

    Returns:
        An RGB picture of the preview's size.
    """
    scale_x, scale_y = preview.width / size_px[0], preview.height / size_px[1]
    picture = preview.convert("RGB")
    draw = ImageDraw.Draw(picture)
    scaled = [
        [[(x * scale_x, y * scale_y) for x, y in _cut_corners(ring)] for ring in outline.rings] for outline in outlines
    ]
    colours = _colours(scaled, picture.size)
    if len(outlines) > MANY:
        for rings, colour in zip(scaled, colours, strict=True):
            for ring in rings:
                draw.line([*ring, *ring[:1]], fill=colour)
        return picture
    line_px = max(1.2, min(preview.size) / 420)
    for rings in scaled:
        _stroke(picture, rings, line_px * 2.2, SEAM, SEAM_OPACITY)
    for rings, colour in zip(scaled, colours, strict=True):
        _stroke(picture, rings, line_px, colour, 255)
    for outline, rings, colour in zip(outlines, scaled, colours, strict=True):
        _write_number(draw, picture.size, str(outline.number), rings, colour)
    return picture


def _colours(objects: Sequence[Sequence[Sequence[Point]]], size: tuple[int, int]) -> list[Colour]:
    """A colour for each object; those that lie side by side differ as long as there are enough colours."""
    boxes = [_box(rings, 2.0, size) for rings in objects]
    chosen: list[int] = []
    for index, box in enumerate(boxes):
        earlier = range(max(0, index - NEIGHBOURS_AMONG), index)
        taken = {chosen[other] for other in earlier if _meet(box, boxes[other])}
        preferred = [(index + step) % len(COLOURS) for step in range(len(COLOURS))]
        chosen.append(next((colour for colour in preferred if colour not in taken), preferred[0]))
    return [COLOURS[colour] for colour in chosen]


def _meet(one: Box | None, other: Box | None) -> bool:
    if one is None or other is None:
        return False
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _cut_corners(ring: Sequence[Point]) -> list[Point]:
    corners = list(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)
    cut: list[Point] = []
    for index, (x, y) in enumerate(corners):
        for other_x, other_y in (corners[index - 1], corners[(index + 1) % len(corners)]):
            length = hypot(other_x - x, other_y - y)
            share = min(0.5, CORNER_PX / length) if length else 0.0
            point = (x + (other_x - x) * share, y + (other_y - y) * share)
            if not cut or cut[-1] != point:
                cut.append(point)
    return cut


def _stroke(
    picture: Image.Image, rings: Sequence[Sequence[Point]], width_px: float, colour: Colour, opacity: int
) -> None:
    """Draw closed lines, smoothed: each object on a mask as large as itself, however large the picture is."""
    box = _box(rings, width_px, picture.size)
    if box is None:
        return
    left, top, right, bottom = box
    mask = Image.new("L", ((right - left) * FINER, (bottom - top) * FINER))
    draw = ImageDraw.Draw(mask)
    for ring in rings:
        points = [((x - left) * FINER, (y - top) * FINER) for x, y in ring]
        if len(points) > 1:
            draw.line([*points, *points[:2]], fill=opacity, width=max(1, round(width_px * FINER)))
    picture.paste(colour, (left, top), mask.reduce(FINER))


def _box(rings: Sequence[Sequence[Point]], width_px: float, size: tuple[int, int]) -> Box | None:
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    if not xs:
        return None
    left, top = max(0, floor(min(xs) - width_px)), max(0, floor(min(ys) - width_px))
    right, bottom = min(size[0], ceil(max(xs) + width_px)), min(size[1], ceil(max(ys) + width_px))
    return (left, top, right, bottom) if left < right and top < bottom else None


@lru_cache(maxsize=64)
def _font(size_px: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font in a size; it is decoded each time that it is loaded."""
    return ImageFont.load_default(size_px)


def _write_number(
    draw: ImageDraw.ImageDraw, size: tuple[int, int], text: str, rings: Sequence[Sequence[Point]], colour: Colour
) -> None:
    box = _box(rings, 0, size)
    if box is None:
        return
    left, top, right, bottom = box
    usual_px = min(30.0, max(12.0, min(size) / 36))
    font_px = max(9.0, min(usual_px, 0.6 * (bottom - top), 1.6 * (right - left) / len(text)))
    half_width_px, half_height_px = font_px * 0.35 * len(text), font_px / 2
    x = min(max((left + right) / 2, half_width_px), size[0] - half_width_px)
    y = min(max((top + bottom) / 2, half_height_px), size[1] - half_height_px)
    draw.text(
        (x, y),
        text,
        font=_font(font_px),
        fill=colour,
        anchor="mm",
        stroke_width=max(1, round(font_px / 8)),
        stroke_fill=SEAM,
    )
