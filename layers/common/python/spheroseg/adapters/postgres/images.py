"""Images in PostgreSQL."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from spheroseg.adapters.postgres import accounts, image_changes, image_lists, reuse, segmentations
from spheroseg.adapters.postgres.access import access_of, access_to, visible_project
from spheroseg.adapters.postgres.database import Cursor, Database, Row
from spheroseg.adapters.postgres.keyset import key_values
from spheroseg.adapters.postgres.orders import failure_of, failure_values, order_of, order_values, utc
from spheroseg.domain.access import Accessible
from spheroseg.domain.account import Usage
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.image_list import ImageKey, ImageQuery
from spheroseg.domain.pages import Pages
from spheroseg.domain.paging import PageKey
from spheroseg.domain.sample import Sample
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.viewer import Viewer
from spheroseg.errors import ImageNotFoundError, StaleStateError
from spheroseg.ports import RunOfImage

COLUMNS = """id, project_id, owner_id, name, status, pixel_size_um, size_bytes, etag, model, model_version, parameters,
    page_count, page_axes, page_sizes,
    priority, correlation_id, created_at, stored_at, failure_code, failure_detail, digest, upload_id,
    tags, plate, well, condition, time_point_h, replicate, version, duplicate_of"""

COPIED = tuple(name.strip() for name in COLUMNS.split(","))

COPY = f"COPY images ({COLUMNS}) FROM STDIN"

GET = f"SELECT {COLUMNS} FROM images WHERE id = %(id)s"

ONE = f"""
SELECT {COLUMNS}, access.* FROM images
{access_to("images.project_id")}
WHERE images.id = %(id)s
"""

MANY = f"""
SELECT {COLUMNS}, access.* FROM images
{access_to("images.project_id")}
WHERE images.id = ANY(%(ids)s)
"""

NAMED = f"SELECT {COLUMNS} FROM images WHERE project_id = %(project_id)s AND name = ANY(%(names)s)"

LOCK = f"SELECT {COLUMNS} FROM images WHERE id = ANY(%(ids)s) ORDER BY id FOR UPDATE"

# Answered in order by the index (project_id, created_at, id), read backwards: no sort, no row read in vain.
PAGE = f"""
SELECT {COLUMNS} FROM images
WHERE project_id = {visible_project("%(project_id)s")}
    AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""

UPDATE_WHERE_UNCHANGED = """
UPDATE images SET status = %(status)s, size_bytes = %(size_bytes)s, etag = %(etag)s, stored_at = %(stored_at)s,
    failure_code = %(failure_code)s, failure_detail = %(failure_detail)s, digest = %(digest)s,
    upload_id = %(upload_id)s
WHERE id = %(id)s AND status = %(status_before)s AND upload_id IS NOT DISTINCT FROM %(upload_id_before)s
"""

NOTE_PAGES = """
UPDATE images SET page_count = %(count)s, page_axes = %(axes)s, page_sizes = %(sizes)s
WHERE id = %(id)s AND page_count IS NULL
"""

WITH_DIGESTS = """
SELECT DISTINCT ON (images.digest) images.digest, images.id
FROM projects JOIN images ON images.owner_id = projects.owner_id AND images.project_id = projects.id
WHERE projects.id = %(project_id)s AND images.digest = ANY(%(digests)s) AND images.status = 'stored'
ORDER BY images.digest, images.stored_at, images.id
"""

DELETE = "DELETE FROM images WHERE id = %(id)s"

DELETE_MANY = "DELETE FROM images WHERE id = ANY(%(ids)s)"

RUNS_OF = """
SELECT id, image_id, status IN ('queued', 'running') AS is_open FROM segmentations WHERE image_id = ANY(%(ids)s)
"""

