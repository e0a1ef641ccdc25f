"""Spheroid: its outline and measures, with units.

Coordinates are in pixels of the image, x to the right, y down. The pixel in column c and row r covers the square from
(c, r) to (c + 1, r + 1): outlines run along pixel edges, so that an outline's area is the number of its pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from spheroseg.domain.review import ReviewReason

Ring = tuple[tuple[float, float], ...]
"""Corners in order, the first not repeated at the end."""


class RingStore(Protocol):
    """Rings of many polygons, that lie in arrays and become tuples when somebody asks for them.

    Every method gives the rings of one polygon, the outer one first; ``place`` says which polygon.
    """

    def rings(self, place: int) -> list[Ring]:
        """As they stand in a ``Polygon``."""

    def arrays(self, place: int, *, closed: bool) -> list[Any]:
        """As arrays (corners, 2), which some serialisers write as lists.

        Args:
            closed: With the first corner once more at the end.
        """

    def packed(self, place: int) -> list[bytes]:
        """As they stand in ``spheroseg.domain.packed_outlines``."""


@dataclass(frozen=True)
class Polygon:
    """One connected area.

    Args:
        exterior: Its outer ring.
        holes: Its inner rings.
    """

    exterior: Ring
    holes: tuple[Ring, ...] = field(default_factory=tuple)

    @classmethod
    def kept_in(cls, store: RingStore, place: int) -> Self:
        """A polygon whose rings are made when they are asked for: hundreds of thousands of points of a large image take
        longer to make than to measure."""
        polygon = object.__new__(cls)
        # Not ``vars``: what a frozen class's instance has is set by this alone, at a quarter of the time.
        polygon.__dict__.update(_store=store, _place=place)
        return polygon

    if not TYPE_CHECKING:  # the fields are there for whoever reads the class

        def __getattr__(self, name: str) -> object:
            """The rings of a polygon that is kept in a store, from then on fields like any other's."""
            if name not in ("exterior", "holes") or "_store" not in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            exterior, *holes = self.__dict__["_store"].rings(self.__dict__["_place"])
            self.__dict__.update(exterior=exterior, holes=tuple(holes))
            return self.__dict__[name]

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied and sent elsewhere without the store, which has the rings of others as well."""
        return type(self), (self.exterior, self.holes)

    def coordinates(self, *, closed: bool = False) -> list[Any]:
        """Its rings, the outer one first, for serialisers that write arrays as lists: arrays (corners, 2) where it is
        kept in a store, else sequences of points.

        Args:
            closed: With the first corner once more at the end.
        """
        store: RingStore | None = self.__dict__.get("_store")
        if store is not None:
            return store.arrays(self.__dict__["_place"], closed=closed)
        rings = (self.exterior, *self.holes)
        return [[*ring, ring[0]] for ring in rings] if closed else list(rings)

    def packed_rings(self) -> list[bytes] | None:
        """Its rings as they stand in ``spheroseg.domain.packed_outlines``, where it is kept in a store."""
        store: RingStore | None = self.__dict__.get("_store")
        return None if store is None else store.packed(self.__dict__["_place"])


@dataclass(frozen=True)
class Measures:
    """Size and shape of one spheroid in pixels; definitions and sources in ``spheroseg.imaging.measures``.

    Lengths are in px, areas in px², volumes in px³; ratios have no unit. None of them is clipped.
    """

    area_px2: float
    perimeter_px: float
    perimeter_with_holes_px: float
    equivalent_diameter_px: float
    circularity: float
    roundness: float
    solidity: float
    convexity: float
    compactness: float
    extent: float
    aspect_ratio: float
    sphericity: float
    feret_max_px: float
    feret_min_px: float
    major_axis_px: float
    minor_axis_px: float
    sphere_volume_px3: float
    ellipsoid_volume_px3: float
    centroid_x_px: float
    centroid_y_px: float
    bbox_x_px: float
    bbox_y_px: float
    bbox_width_px: float
    bbox_height_px: float
    hole_count: int
    hole_area_px2: float

    @classmethod
    def of_columns(cls, columns: Mapping[str, Sequence[float]]) -> list[Self]:
        """The measures of many spheroids.

        Args:
            columns: Of each measure its values; columns of one length, in the order of the fields.

        Raises:
            ValueError: the names are not those of the fields in their order, or columns differ in length.
        """
        names = tuple(field.name for field in fields(cls))
        if tuple(columns) != names:
            raise ValueError(f"Measures are given as {', '.join(columns)}")
        made = []
        for row in zip(*columns.values(), strict=True):
            one = object.__new__(cls)
            # All at once: a frozen class's own assignments, one by one, take three times as long.
            one.__dict__.update(zip(names, row, strict=True))
            made.append(one)
        return made

    def in_um(self, pixel_size_um: float) -> dict[str, float]:
        """The measures that have a unit, converted to µm, µm² and µm³.

        Args:
            pixel_size_um: Edge of one pixel in µm, above 0.
        """
        factors = [pixel_size_um**power for power in range(4)]
        mine = vars(self)
        return {converted: mine[name] * factors[power] for name, converted, power in IN_UM}


_POWERS = {"px": 1, "px2": 2, "px3": 3}

IN_UM = tuple(
    (name, f"{stem}_{unit.replace('px', 'um')}", _POWERS[unit])
    for name, (stem, _, unit) in ((one.name, one.name.rpartition("_")) for one in fields(Measures))
    if unit in _POWERS
)
"""Measures that have a unit: their names in pixels and in micrometres, and the unit's power."""


