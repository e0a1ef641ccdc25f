"""What is wrong with a file: which file, which entry of it, and what would be right."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from spheroseg.errors import InvalidExchangeFileError


def fault(path: Path, entry: str, wrong: str, right: str) -> InvalidExchangeFileError:
    """The error for an entry.

    Args:
        entry: Such as ``annotation 17``; empty: the file as a whole.
        wrong: What is there.
        right: What should be there.
    """
    place = f"{path.name}, {entry}" if entry else path.name
    return InvalidExchangeFileError(f"{place}: {wrong}; {right}")


@contextmanager
def judged(path: Path, entry: str, right: str) -> Iterator[None]:
    """What fails inside is the entry's fault.

    Args:
        right: What should be there.
    """
    try:
        yield
    except InvalidExchangeFileError:
        raise
    except KeyError as error:
        raise fault(path, entry, f"{error.args[0]!r} is missing", right) from error
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise fault(path, entry, " ".join(str(error).split())[:200], right) from error
