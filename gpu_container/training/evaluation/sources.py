"""Images with masks on the disk: one source, or a folder of sources."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

IMAGES, MASKS = "images", "masks"


class EvaluationError(Exception):
    """What was asked for cannot be evaluated at all."""


@dataclass(frozen=True)
class Case:
    """One image and its mask.

    Args:
        source: Name of the folder that it comes from: images of a source share donor, microscope and optics.
        name: Of both files, without suffix.
    """

    source: str
    name: str
    image: Path
    mask: Path


@dataclass(frozen=True)
class Failure:
    """An image that no figure is about, and why."""

    source: str
    name: str
    reason: str


def find_cases(data: Path) -> tuple[list[Case], list[Failure]]:
    """Every image with its mask, in order of source and name; and what lacks one of the two.

    Args:
        data: A source, which is a folder with ``images`` and ``masks``, or a folder of sources. Files belong together
            when their names without suffix are equal; hidden files are left out.

    Raises:
        EvaluationError: there is no source, or no image with a mask.
    """
    if not data.is_dir():
        raise EvaluationError(f"{data}: no such folder")
    folders = [data] if _is_source(data) else sorted(folder for folder in data.iterdir() if _is_source(folder))
    if not folders:
        raise EvaluationError(f"{data} holds no source: a folder with «{IMAGES}» and «{MASKS}», or folders like that")
    cases: list[Case] = []
    failures: list[Failure] = []
    for folder in folders:
        source = folder.resolve().name
        images, masks = _by_stem(folder / IMAGES), _by_stem(folder / MASKS)
        for name in sorted(images.keys() | masks.keys()):
            of_image, of_mask = images.get(name, []), masks.get(name, [])
            if len(of_image) == len(of_mask) == 1:
                cases.append(Case(source, name, of_image[0], of_mask[0]))
            elif len(of_image) > 1 or len(of_mask) > 1:
                files = ", ".join(f"{path.parent.name}/{path.name}" for path in (*of_image, *of_mask))
                failures.append(Failure(source, name, f"several files share this name: {files}"))
            else:
                failures.append(Failure(source, name, "there is no mask" if of_image else "there is no image"))
    if not cases:
        raise EvaluationError(f"{data} holds no image with a mask of the same name")
    return cases, failures


def sources_of(cases: Iterable[Case]) -> list[str]:
    """Their sources, each once, in order."""
    return list(dict.fromkeys(case.source for case in cases))


def _is_source(folder: Path) -> bool:
    return (folder / IMAGES).is_dir() and (folder / MASKS).is_dir()


def _by_stem(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and not path.name.startswith("."):
            found.setdefault(path.stem.removesuffix(".ome"), []).append(path)
    return found
