"""What is said of images changes: of one by its fields, of many by a table or by their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from spheroseg.domain.access import Action
from spheroseg.domain.image import Image
from spheroseg.domain.name_pattern import fields_of, require_fields, require_length
from spheroseg.domain.paging import PageKey
from spheroseg.domain.sample_table import MAX_FAULTS, TableRow, read_table
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ImageNotFoundError, InvalidSampleError, InvalidTableError, TableFault, TooManyImagesError
from spheroseg.ports import ImageRepository, Patterns, ProjectRepository

MAX_IMAGES = 10_000
"""Images that one call changes; all of them are locked until it is done."""
BATCH = 1000


@dataclass(frozen=True)
class NameRead:
    """What the name of an image tells; None: the pattern does not match it."""

    image: Image
    fields: Mapping[str, str | float | int] | None


@dataclass(frozen=True)
class ChangeImages:
    """Change images of projects that the viewer may write to; runs move along, µm values follow pixel sizes."""

    projects: ProjectRepository
    images: ImageRepository
    patterns: Patterns

    def one(self, viewer: Viewer, image_id: UUID, changes: Mapping[str, Any]) -> Image:
        """The image after it.

        Args:
            changes: As ``Image.described`` takes them, without ``owner_id``; ``project_id`` moves the image.

        Raises:
            ImageNotFoundError, ProjectNotFoundError: the viewer has no role in its project, or in the one it moves to.
            RoleTooLowError, ProjectArchivedError: the viewer may not write in one of the two.
            QuotaExceededError: it moves to another owner, who has no room for it.
        """
        image = self.images.accessible(viewer, image_id).to(Action.WRITE)
        fields = dict(changes)
        if "project_id" in fields and fields["project_id"] != image.project_id:
            project = self.projects.accessible(viewer, fields["project_id"]).to(Action.WRITE)
            fields["owner_id"] = project.owner_id
        self.images.change_many([image.id], lambda current: current.described(fields))
        return self.images.get(image_id)

    def by_table(self, viewer: Viewer, project_id: UUID, text: str) -> Sequence[Image]:
        """The images that a CSV table changes; it is right as a whole, or nothing changes.

        Raises:
            ProjectNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not write there.
            InvalidTableError: with everything that is wrong, by row and column.
        """
        self.projects.accessible(viewer, project_id).to(Action.WRITE)
        rows = read_table(text)
        fields_by_id = self._matched(viewer, project_id, rows)
        return self.images.change_many(list(fields_by_id), lambda current: current.described(fields_by_id[current.id]))

    def by_names(self, viewer: Viewer, project_id: UUID, pattern: str, *, dry_run: bool) -> Sequence[NameRead]:
        """What the names of a project's images tell by a pattern, the newest first; stored unless it is a ``dry_run``.

        Raises:
            ProjectNotFoundError, RoleTooLowError, ProjectArchivedError: the viewer may not write there.
            InvalidPatternError: it is none, or names no field.
            InvalidSampleError: a name tells a well, time or replicate that is none; then nothing changes.
            TooManyImagesError: the project has more than 10,000 images.
        """
        self.projects.accessible(viewer, project_id).to(Action.WRITE)
        require_length(pattern)
        compiled = self.patterns.compile(pattern)
        require_fields(compiled)
        read: list[NameRead] = []
        for image in self._all(viewer, project_id):
            try:
                read.append(NameRead(image, fields_of(compiled, image.name)))
            except InvalidSampleError as error:
                raise InvalidSampleError(f"{image.name}: {error}") from error
        told = {each.image.id: each.fields for each in read if each.fields}
        if not dry_run and told:
            self.images.change_many(list(told), lambda current: current.described(told[current.id]))
        return read

    def _all(self, viewer: Viewer, project_id: UUID) -> Sequence[Image]:
        images: list[Image] = []
        after: PageKey | None = None
        while page := self.images.page(viewer, project_id, after, BATCH):
            images.extend(page)
            if len(images) > MAX_IMAGES:
                raise TooManyImagesError(f"The project has more than {MAX_IMAGES} images; tell them by a table instead")
            after = PageKey(page[-1].created_at, page[-1].id)
        return images

    def _matched(self, viewer: Viewer, project_id: UUID, rows: Sequence[TableRow]) -> dict[UUID, Mapping[str, Any]]:
        """Fields by image, or ``InvalidTableError`` with every row that names none, two, or one again."""
        named: dict[str, list[UUID]] = {}
        for image in self.images.named(project_id, [row.name for row in rows if row.image_id is None and row.name]):
            named.setdefault(image.name, []).append(image.id)
        ids = [row.image_id for row in rows if row.image_id is not None]
        own = {
            image_id
            for image_id, found in self.images.accessible_many(viewer, ids).items()
            if found.item.project_id == project_id
        }
        faults: list[TableFault] = []
        fields_by_id: dict[UUID, Mapping[str, Any]] = {}
        for row in rows:
            column = "name" if row.image_id is None else "id"
            try:
                image_id = row.image_id if row.image_id and row.image_id in own else _only(row, named)
            except ImageNotFoundError as error:
                faults.append(TableFault(row.number, column, str(error)))
                continue
            if image_id in fields_by_id:
                faults.append(TableFault(row.number, column, "The image is in an earlier row, too"))
            fields_by_id[image_id] = row.fields
        if faults:
            raise InvalidTableError.of(faults[:MAX_FAULTS])
        return fields_by_id


def _only(row: TableRow, named: Mapping[str, Sequence[UUID]]) -> UUID:
    found = named.get(row.name or "", ()) if row.image_id is None else ()
    if len(found) == 1:
        return found[0]
    if found:
        raise ImageNotFoundError(f"{len(found)} images have the name {row.name!r}; tell them by their ids")
    raise ImageNotFoundError("There is no such image in this project")
