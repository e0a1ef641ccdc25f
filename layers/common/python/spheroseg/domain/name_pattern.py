"""What the names of files tell, by a pattern that the user gives."""

from collections.abc import Mapping
from typing import Protocol

from spheroseg.domain.sample import READERS, well_at
from spheroseg.errors import InvalidPatternError, InvalidSampleError

MAX_LENGTH = 500
GROUPS = frozenset({*READERS, "row", "column"})


class CompiledPattern(Protocol):
    """A pattern with named groups, ready to run."""

    @property
    def groups(self) -> frozenset[str]:
        """Names of its groups."""

    def search(self, text: str) -> Mapping[str, str | None] | None:
        """What the groups found at the first place where the pattern matches; None: nowhere."""


def require_length(pattern: str) -> None:
    """Return when a pattern is short enough to be compiled, or raise ``InvalidPatternError``."""
    if len(pattern) > MAX_LENGTH:
        raise InvalidPatternError(f"A pattern has {MAX_LENGTH} characters at most, not {len(pattern)}")


def require_fields(pattern: CompiledPattern) -> None:
    """Return when a pattern's groups are fields of ``Sample``, or ``row`` and ``column`` of a well.

    Raises:
        InvalidPatternError: it has no named group, or one of another name.
    """
    names = pattern.groups
    if unknown := sorted(names - GROUPS):
        raise InvalidPatternError(f"There is no field {unknown[0]!r}; groups are named {', '.join(sorted(GROUPS))}")
    if not names:
        raise InvalidPatternError("The pattern has no group such as (?P<well>…), so that it tells nothing")
    if ("row" in names) != ("column" in names) or {"row", "well"} <= names:
        raise InvalidPatternError("A well is told by a group `well`, or by `row` and `column` together")


def fields_of(pattern: CompiledPattern, name: str) -> dict[str, str | float | int] | None:
    """Fields of ``Sample`` that a name tells; None when the pattern does not match it.

    Raises:
        InvalidSampleError: it matches, and what it found is no such field.
    """
    found = pattern.search(name)
    if found is None:
        return None
    texts = {group: text for group, text in found.items() if text}
    if ("row" in texts) != ("column" in texts):
        raise InvalidSampleError("One of row and column is empty")
    fields: dict[str, str | float | int] = {}
    for group, text in texts.items():
        if group == "row":
            fields["well"] = well_at(text, texts["column"])
        elif group != "column":
            try:
                fields[group] = READERS[group](text)
            except InvalidSampleError as error:
                raise InvalidSampleError(f"{group}: {error}") from error
    return fields
