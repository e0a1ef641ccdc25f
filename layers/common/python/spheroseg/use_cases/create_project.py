"""A new project."""

from collections.abc import Sequence
from dataclasses import dataclass

from spheroseg.domain.project import Project
from spheroseg.domain.viewer import Viewer
from spheroseg.ports import AccountRepository, Clock, IdSource, ProjectRepository


@dataclass(frozen=True)
class CreateProject:
    """Give the viewer an empty project."""

    projects: ProjectRepository
    accounts: AccountRepository
    clock: Clock
    ids: IdSource

    def __call__(
        self,
        viewer: Viewer,
        name: str,
        pixel_size_um: float | None,
        description: str = "",
        tags: Sequence[str] = (),
        *,
        by_profile: bool = False,
    ) -> Project:
        """The project, stored.

        Args:
            name: 1 to 100 characters; several projects may share one.
            pixel_size_um: Edge of one pixel in µm for images whose file does not tell, or None.
            description: Up to 1,000 characters.
            tags: Up to 10, none twice.
            by_profile: Nothing was said of the pixel size: take the one of the viewer's profile, if there is one.
        """
        if by_profile:
            pixel_size_um = self.accounts.get(viewer.user_id).profile.pixel_size_um
        project = Project(
            id=self.ids.new(),
            owner_id=viewer.user_id,
            name=name,
            pixel_size_um=pixel_size_um,
            created_at=self.clock.now(),
            description=description,
            tags=tuple(tags),
            is_pixel_size_of_profile=by_profile and pixel_size_um is not None,
        )
        self.projects.add(project)
        return project
