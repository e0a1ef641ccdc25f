"""Which image is meant by what a file calls it, and by nothing else."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from spheroseg.domain.image import Image
from spheroseg.domain.outline_import import Base
from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import AmbiguousNameError, NothingToImportError
from spheroseg.ports import OutlineFiles

if TYPE_CHECKING:
    from spheroseg.exchange.results import ReadImage

NAMES_TOLD = 5
"""Of many names that are wrong, in words."""
MAX_TOLD = 1_000
"""Characters of a name, or of what is wrong."""


@dataclass(frozen=True)
class Target:
    """Where outlines of one image go.

    Args:
        base: The result that they correct; None: they become a new one.
    """

    image: Image
    page: int
    base: Base | None = None


class Targets:
    """Images that outlines may go to, found by what a file calls them."""

    def __init__(self, targets: Sequence[Target]) -> None:
        """Those that were named."""
        self._by_name: dict[str, list[Target | UUID]] = {}
        self.only = targets[0] if len(targets) == 1 else None
        self._load: Callable[[UUID], Target] | None = None
        for target in targets:
            self._by_name.setdefault(target.image.name, []).append(target)
        self._pages = {(target.image.id, target.page): target for target in targets}

    @classmethod
    def of_names(cls, names: Iterator[tuple[UUID, str]], load: Callable[[UUID], Target]) -> "Targets":
        """Images of a project, each read when a file names it."""
        targets = cls([])
        targets._load = load
        for id_, name in names:
            targets._by_name.setdefault(name, []).append(id_)
        return targets

    def called(self, name: str, files: OutlineFiles) -> Target | None:
        """The image that a file calls so; None: there is none.

        Raises:
            AmbiguousNameError: there are several.
        """
        found = self._by_name.get(name)
        if found is None:
            by_key = self._by_key(files)
            found = next((by_key[key] for key in files.keys(name) if key in by_key), None)
        if found is None:
            return None
        if len(found) > 1:
            raise AmbiguousNameError(f"{len(found)} images may be meant by {name}; import its outlines by themselves")
        (one,) = found
        if isinstance(one, UUID):
            if self._load is None:
                raise AssertionError("only names that were read have ids")
            return self._load(one)
        return one

    def _by_key(self, files: OutlineFiles) -> Mapping[str, list[Target | UUID]]:
        if not hasattr(self, "_keys"):
            self._keys: dict[str, list[Target | UUID]] = {}
            for name, targets in self._by_name.items():
                for target in targets:
                    key = files.keys(name)[0]
                    self._keys.setdefault(key, []).append(target)
                    if isinstance(target, Target) and target.base is not None:
                        # As exports call the pages of files that have several.
                        self._keys.setdefault(f"{key}_p{target.page}", []).append(target)
        return self._keys


def paired(
    read: "Sequence[ReadImage]", targets: Targets, files: OutlineFiles
) -> tuple[list[tuple["ReadImage", Target]], tuple[str, ...]]:
    """The file's images with where they go, and the names of those that go nowhere.

    Raises:
        NothingToImportError: there is not one.
        AmbiguousNameError: several go to the same place, or one may go to several.
    """
    if len(read) == 1 and targets.only is not None:
        return [(read[0], targets.only)], ()
    pairs: list[tuple[ReadImage, Target]] = []
    unmatched: list[str] = []
    taken: dict[tuple[UUID, int], str] = {}
    for image in read:
        target = targets.called(image.name, files)
        if target is None:
            unmatched.append(image.name)
            continue
        place = target.image.id, target.page
        if place in taken:
            raise AmbiguousNameError(f"{taken[place]} and {image.name} both mean {target.image.name}")
        taken[place] = image.name
        pairs.append((image, target))
    if not pairs:
        if not read:
            raise NothingToImportError("The file tells of no image")
        others = f" and {len(unmatched) - NAMES_TOLD:,} more" if len(unmatched) > NAMES_TOLD else ""
        raise NothingToImportError(
            f"None of the file's images is called as one that is meant: {', '.join(unmatched[:NAMES_TOLD])}{others}"
        )
    return pairs, tuple(unmatched)


def numbered(image: "ReadImage") -> dict[int, tuple[Polygon, ...]]:
    """The outlines by the numbers of the file, where every one has its own; else counted from 1."""
    numbers = [one.number for one in image.objects]
    if None in numbers or len(set(numbers)) < len(numbers):
        numbers = list(range(1, len(numbers) + 1))
    return {number: one.polygons for number, one in zip(numbers, image.objects, strict=True) if number is not None}


def storable(text: str) -> str:
    """Words of a file as a database takes them: no NUL, no half characters, not without end."""
    plain = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return plain if len(plain) <= MAX_TOLD else f"{plain[: MAX_TOLD - 1]}…"
