"""How commands end: results on stdout, errors as a line or as JSON, and an exit code for each kind."""

import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import typer
from rich.console import RenderableType
from rich.text import Text

from spheroseg_client import display
from spheroseg_client.errors import ClientError, LocalFileError, NotInstalledError
from spheroseg_client.start import INTERRUPTED

FAILED, MISUSED, UNAVAILABLE, TERMINATED = 1, 2, 3, 143
"""Exit codes, beside ``INTERRUPTED``."""


class _Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP: like Ctrl-C, but for the exit code."""


@contextmanager
def reported(*, as_json: bool) -> Iterator[Callable[[], int]]:
    """Errors as a line (or as JSON) and an exit code; gives the exit code of an interruption that is over."""
    received: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        raise _Terminated

    def ending() -> int:
        return TERMINATED if received else INTERRUPTED

    signals = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, on_signal) for number in signals} if is_main else {}
    try:
        yield ending
    except ClientError as error:
        if as_json:
            print_json({"version": 1, "error": {"code": error.code, "detail": error.detail}})
        else:
            display.message_console().print(Text.assemble(("Error: ", "bold red"), error.detail))
        raise typer.Exit(MISUSED if isinstance(error, LocalFileError) else UNAVAILABLE) from error
    except KeyboardInterrupt as error:
        display.message_console().print("Interrupted")
        raise typer.Exit(ending()) from error
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def libraries_needed() -> Iterator[None]:
    """A package that is not there is told by name, with how to get it.

    Raises:
        NotInstalledError: a package of the extra ``offline``, or the worker's code, cannot be imported.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise NotInstalledError(
            f"{error.name} is not installed: this command needs the extra «offline» "
            "(pip install 'spheroseg[offline]'), and to run models a clone of the repository"
        ) from error


def print_whole(content: RenderableType) -> None:
    """Print a result on stdout."""
    display.result_console().print(content, soft_wrap=isinstance(content, Text))


def print_json(content: object) -> None:
    """Print one JSON document on stdout."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n")
    sys.stdout.flush()
