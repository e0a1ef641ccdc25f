"""What commands that talk to a service have in common: access, answers for a person or a program, projects by name."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer
from pydantic import BaseModel
from pydantic_core import to_jsonable_python
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.access import Access
from spheroseg_client.client import Client
from spheroseg_client.errors import ClientError
from spheroseg_client.options import (
    ApiOption,
    DataDirOption,
    EmailOption,
    JsonOption,
    PasswordOption,
    TokenOption,
)
from spheroseg_client.reporting import print_json, print_whole, reported

Answered = TypeVar("Answered")

ProjectArgument = Annotated[str, typer.Argument(help="Id of the project, or its name if only one has it.")]


class AmbiguousProjectError(ClientError):
    """Several projects have the name that was given, or none has."""

    default_code = "project-not-found"


ACCESS = {
    "as_json": (JsonOption, False),
    "api": (ApiOption, None),
    "email": (EmailOption, None),
    "password": (PasswordOption, None),
    "token": (TokenOption, None),
    "data_dir": (DataDirOption, None),
}
"""Options of every command that talks to a service."""


def command(
    group: typer.Typer, name: str, example: str, shown: Callable[[Any], RenderableType]
) -> Callable[[Callable[..., Answered]], Callable[..., Answered]]:
    """Make a call of the client a command: with the options of access, errors told, the answer printed.

    Args:
        example: What its help shows.
        shown: The answer for a person; with ``--json`` it is printed as it is.
    """

    def decorate(call: Callable[..., Answered]) -> Callable[..., Answered]:
        @functools.wraps(call)
        def run(**given: Any) -> None:  # noqa: ANN401 - whatever the options are
            as_json = given.pop("as_json")
            access = Access(*(given.pop(option) for option in ("api", "email", "password", "token", "data_dir")))
            with reported(as_json=as_json), access.present() as client:
                answer = call(client, **given)
                if as_json:
                    print_json(to_jsonable_python(answer))
                else:
                    print_whole(shown(answer))

        own = [it for it in inspect.signature(call).parameters.values() if it.name != "client"]
        given = [it.replace(kind=inspect.Parameter.KEYWORD_ONLY) for it in own]
        extra = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            for name, (annotation, default) in ACCESS.items()
        ]
        signature = inspect.Signature([*given, *extra])
        run.__signature__ = signature  # type: ignore[attr-defined]
        run.__annotations__ = {it.name: it.annotation for it in signature.parameters.values()}
        group.command(name, epilog=f"Example: [bold]{example}[/]")(run)
        return call

    return decorate


def project_id_of(client: Client, text: str) -> UUID:
    """The project that a person means by its id or its name.

    Raises:
        AmbiguousProjectError: none has that name, or several have.
    """
    try:
        return UUID(text)
    except ValueError:
        found = [project.id for project in client.projects() if project.name == text]
    if len(found) != 1:
        raise AmbiguousProjectError(
            f"{display.counted(len(found), 'project')} named {text!r}; give the id, see `spheroseg projects list`"
        )
    return found[0]


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Rows for a person; what is None stays empty."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if value is None else str(value)) for value in row))
    return made


def facts(answer: BaseModel) -> Text:
    """The fields of an answer for a person, a line each."""
    return display.facts({key.replace("_", " "): _words(value) for key, value in answer.model_dump().items()})


def _words(value: object) -> object:
    if isinstance(value, Mapping):
        return ", ".join(f"{count} {place.replace('_', ' ')}" for place, count in value.items() if count) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else value


def told(text: str) -> Callable[[object], Text]:
    """Always that text."""
    return lambda _: Text(text)
