"""docs/statistics.md shows what the commands print, and every figure's definition."""

import os
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spheroseg.domain.statistics_terms import TERMS
from spheroseg_client.command_line import app

DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = "130"
BLOCK = re.compile(r"```console\n\$ spheroseg (?P<words>[^\n]+)\n(?P<shown>.*?)```", re.DOTALL)
GUIDE = (DOCS / "statistics.md").read_text(encoding="utf-8")


def printed(words: str) -> str:
    """What a command of the guide prints on stdout."""
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 0, result.output
    return "\n".join(line.rstrip() for line in result.stdout.splitlines()) + "\n"


@pytest.mark.parametrize("block", list(BLOCK.finditer(GUIDE)), ids=lambda block: block["words"])
def test_the_guide_shows_what_is_printed(block: re.Match[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(DOCS)
    monkeypatch.setenv("COLUMNS", COLUMNS)
    assert printed(block["words"]) == block["shown"]


def test_there_are_three_examples() -> None:
    assert len(BLOCK.findall(GUIDE)) == 3


def test_every_term_stands_in_the_guide() -> None:
    assert table_of_terms() in GUIDE


def table_of_terms() -> str:
    """The definitions in Markdown; a bar within a formula would end its cell."""
    cells = [(f"`{name}`", term.unit, term.meaning, term.source) for name, term in TERMS.items()]
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
    return "\n".join(["| figure | unit | meaning | source |", "|---|---|---|---|", *rows])


def fill() -> None:
    """Write what is printed into the guide, for a person to review: python -m tests.client.test_statistics_guide."""
    os.chdir(DOCS)
    os.environ["COLUMNS"] = COLUMNS
    commands = {
        "growth": "stats examples/growth.csv --groups condition --growth",
        "dose": "stats examples/doses.csv --dose-column dose_um",
        "compare": "stats examples/doses.csv --compare dose_um --control 0",
    }
    text = GUIDE
    for name, words in commands.items():
        text = text.replace(f"<!-- {name} -->\n", f"```console\n$ spheroseg {words}\n{printed(words)}```\n")
    text = BLOCK.sub(lambda block: f"```console\n$ spheroseg {block['words']}\n{printed(block['words'])}```", text)
    text = text.replace("<!-- terms -->", table_of_terms())
    (DOCS / "statistics.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    fill()