@dataclass(frozen=True)
class Brightness:
    """How bright one spheroid is, in the image's own grey values; definitions in ``spheroseg.imaging.intensities``.

    Args:
        intensity_local_background: None: fewer than 25 pixels are left of the ring around it, or it is too large for
            one to be looked at; in a corrected revision also: it waits to be measured among other outlines than before.
    """

    intensity_mean: float
    intensity_sd: float
    intensity_min: float
    intensity_max: float
    intensity_median: float
    intensity_integrated: float
    intensity_local_background: float | None

    def above_local_background(self, area_px2: float) -> dict[str, float | None]:
        """What follows from the local background: mean and sum above it.

        Args:
            area_px2: Pixels of the spheroid.
        """
        local = self.intensity_local_background
        return {
            "intensity_above_local_background": None if local is None else self.intensity_mean - local,
            "intensity_integrated_above_local_background": None
            if local is None
            else self.intensity_integrated - area_px2 * local,
        }


class NotGiven(StrEnum):
    """Why brightness is not told, or a part of it."""

    WAITS = "waits-to-be-measured"
    LOCAL_BACKGROUND_WAITS = "local-background-waits"
    NOT_MEASURED = "not-measured"
    NO_LOCAL_BACKGROUND = "no-local-background"


@dataclass(frozen=True)
class Spheroid:
    """One object of a segmentation.

    Args:
        number: Its value in the label image, from 1.
        polygons: Its area; more than one polygon only where the label image's object is in pieces.
        measures: Size and shape.
        confidence: Mean calibrated foreground probability of its pixels, 0 to 1, see ``spheroseg.imaging.certainty``;
            None where no model made it. Where ``review_reasons`` is None it is the network's own, not calibrated.
        touches_edge: True when it reaches the image's border, so that its measures are of a part only.
        rim_confidence: Mean calibrated probability that a pixel along its rim is on the right side of it, 0 to 1; None
            where it was not measured, or all of its rim lies at other objects or the image's border.
        review_reasons: Why somebody should look at it; None where nobody judged that.
        brightness: None while it waits to be measured again after a correction, and in runs of before it was measured.
        brightness_due_since: The revision in which its outline, or one near it, changed and since which its brightness,
            or its local background alone, waits to be measured; None: nothing is waited for.
    """

    number: int
    polygons: tuple[Polygon, ...]
    measures: Measures
    confidence: float | None
    touches_edge: bool
    rim_confidence: float | None = None
    review_reasons: tuple[ReviewReason, ...] | None = None
    brightness: Brightness | None = None
    brightness_due_since: int | None = None

    def with_brightness(self, brightness: Brightness) -> "Spheroid":
        """The same, measured; without the checks of ``replace``, which take as long as measuring a small one."""
        return Spheroid(
            self.number,
            self.polygons,
            self.measures,
            self.confidence,
            self.touches_edge,
            self.rim_confidence,
            self.review_reasons,
            brightness,
        )

    def without_background(self) -> "Spheroid":
        """The same where outlines near it are others now."""
        own = self.brightness and replace(self.brightness, intensity_local_background=None)
        return replace(self, brightness=own, brightness_due_since=None)

    @property
    def intensity_not_given(self) -> NotGiven | None:
        """Why its brightness, or what follows from its local background alone, is not told; None: all of it is."""
        waits = self.brightness_due_since is not None
        if self.brightness is None:
            return NotGiven.WAITS if waits else NotGiven.NOT_MEASURED
        if self.brightness.intensity_local_background is None:
            return NotGiven.LOCAL_BACKGROUND_WAITS if waits else NotGiven.NO_LOCAL_BACKGROUND
        return None

    @property
    def intensities(self) -> dict[str, float | None] | None:
        """Its brightness with what follows from it, by name; None where it was not measured."""
        if self.brightness is None:
            return None
        return {**vars(self.brightness), **self.brightness.above_local_background(self.measures.area_px2)}
