"""The editor of outlines; numpy and shapely are imported when somebody edits: they would delay every start."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib import import_module

from spheroseg.domain.operations import Operation
from spheroseg.domain.revision import Draft, RevisionDifference
from spheroseg.domain.run_comparison import RunComparison
from spheroseg.domain.spheroid import Polygon, Spheroid
from spheroseg.ports import OutlineEditor

Outline = tuple[Polygon, ...]


class EditorOnDemand:
    """``ShapelyEditor``, made at its first use."""

    def draft(
        self,
        before: Mapping[int, Outline],
        operations: Sequence[Operation],
        size_px: tuple[int, int],
        highest_number: int,
    ) -> Draft:
        """What operations make of the spheroids that they name."""
        return self._editor.draft(before, operations, size_px, highest_number)

    def finished(
        self,
        draft: Draft,
        before: Mapping[int, Spheroid],
        neighbours: Mapping[int, Outline],
        size_px: tuple[int, int],
    ) -> list[Spheroid]:
        """The drafted spheroids with their measures."""
        return self._editor.finished(draft, before, neighbours, size_px)

    def difference(
        self,
        before: tuple[int, Mapping[int, Outline]],
        after: tuple[int, Mapping[int, Outline]],
        unchanged: tuple[int, int],
        width_px: int,
    ) -> RevisionDifference:
        """What became of spheroids, pixel by pixel."""
        return self._editor.difference(before, after, unchanged, width_px)

    def paired(
        self, first: Mapping[int, Outline], second: Mapping[int, Outline], width_px: int, threshold: float
    ) -> RunComparison:
        """Which spheroid of one run is which of another run over the same pixels."""
        return self._editor.paired(first, second, width_px, threshold)

    def coarser(self, outlines: Sequence[tuple[int, bytes]], tolerance_px: float) -> list[tuple[int, bytes]]:
        """Packed outlines for who only looks."""
        return self._editor.coarser(outlines, tolerance_px)

    @cached_property
    def _editor(self) -> OutlineEditor:
        editor: OutlineEditor = import_module("spheroseg.imaging.editing").ShapelyEditor()
        return editor