AWAITING_UPLOAD = f"""
SELECT {COLUMNS} FROM images
WHERE status = 'awaiting_upload' AND created_at < %(requested_before)s
    AND (created_at, id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid)
ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""


class PostgresImages:
    """Images in the table ``images``; their runs and spheroids go with them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_many(self, images: Sequence[Image]) -> None:
        """Store new images of one owner, all or none.

        The owner's account is locked until they are stored, so that uploads at the same time see one another.

        Raises:
            QuotaExceededError: the owner's quota has no room for them.
            ConflictError: an id is taken.
        """
        wanted = Usage.of(images)

        def work(cursor: Cursor) -> None:
            for owner_id in {image.owner_id for image in images}:
                accounts.require_room(cursor, owner_id, wanted)
            add(cursor, images)

        self._database.write(work)

    def get(self, image_id: UUID) -> Image:
        """The image whoever owns it, or raise ``ImageNotFoundError``."""
        rows = self._database.latest(GET, {"id": image_id})
        if not rows:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return _image(rows[0])

    def one(self, viewer: Viewer, image_id: UUID) -> Image:
        """An image that the viewer may read, or raise ``ImageNotFoundError``."""
        row = self._database.find(ONE, {"id": image_id, "viewer_id": viewer.user_id}, after=viewer.read_after)
        if row is None:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return _image(row)

    def accessible(self, viewer: Viewer, image_id: UUID) -> Accessible[Image]:
        """The image as last written with what the viewer may do to it, or raise ``ImageNotFoundError``."""
        rows = self._database.latest(ONE, {"id": image_id, "viewer_id": viewer.user_id})
        if not rows:
            raise ImageNotFoundError(f"Image {image_id} does not exist")
        return Accessible(_image(rows[0]), access_of(rows[0]))

    def accessible_many(self, viewer: Viewer, image_ids: Sequence[UUID]) -> Mapping[UUID, Accessible[Image]]:
        """Those of the images that the viewer has a role for, as last written, in one statement."""
        rows = self._database.latest(MANY, {"ids": list(image_ids), "viewer_id": viewer.user_id})
        return {row["id"]: Accessible(_image(row), access_of(row)) for row in rows}

    def named(self, project_id: UUID, names: Sequence[str]) -> Sequence[Image]:
        """Images of a project that have one of the names, as last written."""
        rows = self._database.latest(NAMED, {"project_id": project_id, "names": list(names)})
        return [_image(row) for row in rows]

    def change_many(self, image_ids: Sequence[UUID], changed: Callable[[Image], Image]) -> Sequence[Image]:
        """Store what ``changed`` makes of name, project, owner, tags, sample and pixel size of images, all or none.

        The rows are locked before ``changed`` sees them, so that no change at the same time is lost; it may be called
        more than once for each. Runs move along, and their pixel size follows.

        Returns:
            Those that were changed.

        Raises:
            StaleStateError: one of them is gone.
            QuotaExceededError: an image moves to another owner, who has no room for it.
        """

        def work(cursor: Cursor) -> Sequence[Image]:
            befores = [_image(row) for row in cursor.execute(LOCK, {"ids": list(image_ids)}).fetchall()]
            if len(befores) < len(set(image_ids)):
                raise StaleStateError("One of the images was deleted meanwhile")
            return image_changes.change(cursor, befores, changed)

        return self._database.write(work)

    def page(self, viewer: Viewer, project_id: UUID, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read, newest first, older than ``after``."""
        values = {"viewer_id": viewer.user_id, "project_id": project_id, "limit": limit, **key_values(after)}
        return [_image(row) for row in self._database.read(PAGE, values, after=viewer.read_after)]

    def runs_of(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[RunOfImage]]:
        """All runs of some images, by image, as last written, in one statement."""
        runs: dict[UUID, list[RunOfImage]] = {}
        for row in self._database.latest(RUNS_OF, {"ids": list(image_ids)}):
            runs.setdefault(row["image_id"], []).append(RunOfImage(row["id"], row["is_open"]))
        return runs

    def leave(self, image_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        """Let nothing use results of images that are about to go; by image under which ids files lie that go along."""
        return self._database.write(lambda cursor: reuse.leave(cursor, image_ids))

    def with_digests(self, project_id: UUID, digests: Sequence[str]) -> Mapping[str, UUID]:
        """The image that was stored first with each of the digests, in a project, as last written."""
        rows = self._database.latest(WITH_DIGESTS, {"project_id": project_id, "digests": list(digests)})
        return {row["digest"]: row["id"] for row in rows}

    def delete_many(self, image_ids: Sequence[UUID]) -> None:
        """Remove images, their segmentations and spheroids, together; those that are gone already do not matter."""
        self._database.run(DELETE_MANY, {"ids": list(image_ids)})

    def search(
        self, viewer: Viewer, project_id: UUID, query: ImageQuery, after: ImageKey | None, limit: int
    ) -> Sequence[Image]:
        """Up to ``limit`` images of a project that the viewer may read: those asked for, in their order."""
        sql, values = image_lists.statement(COLUMNS, viewer.user_id, project_id, query, after, limit)
        return [_image(row) for row in self._database.read(sql, values, after=viewer.read_after)]

    def replace(self, before: Image, after: Image) -> None:
        """Store ``after`` where ``before`` still stands, or raise ``StaleStateError``."""
        self._database.write(lambda cursor: _replace(cursor, before, after))

    def accept(self, before: Image, after: Image, segmentation: Segmentation) -> None:
        """Store ``after`` and its queued run together where ``before`` still stands, or raise ``StaleStateError``."""

        def work(cursor: Cursor) -> None:
            _replace(cursor, before, after)
            # The account is locked from here on: of two equal files at once the second sees the first.
            cursor.execute(reuse.MARK_DUPLICATE, {"id": after.id})
            segmentations.add(cursor, segmentation)

        self._database.write(work)

    def note_pages(self, image_id: UUID, pages: Pages) -> None:
        """Store how many pages an image's file has; nothing happens when that is known, or the image gone."""
        values = {"id": image_id, "count": pages.count, "axes": pages.axes, "sizes": list(pages.sizes)}
        self._database.run_alone(NOTE_PAGES, values)

    def delete(self, image: Image) -> None:
        """Remove the image, its segmentations and spheroids; nothing happens when it is gone already."""
        self._database.run(DELETE, {"id": image.id})

    def awaiting_upload(self, requested_before: datetime, after: PageKey | None, limit: int) -> Sequence[Image]:
        """Up to ``limit`` images whose file is awaited since before that time, newest first, past ``after``."""
        values = {"requested_before": requested_before, "limit": limit, **key_values(after)}
        return [_image(row) for row in self._database.latest(AWAITING_UPLOAD, values)]


def add(cursor: Cursor, images: Sequence[Image]) -> None:
    """Store new images within a transaction; whoever adds has made sure of the room."""
    with cursor.copy(COPY) as copy:
        for values in map(_values, images):
            copy.write_row([values[name] for name in COPIED])


def _replace(cursor: Cursor, before: Image, after: Image) -> None:
    values = {**_values(after), "status_before": before.status.value, "upload_id_before": before.upload_id}
    if cursor.execute(UPDATE_WHERE_UNCHANGED, values).rowcount != 1:
        raise StaleStateError(f"Image {before.id} is no longer {before.status}")


def _values(image: Image) -> dict[str, Any]:
    return {
        "id": image.id,
        "project_id": image.project_id,
        "owner_id": image.owner_id,
        "name": image.name,
        "status": image.status.value,
        "pixel_size_um": image.pixel_size_um,
        "size_bytes": image.size_bytes,
        "etag": image.etag,
        "correlation_id": image.correlation_id,
        "created_at": image.created_at,
        "stored_at": image.stored_at,
        "page_count": image.pages.count if image.pages else None,
        "page_axes": image.pages.axes if image.pages else None,
        "page_sizes": list(image.pages.sizes) if image.pages else None,
        **order_values(image.order),
        **failure_values(image.failure),
        "digest": image.digest,
        "upload_id": image.upload_id,
        "tags": list(image.tags),
        "plate": image.sample.plate,
        "well": image.sample.well,
        "condition": image.sample.condition,
        "time_point_h": image.sample.time_point_h,
        "replicate": image.sample.replicate,
        "version": image.version,
        "duplicate_of": image.duplicate_of,
    }


def _pages(row: Row) -> Pages | None:
    if row["page_count"] is None:
        return None
    return Pages(row["page_count"], row["page_axes"], tuple(row["page_sizes"]))


def _image(row: Row) -> Image:
    return Image(
        id=row["id"],
        project_id=row["project_id"],
        owner_id=row["owner_id"],
        name=row["name"],
        status=ImageStatus(row["status"]),
        pixel_size_um=row["pixel_size_um"],
        size_bytes=row["size_bytes"],
        etag=row["etag"],
        order=order_of(row),
        correlation_id=row["correlation_id"],
        created_at=row["created_at"].astimezone(UTC),
        stored_at=utc(row["stored_at"]),
        pages=_pages(row),
        failure=failure_of(row),
        digest=row["digest"],
        upload_id=row["upload_id"],
        tags=tuple(row["tags"]),
        sample=Sample(row["plate"], row["well"], row["condition"], row["time_point_h"], row["replicate"]),
        version=row["version"],
        duplicate_of=row["duplicate_of"],
    )


image_of = _image
"""The image in a row, for statements that stand elsewhere."""
