"""Pages: how many a file has, what they run over, and which of them somebody chooses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from spheroseg.errors import InvalidPagesError, PageNotFoundError

ALL = "all"
CHANNEL = "C"

_PART = re.compile(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?")


@dataclass(frozen=True)
class Pages:
    """The pages of a file; the first is 1. Colours (RGB) are samples of one page, channels are pages.

    Args:
        count: At least 1.
        axes: What they run over where the file says it (ImageJ, OME-TIFF, tifffile), one letter each, the slowest
            first: ``T`` time, ``Z`` depth, ``C`` channel, others as tifffile names them. None where it does not say,
            and for a single page.
        sizes: How many there are along each axis; empty without axes. Their product is the count.
    """

    count: int
    axes: str | None = None
    sizes: tuple[int, ...] = ()

    def chosen(self, text: str, channel: int | None = None) -> tuple[int, ...]:
        """The pages that a choice names, in ascending order, each once.

        Args:
            text: ``all``, or numbers and ranges such as ``1-20,25``; both ends of a range belong to it.
            channel: Only pages of this channel, the first is 1; None: of every channel.

        Raises:
            InvalidPagesError: the text is no such choice, there is no such channel, or nothing is left.
            PageNotFoundError: a page is beyond the last one.
        """
        if text.strip().lower() == ALL:
            wanted = set(range(1, self.count + 1))
        else:
            wanted = {page for first, last in self._ranges(text) for page in range(first, last + 1)}
        if channel is not None:
            wanted.intersection_update(self._of_channel(channel))
            if not wanted:
                raise InvalidPagesError(f"None of the pages {text} is of channel {channel}")
        return tuple(sorted(wanted))

    def _ranges(self, text: str) -> Iterator[tuple[int, int]]:
        for part in text.split(","):
            found = _PART.fullmatch(part)
            if found is None:
                raise InvalidPagesError(f"{part.strip()!r} is no page; give all, or numbers and ranges such as 1-20,25")
            first, last = int(found[1]), int(found[2] or found[1])
            if first < 1:
                raise InvalidPagesError("Pages count from 1")
            if last < first:
                raise InvalidPagesError(f"The range {first}-{last} ends before it begins")
            if last > self.count:
                raise PageNotFoundError(beyond(self.count, last))
            yield first, last

    def _of_channel(self, channel: int) -> Iterator[int]:
        channels = dict(zip(self.axes or "", self.sizes, strict=True)).get(CHANNEL, 1)
        if not 1 <= channel <= channels:
            raise InvalidPagesError(f"The file has {channels} channel{'s' * (channels > 1)}, not channel {channel}")
        if channels == 1:
            yield from range(1, self.count + 1)
            return
        faster = prod(self.sizes[(self.axes or "").index(CHANNEL) + 1 :])
        yield from (page for page in range(1, self.count + 1) if (page - 1) // faster % channels == channel - 1)


def beyond(count: int, page: int) -> str:
    """What is said of a page that is not there."""
    return f"The file has {count} page{'s' * (count > 1)}, page {page} was asked for"
