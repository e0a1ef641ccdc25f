"""What PostgreSQL keeps, in dicts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from spheroseg.domain.access import Access, Accessible, Role
from spheroseg.domain.account import Account, Profile, Quota, Usage
from spheroseg.domain.backlog import RATE_WINDOW, Backlog
from spheroseg.domain.fairness import Held, released
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageKey, ImageQuery, ImageState, SortValue
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.project import PLACE_OF_RUN, PLACES, Project, ProjectStatistics
from spheroseg.domain.run_progress import sent_before
from spheroseg.domain.segmentation import PixelSizeSource, Priority, Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Spheroid
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import (
    ConflictError,
    ImageNotFoundError,
    ProjectNotFoundError,
    SegmentationNotFoundError,
    StaleStateError,
    UnknownTicketError,
)
from spheroseg.ports import RunOfImage


@dataclass
class InMemoryProjects:
    """Projects in a dict; ``members`` holds the roles of all but the owners, by project and person."""

    rows: dict[UUID, Project] = field(default_factory=dict)
    members: dict[tuple[UUID, str], Role] = field(default_factory=dict)
    deleted: set[UUID] = field(default_factory=set)

    def access(self, viewer: Viewer, project_id: UUID, owner_id: str | None = None) -> Access | None:
        """What the viewer may do there; None: nothing.

        PostgreSQL has no image without its project. Here a project that is not there belongs to ``owner_id``, so that a
        test of images needs none.
        """
        project = self.rows.get(project_id)
        if project_id in self.deleted:
            return None
        if (project.owner_id if project else owner_id) == viewer.user_id:
            role: Role | None = Role.OWNER
        else:
            role = self.members.get((project_id, viewer.user_id))
        return Access(role, project is not None and project.archived_at is not None) if role else None

    def add(self, project: Project) -> None:
        if project.id in self.rows:
            raise ConflictError(f"Project {project.id} exists")
        self.rows[project.id] = project

    def get(self, project_id: UUID) -> Project:
        if project_id not in self.rows or project_id in self.deleted:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return self.rows[project_id]

    def one(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        project, access = self.get(project_id), self.access(viewer, project_id)
        if access is None:
            raise ProjectNotFoundError(f"Project {project_id} does not exist")
        return Accessible(project, access)

    def accessible(self, viewer: Viewer, project_id: UUID) -> Accessible[Project]:
        return self.one(viewer, project_id)

    def replace(self, before: Project, after: Project) -> None:
        stored = self.rows.get(before.id)
        if stored is None or before.id in self.deleted or stored.version != before.version:
            raise StaleStateError("The project was changed just now")
        self.rows[after.id] = replace(after, owner_id=stored.owner_id)

    def page(
        self,
        viewer: Viewer,
        after: PageKey | None,
        limit: int,
        *,
        archived: bool | None = None,
        tag: str | None = None,
    ) -> Sequence[Accessible[Project]]:
        past = sorted((row for row in self.rows.values() if _is_past(row, after)), key=_age, reverse=True)
        found = ((row, self.access(viewer, row.id)) for row in past)
        return [
            Accessible(row, access)
            for row, access in found
            if access and (archived is None or access.is_archived is archived) and (tag is None or tag in row.tags)
        ][:limit]


@dataclass
class InMemorySegmentations:
    """Segmentations and their spheroids in dicts."""

    rows: dict[UUID, Segmentation] = field(default_factory=dict)
    found: dict[UUID, list[Spheroid]] = field(default_factory=dict)
    projects: InMemoryProjects = field(default_factory=InMemoryProjects)

    def add(self, segmentation: Segmentation) -> bool:
        if segmentation.id in self.rows:
            return False
        self.rows[segmentation.id] = segmentation
        return True

    def add_many(self, segmentations: Sequence[Segmentation]) -> None:
        for segmentation in segmentations:
            self.add(segmentation)

    def get_many(self, segmentation_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        return {id_: self.rows[id_] for id_ in segmentation_ids if id_ in self.rows}

    def get(self, segmentation_id: UUID) -> Segmentation:
        if segmentation_id not in self.rows:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return self.rows[segmentation_id]

    def one(self, viewer: Viewer, segmentation_id: UUID) -> Segmentation:
        return self.accessible(viewer, segmentation_id).item

    def accessible(self, viewer: Viewer, segmentation_id: UUID) -> Accessible[Segmentation]:
        segmentation = self.get(segmentation_id)
        access = self.projects.access(viewer, segmentation.project_id, segmentation.owner_id)
        if access is None:
            raise SegmentationNotFoundError(f"Segmentation {segmentation_id} does not exist")
        return Accessible(segmentation, access)

    def of_image(self, viewer: Viewer, image_id: UUID) -> Sequence[Segmentation]:
        mine = [
            row
            for row in self.rows.values()
            if row.image_id == image_id and self.projects.access(viewer, row.project_id, row.owner_id)
        ]
        return sorted(mine, key=lambda row: (row.queued_at, row.id), reverse=True)

    def page_of_image(
        self, viewer: Viewer, image_id: UUID, page: int | None, after: PageKey | None, limit: int
    ) -> Sequence[Segmentation]:
        past = [
            row
            for row in self.of_image(viewer, image_id)
            if after is None or (row.queued_at, row.id) < (after.created_at, after.id)
        ]
        return [row for row in past if page in {None, row.order.parameters.page}][:limit]

    def latest_of_images(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        runs = {image_id: self.of_image(viewer, image_id) for image_id in image_ids}
        return {image_id: found[0] for image_id, found in runs.items() if found}

    def replace(self, before: Segmentation, after: Segmentation) -> None:
        self._require(before)
        self.rows[after.id] = after

    def finish(self, before: Segmentation, after: Segmentation, spheroids: Iterable[Spheroid]) -> None:
        self._require(before)
        self.found[after.id] = sorted(spheroids, key=lambda spheroid: spheroid.number)
        self.rows[after.id] = after

    def keep_alive(self, segmentation: Segmentation, at: datetime) -> None:
        self._require(segmentation)
        self.rows[segmentation.id] = replace(self.rows[segmentation.id], alive_at=at)

    def spheroids(self, viewer: Viewer, segmentation_id: UUID, after_number: int, limit: int) -> Sequence[Spheroid]:
        run = self.rows.get(segmentation_id)
        if run is None or not self.projects.access(viewer, run.project_id, run.owner_id):
            return []
        return [found for found in self.found.get(segmentation_id, []) if found.number > after_number][:limit]

    def stalled(self, queued_before: datetime, alive_before: datetime, limit: int) -> Sequence[Segmentation]:
        waiting = [
            (row.sent_at, row.id)
            for row in self._in(SegmentationStatus.QUEUED)
            if row.sent_at is not None and max(row.sent_at, row.queued_at) < queued_before
        ]
        silent = [
            (row.alive_at, row.id)
            for row in self._in(SegmentationStatus.RUNNING)
            if row.alive_at is not None and row.alive_at < alive_before
        ]
        return [self.rows[id_] for _, id_ in sorted(waiting + silent)[:limit]]

    def rim_px(self, segmentation_ids: Sequence[UUID]) -> float:
        return sum(one.measures.perimeter_with_holes_px for id_ in segmentation_ids for one in self.found.get(id_, []))

    def release(self, at: datetime) -> Sequence[Segmentation]:
        waiting = self._in(SegmentationStatus.QUEUED)
        sent = [row for row in waiting if row.sent_at is not None]
        in_flight = Counter(row.share for row in [*sent, *self._in(SegmentationStatus.RUNNING)])
        held = [Held(row.id, row.share, row.urgency, row.queued_at) for row in waiting if row.sent_at is None]
        ids = released(held, in_flight)
        self.rows |= {id_: self.rows[id_].sent(at) for id_ in ids}
        return [self.rows[id_] for id_ in ids]

    def hold(self, segmentation_ids: Sequence[UUID]) -> None:
        for id_ in segmentation_ids:
            if id_ in self.rows and self.rows[id_].status is SegmentationStatus.QUEUED:
                self.rows[id_] = replace(self.rows[id_], sent_at=None)

    def latest_repeats(self, first_ids: Sequence[UUID]) -> Mapping[UUID, Segmentation]:
        latest: dict[UUID, Segmentation] = {}
        for row in self.rows.values():
            if row.first_id in first_ids and row.repeat >= latest.get(row.first_id, row).repeat:
                latest[row.first_id] = row
        return latest

    def backlog(self, now: datetime, segmentation: Segmentation | None = None) -> Backlog:
        waiting = self._in(SegmentationStatus.QUEUED)
        ended = [
            (row.finished_at - row.started_at).total_seconds()
            for row in self._in(SegmentationStatus.SUCCEEDED, SegmentationStatus.FAILED)
            if row.started_at and row.finished_at and row.finished_at > now - RATE_WINDOW
        ]
        ahead = None
        if segmentation is not None and segmentation.status is SegmentationStatus.QUEUED:
            ahead = self._ahead(segmentation, waiting)
        return Backlog(
            queued=len(waiting),
            running=len(self._in(SegmentationStatus.RUNNING)),
            finished_recently=len(ended),
            window_s=RATE_WINDOW.total_seconds(),
            busy_s=sum(ended),
            ahead=ahead,
            held=sum(row.sent_at is None for row in waiting),
        )

    def _ahead(self, run: Segmentation, waiting: Sequence[Segmentation]) -> int:
        if run.sent_at is None:
            return max(0, self.sent_before([run]) - 1)
        urgency = list(Priority)
        own = (urgency.index(run.order.priority), run.sent_at)
        return sum((urgency.index(row.order.priority), row.sent_at) < own for row in waiting if row.sent_at)

    def sent_before(self, runs: Sequence[Segmentation]) -> int:
        """Waiting runs that are sent before and with the last of these."""
        waiting = self._in(SegmentationStatus.QUEUED)
        held = sorted(
            (row for row in waiting if row.sent_at is None), key=lambda row: (-row.urgency, row.queued_at, row.id)
        )
        places: dict[str, int] = {}
        for share in {run.share for run in runs if run.sent_at is None}:
            own = [row.id for row in held if row.share == share]
            places[share] = 1 + max(own.index(run.id) for run in runs if run.share == share and run.id in own)
        return sent_before(len(waiting) - len(held), Counter(row.share for row in held), places)

    def _in(self, *statuses: SegmentationStatus) -> list[Segmentation]:
        return [row for row in self.rows.values() if row.status in statuses]

    def _require(self, before: Segmentation) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.attempt) != (before.status, before.attempt):
            raise StaleStateError(f"Segmentation {before.id} is no longer {before.status}")


@dataclass
class InMemoryImages:
    """Images in a dict, beside the segmentations that are stored and deleted together with them."""

    segmentations: InMemorySegmentations = field(default_factory=InMemorySegmentations)
    rows: dict[UUID, Image] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)

    def account(self, owner_id: str) -> Account:
        """Quota and usage of an owner, without a profile."""
        usage = Usage.of(row for row in self.rows.values() if row.owner_id == owner_id)
        return Account(owner_id, quota=self.quotas.get(owner_id, Quota()), usage=usage)

    def add_many(self, images: Sequence[Image]) -> None:
        wanted = Usage.of(images)
        for owner_id in {image.owner_id for image in images} if wanted.images else ():
            self.account(owner_id).require_room(wanted)
        ids = [image.id for image in images]
        if len(set(ids)) < len(ids) or any(id_ in self.rows for id_ in ids):
            raise ConflictError("One of the images exists")
        self.rows.update(zip(ids, images, strict=True))

    def get(self, image_id: UUID) -> Image:
        if image_id not in self.rows:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return self.rows[image_id]

    @property
    def projects(self) -> InMemoryProjects:
        """Where the roles stand."""
        return self.segmentations.projects

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        return self.accessible(viewer, image_id).item

    def accessible(self, viewer: Viewer, image_id: UUID) -> Accessible[Image]:
        image = self.get(image_id)
        access = self.projects.access(viewer, image.project_id, image.owner_id)
        if access is None:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return Accessible(image, access)

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        mine = [
            row
            for row in self.rows.values()
            if row.project_id == project_id and self.projects.access(viewer, project_id, row.owner_id)
        ]
        return sorted((row for row in mine if _is_past(row, after)), key=_age, reverse=True)[:limit]

    def runs_of(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RunOfImage]]:
        runs: dict[UUID, list[RunOfImage]] = {}
        for run in self.segmentations.rows.values():
            if run.image_id in image_ids:
                runs.setdefault(run.image_id, []).append(RunOfImage(run.id, not run.status.is_final))
        return runs

    def delete_many(self, image_ids: Sequence[UUID]) -> None:
        for image_id in image_ids:
            if image_id in self.rows:
                self.delete(self.rows[image_id])

    def search(
        self, viewer: Viewer, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Sequence[Image]:
        def place(image: Image) -> tuple[SortValue, UUID]:
            return query.sort.value_of(image), image.id

        found = [
            row
            for row in self.rows.values()
            if row.project_id == project_id
            and self.projects.access(viewer, project_id, row.owner_id)
            and query.takes(row, self._state(row))
        ]
        if after is not None:
            past = (after.value, after.id)
            found = [row for row in found if (place(row) < past if query.sort.is_descending else place(row) > past)]
        return sorted(found, key=place, reverse=query.sort.is_descending)[:limit]

    def _state(self, image: Image) -> ImageState:
        runs = [run for run in self.segmentations.rows.values() if run.image_id == image.id]
        latest = max(runs, key=lambda run: (run.queued_at, run.id), default=None)
        return ImageState.of(image, latest.status if latest else None)

    def accessible_many(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Image]]:
        found = {}
        for row in [self.rows[id_] for id_ in image_ids if id_ in self.rows]:
            if access := self.projects.access(viewer, row.project_id, row.owner_id):
                found[row.id] = Accessible(row, access)
        return found

    def named(self, project_id: UUID, names: Sequence[str]) -> Sequence[Image]:
        return [row for row in self.rows.values() if row.project_id == project_id and row.name in names]

    def change_many(self, image_ids: Sequence[UUID], changed: Callable[[Image], Image]) -> Sequence[Image]:
        if any(id_ not in self.rows for id_ in image_ids):
            raise StaleStateError("One of the images was deleted meanwhile")
        pairs = [(self.rows[id_], changed(self.rows[id_])) for id_ in dict.fromkeys(image_ids)]
        pairs = [(before, after) for before, after in pairs if before != after]
        for owner_id in {after.owner_id for before, after in pairs if after.owner_id != before.owner_id}:
            arriving = [after for before, after in pairs if after.owner_id == owner_id != before.owner_id]
            self.account(owner_id).require_room(Usage.of(arriving))
        for _, after in pairs:
            self._store(after)
            self._follow(after)
        return [after for _, after in pairs]

    def _store(self, after: Image) -> None:
        self.rows[after.id] = replace(after, version=self.rows[after.id].version + 1)

    def _follow(self, image: Image) -> None:
        """Runs move along with their image, and their pixel size follows."""
        project = self.projects.rows.get(image.project_id)
        for run in [run for run in self.segmentations.rows.values() if run.image_id == image.id]:
            result = run.result
            if result is not None:
                result = replace(result, pixel_size_um=None, pixel_size_source=None)
                for size_um, source in (
                    (image.pixel_size_um, PixelSizeSource.USER),
                    (result.file_pixel_size_um, PixelSizeSource.FILE),
                    (project.pixel_size_um if project else None, PixelSizeSource.PROJECT),
                ):
                    if size_um is not None:
                        result = replace(result, pixel_size_um=size_um, pixel_size_source=source)
                        break
            self.segmentations.rows[run.id] = replace(
                run, project_id=image.project_id, owner_id=image.owner_id, result=result
            )

    def replace(self, before: Image, after: Image) -> None:
        stored = self.rows.get(before.id)
        if stored is None or (stored.status, stored.upload_id) != (before.status, before.upload_id):
            raise StaleStateError(f"Image {before.id} is no longer {before.status}")
        self._store(after)

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        self.replace(before, after)
        self.segmentations.add(segmentation)

    def note_pages(self, image_id: UUID, pages: Pages) -> None:
        image = self.rows.get(image_id)
        if image is not None and image.pages is None:
            self.rows[image_id] = replace(image, pages=pages)

    def delete(self, image: Image) -> None:
        self.rows.pop(image.id, None)
        for run in [run for run in self.segmentations.rows.values() if run.image_id == image.id]:
            del self.segmentations.rows[run.id]
            self.segmentations.found.pop(run.id, None)

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        late = [
            row
            for row in self.rows.values()
            if row.status is ImageStatus.AWAITING_UPLOAD and row.created_at < requested_before and _is_past(row, after)
        ]
        return sorted(late, key=_age, reverse=True)[:limit]


@dataclass
class InMemoryProjectStatistics:
    """Counts over the images and runs of the other fakes."""

    images: InMemoryImages

    def of(self, viewer: Viewer, project_id: UUID) -> ProjectStatistics:
        project = self.images.projects.one(viewer, project_id).item
        counts = dict.fromkeys(PLACES, 0)
        times = [project.created_at, project.updated_at]
        size_bytes = spheroids = 0
        for image in self.images.rows.values():
            if image.project_id != project_id:
                continue
            runs = self.images.segmentations.of_image(viewer, image.id)
            times += [image.created_at, image.stored_at, *(run.finished_at for run in runs[:1])]
            place: str = image.status
            if image.status is ImageStatus.STORED:
                size_bytes += image.size_bytes or 0
                place = PLACE_OF_RUN.get(runs[0].status, runs[0].status) if runs else "without_segmentation"
            counts[place] += 1
            spheroids += next((run.result.spheroid_count for run in runs if run.result), 0)
        return ProjectStatistics(counts, size_bytes, spheroids, max(time for time in times if time))


@dataclass
class InMemoryAccounts:
    """Profiles in a dict, beside the images that take the room."""

    images: InMemoryImages
    profiles: dict[str, Profile] = field(default_factory=dict)

    def one(self, viewer: Viewer) -> Account:
        return self.get(viewer.user_id)

    def get(self, user_id: str) -> Account:
        return replace(self.images.account(user_id), profile=self.profiles.get(user_id, Profile()))

    def replace_profile(self, user_id: str, profile: Profile) -> None:
        self.profiles[user_id] = profile

    def hand_over(self, project_id: UUID, user_id: str) -> None:
        """Let a project's images count for somebody else."""
        images = [image for image in self.images.rows.values() if image.project_id == project_id]
        self.get(user_id).require_room(Usage.of(images))
        for image in images:
            self.images.rows[image.id] = replace(image, owner_id=user_id)


