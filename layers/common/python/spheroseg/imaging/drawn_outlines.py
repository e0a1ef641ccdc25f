"""Outlines that a person drew, all of an image at once: checked, brought to quarter pixels, and measured."""

from collections.abc import Mapping, Sequence

from spheroseg.domain.revision import Draft, Drafted
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.imaging.outline_checks import Canvas, Place, checked


def drawn_spheroids(outlines: Mapping[int, Sequence[Polygon]], size_px: tuple[int, int]) -> list[Spheroid]:
    """The spheroids in order of their numbers, without a confidence: no model made them.

    Args:
        outlines: By number; rings may begin anywhere and turn either way.
        size_px: Width and height of the image.

    Raises:
        InvalidEditError: one of them is no outline, leaves the image, covers no pixel's centre or shares a pixel with
            another; its number, ring and corner are named.
    """
    canvas = Canvas(*size_px)
    drafted = {
        number: Drafted(checked(polygons, canvas, Place(None, number))) for number, polygons in sorted(outlines.items())
    }
    draft = Draft(drafted, frozenset(), (), max(drafted, default=0))
    return ShapelyEditor().finished(draft, {}, {}, size_px)
