"""Images as Python calls: found, described, deleted; a part of ``Client``."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from spheroseg_client.answers import items, parsed
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.models import DeletedImage, Image, NamesRead
from spheroseg_client.transport import Session, Transport

PAGE_ITEMS = 200
DELETED_AT_ONCE = 1000


class ImageCalls:
    """What can be done to images that are there."""

    _transport: Transport
    _session: Session

    def find_images(
        self,
        project_id: UUID,
        *,
        status: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        plate: str | None = None,
        well: str | None = None,
        condition: str | None = None,
        created_from: datetime | None = None,
        created_before: datetime | None = None,
        size_from: int | None = None,
        size_to: int | None = None,
        sort: str = "-created_at",
    ) -> Iterator[Image]:
        """The images of a project that pass all filters, read page by page.

        Args:
            status: ``awaiting_upload``, ``refused``, ``without_segmentation``, or that of its latest segmentation.
            name: A part of the name, in whichever case.
            created_from, created_before: Announced from the one time on, before the other; aware.
            size_from, size_to: Bytes, both included.
            sort: ``created_at``, ``name``, ``size_bytes`` or ``well``; with a minus the other way round.
        """
        path = f"/v1/projects/{project_id}/images"
        asked: dict[str, str | int | None] = {
            "status": status,
            "name": name,
            "tag": tag,
            "plate": plate,
            "well": well,
            "condition": condition,
            "created_from": created_from.isoformat() if created_from else None,
            "created_before": created_before.isoformat() if created_before else None,
            "size_from": size_from,
            "size_to": size_to,
            "sort": sort,
        }
        params = {key: value for key, value in asked.items() if value is not None} | {"limit": PAGE_ITEMS}
        while True:
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            yield from items(Image, answer, path)
            cursor = answer.get("next_cursor") if isinstance(answer, dict) else None
            if cursor is None:
                return
            params["cursor"] = cursor

    def change_image(self, image_id: UUID, changes: Mapping[str, object]) -> Image:
        """The image after it; what is not in ``changes`` stays, None takes a field back.

        Args:
            changes: Any of ``name``, ``project_id`` (moves it), ``tags`` (all of them), ``plate``, ``well``,
                ``condition``, ``time_point_h``, ``replicate`` and ``pixel_size_um``.
        """
        path = f"/v1/images/{image_id}"
        body = {key: str(value) if isinstance(value, UUID) else value for key, value in changes.items()}
        answer = self._transport.request("PATCH", path, session=self._session, repeatable=True, json=body)
        return parsed(Image, answer, path)

    def describe_images(self, project_id: UUID, table: str) -> int:
        """How many images a CSV table changed; it is right as a whole, or nothing changes.

        Args:
            table: A heading, then a row for each image: ``id`` or ``name``, and any of ``plate``, ``well``,
                ``condition``, ``time_point_h``, ``replicate``, ``tags`` (separated by ``;``) and ``pixel_size_um``.
        """
        path = f"/v1/projects/{project_id}/images/samples"
        answer = self._transport.request("POST", path, session=self._session, repeatable=True, text=table)
        if not isinstance(answer, dict) or not isinstance(answer.get("changed"), int):
            raise UnexpectedAnswerError(f"{path} answered no number of images")
        changed: int = answer["changed"]
        return changed

    def read_names(self, project_id: UUID, pattern: str, *, dry_run: bool = False) -> NamesRead:
        """What the names of a project's images tell by a pattern of RE2; stored unless it is a ``dry_run``.

        Args:
            pattern: With groups named ``plate``, ``well``, ``condition``, ``time_point_h``, ``replicate``, or ``row``
                and ``column``, such as ``(?P<well>[A-P][0-9]{2})_(?P<time_point_h>[0-9]+)h``.
        """
        path = f"/v1/projects/{project_id}/images/read-names"
        body = {"pattern": pattern, "dry_run": dry_run}
        answer = self._transport.request("POST", path, session=self._session, repeatable=True, json=body)
        return parsed(NamesRead, answer, path)

    def delete_images(self, image_ids: Sequence[UUID]) -> list[DeletedImage]:
        """Remove images with all that was made of them, and tell of each. It cannot be undone."""
        told: list[DeletedImage] = []
        ids = list(dict.fromkeys(image_ids))
        for begin in range(0, len(ids), DELETED_AT_ONCE):
            body = {"ids": [str(image_id) for image_id in ids[begin : begin + DELETED_AT_ONCE]]}
            path = "/v1/images/delete"
            answer = self._transport.request("POST", path, session=self._session, repeatable=True, json=body)
            told.extend(items(DeletedImage, answer, path))
        return told
