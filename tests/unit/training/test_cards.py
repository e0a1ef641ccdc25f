from pathlib import Path

import pytest

from spheroseg.model_registry import ModelRegistry
from training.cards import CARDS, LIMITS, TRAINING_DATA

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", CARDS)
def test_the_shipped_cards_say_what_the_next_ones_will_say(name: str) -> None:
    card = ModelRegistry.packaged().get(name)
    assert (list(card.limits), card.training_data) == (LIMITS, TRAINING_DATA)


def test_the_pictures_of_failures_are_where_the_cards_say() -> None:
    pointer = next(limit for limit in LIMITS if limit.startswith("Pictures"))
    place, title = pointer.removeprefix("Pictures of these failures: ").split(", ")
    text = (ROOT / place).read_text(encoding="utf-8")
    heading = "## " + title.strip("«»").replace("fast", "`fast`")
    section = text[text.index(heading) :]
    picture = section[section.index("](") + 2 : section.index(".jpg)") + 4]
    assert (ROOT / "docs" / picture).stat().st_size > 0


def test_the_cards_tell_the_licence_of_everything_that_is_learnt_from() -> None:
    for words in ("training.synthesis; MIT", "OrganoID", "CC-BY", "organoids-project (11, silver masks; MIT)", "BSD-3"):
        assert words in TRAINING_DATA
