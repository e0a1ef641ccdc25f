"""Reads that many ask for again and again."""

from collections.abc import Callable
from typing import Protocol, TypeVar
from uuid import UUID

from spheroseg.domain.viewer import Viewer

Found = TypeVar("Found")


class HotReads(Protocol):
    """What was read before, as long as nothing of it has changed."""

    def of_project(
        self, viewer: Viewer, project_id: UUID, question: str, kind: type[Found], read: Callable[[Viewer], Found]
    ) -> Found:
        """What ``read`` gives, now or when somebody asked before and nothing below the project has changed since.

        The viewer's role is looked up each time, before anything else. What is read must be the same for everybody who
        may read the project.

        Args:
            question: What is asked about the project, with all that the answer depends on.
            kind: What the answer is, made of dataclasses and what JSON holds.
            read: Reads it for a viewer.

        Raises:
            ProjectNotFoundError: the viewer has no role there.
        """

    def of_viewer(self, viewer: Viewer, question: str, kind: type[Found], read: Callable[[Viewer], Found]) -> Found:
        """The same of what a viewer alone sees: their projects, with their roles in them."""
