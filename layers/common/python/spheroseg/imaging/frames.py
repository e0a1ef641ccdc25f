"""The pages of a TIFF file in their order: its directories, or the frames that ImageJ or OME metadata make of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import tifffile

from spheroseg.domain.pages import Pages, beyond
from spheroseg.errors import ImageTooLargeError, PageNotFoundError, UndecodableImageError
from spheroseg.imaging.header import DecodeLimits

IN_PAGE = "YXS"
"""Axes within a page: rows, columns, samples of a pixel such as red, green and blue."""

UNKNOWN = "QI"
"""Axes of which tifffile knows that they are there, and no more."""


@dataclass(frozen=True)
class Frame:
    """Where one page lies.

    Args:
        directory: Which directory of the file describes it.
        behind: How many frames lie between the directory's own data and this one's; more than 0 only where one
            directory stands for a whole stack, as ImageJ writes stacks above 4 GB.
    """

    directory: int
    behind: int = 0


@dataclass(frozen=True)
class Frames:
    """The pages of a file.

    Args:
        places: Each page's frame; None where the metadata name a plane that the file does not hold.
        pages: How many they are and what they run over.
    """

    places: Sequence[Frame | None]
    pages: Pages

    def __getitem__(self, number: int) -> Frame:
        """A page's frame, the first is 1."""
        if number > len(self.places):
            raise PageNotFoundError(beyond(len(self.places), number))
        place = self.places[number - 1]
        if place is None:
            raise UndecodableImageError(f"Page {number} is named by the file's OME metadata and not in the file")
        return place


def frames_of(path: Path, directories: Sequence[int], limits: DecodeLimits) -> Frames:
    """The pages of a file.

    They are the frames of its series where metadata describe one series that holds every directory; else, and where the
    metadata are damaged, its directories as they follow one another.

    Args:
        directories: Those that are pages, without previews and masks.
    """
    # A file of its own: once series were looked for, its pages are no longer whole. Alone: OME metadata may name other
    # files, which are nobody's to open.
    with tifffile.TiffFile(path, _multifile=False) as file:
        described = file.is_imagej or file.is_ome or file.is_shaped
        found = _of_series(file, directories, limits) if described else None
    return found or Frames([Frame(index) for index in directories], Pages(len(directories)))


def _of_series(file: tifffile.TiffFile, directories: Sequence[int], limits: DecodeLimits) -> Frames | None:
    """The frames of the file's only series; None where it has none, or several, or one that does not hold all."""
    try:
        (series,) = file.series
        axes = [(axis, size) for axis, size in zip(series.axes, series.shape, strict=True) if axis not in IN_PAGE]
    except Exception:  # noqa: BLE001 - metadata are text that anybody writes; damaged ones raise whatever they lead to
        return None
    count = prod(size for _, size in axes)
    if count > limits.max_pages:
        raise ImageTooLargeError(f"The file has more than {limits.max_pages} pages")
    places: list[Frame | None] = []
    if series.is_truncated and len(directories) == 1:
        places = [Frame(directories[0], behind) for behind in range(count)]
    elif len(series.pages) == count:
        places = [None if page is None else Frame(page.index) for page in series.pages]
    if {place.directory for place in places if place} != set(directories):
        return None
    if count == 1 or all(axis in UNKNOWN for axis, _ in axes):
        return Frames(places, Pages(count))
    return Frames(places, Pages(count, "".join(axis for axis, _ in axes), tuple(size for _, size in axes)))