@dataclass
class InMemoryWatchers:
    """Connections and tickets in dicts."""

    projects: InMemoryProjects = field(default_factory=InMemoryProjects)
    tickets: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    connections: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def add_ticket(self, ticket_hash: str, owner_id: str, expires_at: datetime) -> None:
        self.tickets[ticket_hash] = (owner_id, expires_at)

    def redeem_ticket(self, ticket_hash: str, at: datetime) -> str:
        owner_id, expires_at = self.tickets.pop(ticket_hash, ("", at))
        if expires_at <= at:
            raise UnknownTicketError("The ticket was never issued, was used before, or is too old")
        return owner_id

    def add(self, connection_id: str, owner_id: str, at: datetime) -> None:
        self.connections[connection_id] = (owner_id, at)

    def remove(self, connection_id: str) -> None:
        self.connections.pop(connection_id, None)

    def of_owner(self, owner_id: str) -> Sequence[str]:
        """For tests to look at: the open connections of one person."""
        return sorted(id_ for id_, (owner, _) in self.connections.items() if owner == owner_id)

    def of_project(self, project_id: UUID) -> Sequence[str]:
        return sorted(
            id_
            for id_, (owner, _) in self.connections.items()
            if project_id in self.projects.rows and self.projects.access(Viewer(owner), project_id)
        )

    def remove_older_than(self, at: datetime) -> int:
        old = [id_ for id_, (_, since) in self.connections.items() if since < at]
        for id_ in old:
            del self.connections[id_]
        self.tickets = {hash_: ticket for hash_, ticket in self.tickets.items() if ticket[1] >= at}
        return len(old)


def _age(row: Project | Image) -> tuple[datetime, UUID]:
    return row.created_at, row.id


def _is_past(row: Project | Image, after: PageKey | None) -> bool:
    return after is None or _age(row) < (after.created_at, after.id)
