"""Every command of ``spheroseg``: an example in its help, ``--json``, and completion by the shell."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from spheroseg_client.command_line import app

COMMANDS: dict[str, Any] = {}


def commands(command: Any, words: tuple[str, ...] = ("spheroseg",)) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(words), command
    for name, inner in (below or {}).items():
        yield from commands(inner, (*words, name))


COMMANDS |= dict(commands(get_command(app)))


def test_the_tree_is_walked() -> None:
    assert {"spheroseg segment", "spheroseg runs start", "spheroseg share invite"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_explains_itself_by_examples_that_can_be_typed(name: str) -> None:
    command = COMMANDS[name]
    text = f"{command.help}\n{command.epilog or ''}".replace("[bold]", "").replace("[/]", "")
    examples = re.findall(r"^Example: (.*)$", text, re.MULTILINE)
    assert examples, text
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for example in examples:
        typed = example.rsplit("| ", 1)[-1]
        assert f"{typed} ".startswith(f"{name} "), typed
        words = shlex.split(typed)[len(name.split()) :]
        assert {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"} <= known, typed


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_json_and_describes_its_options(name: str) -> None:
    parameters = COMMANDS[name].params
    assert any("--json" in parameter.opts for parameter in parameters)
    for parameter in parameters:
        assert getattr(parameter, "help", None), f"{parameter.name} says what it is"


def completed(shell: str, line: str) -> str:
    """What the command offers a shell for a line that is being typed."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    asked = {
        "_SPHEROSEG_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": line,
    }
    return CliRunner().invoke(app, [], env=asked, prog_name="spheroseg").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(
    ("line", "offered"),
    [("spheroseg pro", "projects"), ("spheroseg runs pro", "progress"), ("spheroseg runs start --prio", "--priority")],
)
def test_words_are_completed(shell: str, line: str, offered: str) -> None:
    assert offered in completed(shell, line)


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_completes_in_bash(tmp_path: Path) -> None:
    """As the user has it after `--install-completion`: the script is sourced, the shell asks the program."""
    typed = 'COMP_WORDS=(spheroseg share inv); COMP_CWORD=2; _spheroseg_completion spheroseg; echo "${COMPREPLY[@]}"'
    ran = subprocess.run(
        ["bash", "-c", f'eval "$(_SPHEROSEG_COMPLETE=source_bash spheroseg)"; {typed}'],
        env={"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.stdout.split() == ["invite", "invitations"], ran.stderr


def test_the_script_for_zsh_asks_the_program() -> None:
    script = CliRunner().invoke(app, [], env={"_SPHEROSEG_COMPLETE": "source_zsh"}, prog_name="spheroseg").stdout
    assert script.lstrip().startswith("#compdef spheroseg")
    assert "_SPHEROSEG_COMPLETE=complete_zsh" in script
