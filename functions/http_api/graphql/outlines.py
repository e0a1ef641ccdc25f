"""Outlines as the data of an SVG path: a few bytes a corner, drawn by any browser as it is."""

from collections.abc import Iterator, Sequence

from spheroseg.domain.spheroid import Polygon, Ring


def svg_path(polygons: Sequence[Polygon]) -> str:
    """All rings of an object, closed, for the even-odd rule.

    Whole numbers, as outlines along pixel edges are, come as relative steps; others as they are, so that no rounding
    adds up.
    """
    return "".join(_ring(ring) for polygon in polygons for ring in (polygon.exterior, *polygon.holes))


def _ring(ring: Ring) -> str:
    return "".join([*_steps(ring), "z"]) if ring else ""


def _steps(ring: Ring) -> Iterator[str]:
    x, y = ring[0]
    yield f"M{_number(x)} {_number(y)}"
    for next_x, next_y in ring[1:]:
        if not all(float(value).is_integer() for value in (x, y, next_x, next_y)):
            yield f"L{_number(next_x)} {_number(next_y)}"
        elif next_y == y:
            yield f"h{_number(next_x - x)}"
        elif next_x == x:
            yield f"v{_number(next_y - y)}"
        else:
            yield f"l{_number(next_x - x)} {_number(next_y - y)}"
        x, y = next_x, next_y


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
