"""Measures made from columns."""

from dataclasses import FrozenInstanceError, asdict, fields

import pytest

from spheroseg.domain.spheroid import Measures

NAMES = [field.name for field in fields(Measures)]
COLUMNS = {name: [float(number), number + 0.5] for number, name in enumerate(NAMES)}


def test_columns_give_the_measures_that_their_values_would_one_by_one() -> None:
    made = Measures.of_columns(COLUMNS)
    one_by_one = [Measures(**{name: COLUMNS[name][row] for name in NAMES}) for row in (0, 1)]  # type: ignore[arg-type]
    assert made == one_by_one
    assert [asdict(one) for one in made] == [{name: COLUMNS[name][row] for name in NAMES} for row in (0, 1)]
    assert len({*made, *one_by_one}) == 2
    with pytest.raises(FrozenInstanceError):
        made[0].area_px2 = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    "columns",
    [
        {name: COLUMNS[name] for name in NAMES[:-1]},
        {name: COLUMNS[name] for name in reversed(NAMES)},
        {**COLUMNS, "brightness": [1.0, 2.0]},
        {**COLUMNS, NAMES[3]: [1.0]},
    ],
    ids=["one is missing", "another order", "one too many", "lengths differ"],
)
def test_other_columns_are_refused(columns: dict[str, list[float]]) -> None:
    with pytest.raises(ValueError, match=r"given|argument"):
        Measures.of_columns(columns)
