"""Measurement: one measure of one spheroid, with what its image shows; what statistics are made of."""

from dataclasses import dataclass, fields
from uuid import UUID

from spheroseg.domain.sample import Sample
from spheroseg.domain.spheroid import Brightness, Measures
from spheroseg.errors import InvalidQuestionError

INTENSITIES = (
    *(field.name for field in fields(Brightness)),
    "intensity_above_local_background",
    "intensity_integrated_above_local_background",
)
"""Names in ``Spheroid.intensities``."""

POWERS = {"um": 1, "um2": 2, "um3": 3}


@dataclass(frozen=True)
class Measure:
    """A column of measures.

    Args:
        name: Such as ``equivalent_diameter_um``.
        stored: The field of ``Measures`` that it is made of.
        power: Of the pixel size that it is multiplied by; 0: it is stored as it is.
    """

    name: str
    stored: str
    power: int

    def of(self, stored: float | None, pixel_size_um: float | None) -> float | None:
        """The value of what is stored; None: it was not measured, or it is in µm and the pixel size is unknown."""
        if stored is None:
            return None
        if self.power == 0:
            return float(stored)
        return None if pixel_size_um is None else stored * pixel_size_um**self.power


def measure_named(name: str) -> Measure:
    """The measure of that name: a field of ``Measures``, one that has a unit with ``um`` in the place of ``px``, or one
    of ``INTENSITIES``.

    Raises:
        InvalidQuestionError: there is none.
    """
    stored = {field.name for field in fields(Measures)}
    if name in stored or name in INTENSITIES:
        return Measure(name, name, 0)
    stem, _, unit = name.rpartition("_")
    in_px = f"{stem}_{unit.replace('um', 'px')}"
    if unit in POWERS and in_px in stored:
        return Measure(name, in_px, POWERS[unit])
    known = ", ".join((*sorted(stored), *INTENSITIES))
    raise InvalidQuestionError(f"There is no measure {name[:100]!r}; take of {known}, or with um in the place of px")


@dataclass(frozen=True)
class MeasuredImage:
    """An image and the run that its measures are of.

    Args:
        segmentation_id: Its newest run that succeeded.
        revision: Of that run's outlines: the newest.
        pixel_size_um: Edge of one pixel in µm; None: unknown, and no measure in µm is given.
    """

    id: UUID
    name: str
    sample: Sample
    segmentation_id: UUID
    revision: int
    pixel_size_um: float | None


@dataclass(frozen=True)
class Measurement:
    """One spheroid's value.

    Args:
        number: The spheroid's, from 1.
        value: None where the measure is in µm and the pixel size is unknown, and where it was not measured.
        due_since: The revision since which a measure of brightness waits to be measured; None: it does not wait.
    """

    image: MeasuredImage
    number: int
    touches_edge: bool
    value: float | None
    due_since: int | None = None


@dataclass(frozen=True)
class MeasurementKey:
    """Where a page of measurements ended."""

    image_id: UUID
    number: int
