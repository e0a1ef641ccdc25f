"""Statistics that are asked of a project: what can be wrong with the question before anything is read."""

from math import isfinite

from spheroseg.domain.measurement import Measure, measure_named
from spheroseg.domain.sample import TEXT_MAX_LENGTH
from spheroseg.domain.statistics_question import Wanted
from spheroseg.errors import InvalidQuestionError

FACTORS = ("condition", "time_point_h", "replicate", "plate", "well", "well_row", "well_column", "name", "page")
"""What the images of a project tell, or their names."""

CALLED = {"time": "time_point_h", "time_point": "time_point_h", "timepoint": "time_point_h"}
"""What people call a factor beside its name."""

MAX_DOSES = 100

_ENDINGS = ("_px", "_px2", "_px3", "")


def measure_meant(name: str) -> Measure:
    """The stored measure that is meant, with the µm that belong to it where it has a unit.

    Args:
        name: As in ``Wanted.measure``: with its unit or without.

    Raises:
        InvalidQuestionError: there is none.
    """
    for ending in _ENDINGS:
        try:
            found = measure_named(name + ending)
        except InvalidQuestionError:
            continue
        stem, _, unit = found.stored.rpartition("_")
        return measure_named(f"{stem}_{unit.replace('px', 'um')}") if unit.startswith("px") else found
    return measure_named(name)


def require_sound(wanted: Wanted) -> None:
    """Refuse what no project could answer.

    Raises:
        InvalidQuestionError: and why.
    """
    measure_meant(wanted.measure)
    for name in (*wanted.groups, *(one for one in (wanted.compare, wanted.dose_column) if one is not None)):
        if CALLED.get(name, name) not in FACTORS:
            raise InvalidQuestionError(f"Images do not tell {name[:100]!r}; they tell {', '.join(FACTORS)}")
    named = [CALLED.get(name, name) for name in wanted.groups]
    if len(set(named)) < len(named):
        raise InvalidQuestionError("A factor is named twice")
    if wanted.control is not None and wanted.compare is None:
        raise InvalidQuestionError("A control is named, but no factor to compare")
    if (wanted.positive is None) != (wanted.negative is None) or (
        wanted.positive is not None and wanted.positive == wanted.negative
    ):
        raise InvalidQuestionError("Z′ needs a positive and a negative control, two conditions")
    if wanted.doses and wanted.dose_column is not None:
        raise InvalidQuestionError("Doses are told by condition or by a factor; give one of them")
    if len(wanted.doses) > MAX_DOSES:
        raise InvalidQuestionError(f"{len(wanted.doses):,} doses are given; {MAX_DOSES} can be at most")
    for name, dose in wanted.doses.items():
        if not isfinite(dose) or dose < 0:
            raise InvalidQuestionError(f"The dose of {name!r} is {dose:g}; it must be 0 or above")
    for text in (wanted.control, wanted.positive, wanted.negative, *wanted.doses):
        if text is not None and not 1 <= len(text) <= TEXT_MAX_LENGTH:
            raise InvalidQuestionError(f"A level has 1 to {TEXT_MAX_LENGTH} characters, not {len(text):,}")
