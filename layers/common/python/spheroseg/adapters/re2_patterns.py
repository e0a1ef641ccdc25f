"""Patterns that users give, run by RE2: in time that grows with the text and nothing else, whatever the pattern is.

What would need to try again from the start (references back, looking ahead and behind) RE2 does not know; such a
pattern is refused.

Source: Cox, R. (2010), Regular expression matching in the wild, https://swtch.com/~rsc/regexp/regexp3.html.
"""

from collections.abc import Mapping
from typing import Any

import re2  # type: ignore[import-untyped]

from spheroseg.errors import InvalidPatternError

MAX_MEMORY_BYTES = 2**20
"""For a compiled pattern; RE2 refuses one that unfolds to more."""


class Re2Pattern:
    """A compiled pattern."""

    def __init__(self, compiled: Any) -> None:  # noqa: ANN401 - re2 comes without types
        self._compiled = compiled
        self.groups: frozenset[str] = frozenset(compiled.groupindex)

    def search(self, text: str) -> Mapping[str, str | None] | None:
        """What the groups found at the first place where the pattern matches; None: nowhere."""
        match = self._compiled.search(text)
        return None if match is None else match.groupdict()


class Re2Patterns:
    """Compiles patterns in the syntax of RE2."""

    def compile(self, pattern: str) -> Re2Pattern:
        """The pattern, ready to run, or raise ``InvalidPatternError``."""
        options = re2.Options()
        options.max_mem = MAX_MEMORY_BYTES
        options.log_errors = False
        try:
            return Re2Pattern(re2.compile(pattern, options))
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
            raise InvalidPatternError(f"This is no pattern that RE2 knows: {reason}") from error
