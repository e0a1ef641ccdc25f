"""What ``stats`` and ``plot`` are asked at the terminal, and errors of the statistics as errors of these commands."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from spheroseg.errors import InvalidInputError, NotTellableError
from spheroseg_client.errors import LocalFileError


@contextmanager
def told_here() -> Iterator[None]:
    """What a table of measures does not tell, as an error of a command."""
    try:
        yield
    except NotTellableError as error:
        raise LocalFileError(str(error), error.reason) from error
    except InvalidInputError as error:
        raise LocalFileError(str(error), error.code) from error


def doses_of(texts: Sequence[str]) -> dict[str, float]:
    """What ``--dose CONDITION=NUMBER`` says.

    Raises:
        LocalFileError: it says something else.
    """
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise LocalFileError(f"--dose takes CONDITION=NUMBER, not {text!r}", "no-numbers") from error
        if not name.strip():
            raise LocalFileError(f"--dose takes CONDITION=NUMBER, not {text!r}", "no-numbers")
    return found
