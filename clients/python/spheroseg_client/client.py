"""The service as Python calls: projects, images, segmentations, live updates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from uuid import UUID

import httpx

from spheroseg_client.account import AccountCalls
from spheroseg_client.administration import AdminCalls
from spheroseg_client.answers import Found
from spheroseg_client.answers import items as _items
from spheroseg_client.answers import parsed as _parsed
from spheroseg_client.errors import NotSignedInError, ServiceUnreachableError, UnexpectedAnswerError, WorkFailedError
from spheroseg_client.follow import Change, Follower
from spheroseg_client.graph import GraphCalls
from spheroseg_client.images import ImageCalls
from spheroseg_client.imports import ImportCalls
from spheroseg_client.models import (
    GivenTokens,
    Health,
    Image,
    Model,
    Order,
    PageRuns,
    Project,
    QueueStatus,
    Segmentation,
    Spheroid,
)
from spheroseg_client.projects import PAGE_ITEMS, ProjectCalls
from spheroseg_client.reviews import ReviewCalls
from spheroseg_client.revisions import RevisionCalls
from spheroseg_client.runs import RunCalls
from spheroseg_client.statistics import StatisticsCalls
from spheroseg_client.transfers import Progress, download
from spheroseg_client.transport import CALLS_AT_ONCE, RETRY_FOR_S, Session, Tokens, Transport
from spheroseg_client.updates import Updates
from spheroseg_client.uploads import UploadCalls


class Client(
    AccountCalls,
    AdminCalls,
    GraphCalls,
    ImageCalls,
    ImportCalls,
    ProjectCalls,
    ReviewCalls,
    RevisionCalls,
    RunCalls,
    StatisticsCalls,
    UploadCalls,
):
    """One service and one signed-in user; may be used from several threads, ends with ``close``.

    Calls that can be repeated are, with growing pauses, while the connection breaks or the service says that it is
    busy. Whatever this client has written, it also reads.

    Args:
        api_url: The API's address, such as ``https://…``; ``spheroseg up`` prints the local one.
        email, password: Sign-in by password, where the service offers it.
        token: An access token instead; when it ends, calls raise ``NotSignedInError``.
        retry_for_s: How long a call is repeated, in seconds.
        calls_at_once: Calls of the API under way at the same time, over all threads; files are not counted.

    Every call may raise ``ApiError`` with the service's code and detail, ``NotSignedInError``,
    ``ServiceUnreachableError`` or ``UnexpectedAnswerError``.

    Example:
        >>> with Client("http://127.0.0.1:8000", email="…", password="…") as client:
        ...     project = client.create_project("Day 7")
        ...     image = client.upload(project.id, Path("well A1.tif"))
        ...     segmentation = client.wait(image)
        ...     client.download(segmentation.links.labels, Path("labels.tif"))
    """

    def __init__(
        self,
        api_url: str,
        *,
        email: str | None = None,
        password: str | None = None,
        token: str | None = None,
        retry_for_s: float = RETRY_FOR_S,
        calls_at_once: int = CALLS_AT_ONCE,
    ) -> None:
        if token is None and (email is None or password is None):
            raise NotSignedInError("Give an e-mail address and a password, or an access token")
        self._transport = Transport(api_url, retry_for_s, calls_at_once)
        self._credentials = {"email": email, "password": password}
        self._session = Session(None, Tokens(token)) if token is not None else Session(self._sign_in)

    @property
    def api_url(self) -> str:
        """The API's address."""
        return self._transport.api_url

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def stop_retrying(self) -> None:
        """From now on a fault is reported at once, also of calls under way; for a program that is about to end."""
        self._transport.stop_retrying()

    def check(self, retry_for_s: float | None = None) -> None:
        """Return when the service answers and accepts the credentials; raise otherwise.

        Args:
            retry_for_s: How long it is tried; None: as long as every call.
        """
        with self._transport.retrying_for(retry_for_s):
            next(self._pages("/v1/projects", Project), None)

    def health(self) -> Health:
        """Whether the service and the parts behind it answer; also while it is not ready."""
        url = f"{self._transport.api_url}/health/detailed"
        try:
            answer: object = self._transport.http.get(url).json()
        except httpx.HTTPError as error:
            raise ServiceUnreachableError(f"{url} does not answer") from error
        except ValueError as error:
            raise UnexpectedAnswerError(f"{url} answered something that is not JSON") from error
        return _parsed(Health, answer, "/health/detailed")

    # Images

    def images(self, project_id: UUID) -> Iterator[Image]:
        """All images of a project, newest first, each with its latest segmentation, read page by page."""
        return self._pages(f"/v1/projects/{project_id}/images", Image)

    def image(self, image_id: UUID) -> Image:
        """One image with its latest segmentation."""
        return self._read(f"/v1/images/{image_id}", Image)

    def delete_image(self, image_id: UUID) -> None:
        """Remove an image, its file and all its results. It cannot be undone."""
        self._transport.request("DELETE", f"/v1/images/{image_id}", session=self._session, repeatable=True)

    # Segmentations

    def segment(self, image_id: UUID, order: Order) -> Segmentation:
        """Another run over an image; the same model and parameters give the run that exists."""
        body = order.model_dump(exclude_none=True)
        return self._write(f"/v1/images/{image_id}/segmentations", Segmentation, body, repeatable=True)

    def segmentation(self, segmentation_id: UUID) -> Segmentation:
        """One run, with links to its files once it succeeded."""
        return self._read(f"/v1/segmentations/{segmentation_id}", Segmentation)

    def segment_pages(
        self, image_id: UUID, pages: str | Sequence[int], order: Order, channel: int | None = None
    ) -> PageRuns:
        """A run for each of some pages of a stack; a repeat gives the same runs.

        Args:
            pages: ``all``, numbers and ranges such as ``1-20,25``, or numbers; the first page is 1, and 1,000 are taken
                at once. How many there are is known once a run has decoded the file (``Image.pages``).
            order: What is run over each; its own page does not matter.
            channel: Only those of the pages that are of this channel, the first is 1; None: of every channel.
        """
        body = order.model_dump(exclude_none=True)
        body["parameters"].pop("page")
        body |= {"pages": pages if isinstance(pages, str) else list(pages), "channel": channel}
        return self._write(f"/v1/images/{image_id}/page-segmentations", PageRuns, body, repeatable=True)

    def segmentations(self, image_id: UUID, page: int | None = None) -> Iterator[Segmentation]:
        """All runs over an image, or over one page of its file, the latest first, read page by page."""
        only = {} if page is None else {"page": page}
        return self._pages(f"/v1/images/{image_id}/segmentations", Segmentation, only)

    def cancel(self, segmentation_id: UUID) -> Segmentation:
        """The run, stopped; one that has ended already raises ``ApiError`` with the code ``illegal-move``."""
        path = f"/v1/segmentations/{segmentation_id}/cancel"
        return self._write(path, Segmentation, None, repeatable=True)

    def spheroids(self, segmentation_id: UUID, revision: int | None = None) -> Iterator[Spheroid]:
        """The spheroids of a run that succeeded, in order of their numbers, read page by page.

        Args:
            revision: Of their outlines, 0 is the segmenter's own; None: the newest when the first page is read, also
                for the others.
        """
        return self._pages(f"/v1/segmentations/{segmentation_id}/spheroids", Spheroid, keep="revision", kept=revision)

    def download(self, url: str, path: Path, progress: Progress = lambda _: None) -> None:
        """Bring a file of ``Segmentation.links`` to ``path``, which is there as a whole or not at all."""
        download(self._transport, url, path, progress)

    # Live

    def follower(self, project_id: UUID, *, push: bool = True) -> Follower:
        """Something that watches images of a project; images are added to it while it runs.

        Args:
            push: False: only ask from time to time, open no socket.
        """
        updates = Updates(self.socket_ticket, use_proxy=self._transport.trusts_environment) if push else None
        return Follower(lambda: self.images(project_id), updates)

    def follow(self, project_id: UUID, image_ids: Iterable[UUID]) -> Iterator[Change]:
        """What becomes of the images, as it happens, until each has come to an end."""
        follower = self.follower(project_id)
        for image_id in image_ids:
            follower.add(image_id)
        follower.no_more()
        return iter(follower)

    def wait(self, image: Image) -> Segmentation:
        """The image's latest segmentation when it has ended.

        Raises:
            WorkFailedError: the file was refused, or deleted meanwhile.
        """
        for change in self.follow(image.project_id, [image.id]):
            if change.is_final and change.segmentation_id is not None:
                return self.segmentation(change.segmentation_id)
        raise refusal_of(self.image(image.id))

    # About the service

    def models(self) -> Sequence[Model]:
        """Every model that can be run."""
        return self._all("/v1/models", Model)

    def queue(self) -> QueueStatus:
        """What waits and runs now."""
        return self._read("/v1/queue", QueueStatus)

    def _sign_in(self, refresh_token: str | None) -> Tokens:
        if refresh_token is not None:
            try:
                tokens = self._tokens("/v1/auth/refresh", {"refresh_token": refresh_token})
            except NotSignedInError:
                pass  # the refresh token has ended too; the password is still at hand
            else:
                return Tokens(tokens.access_token, tokens.refresh_token or refresh_token, tokens.expires_in_s)
        return self._tokens("/v1/auth/sign-in", self._credentials)

    def _tokens(self, path: str, body: Mapping[str, object]) -> Tokens:
        answer = self._transport.request("POST", path, session=None, repeatable=True, json=body)
        given = _parsed(GivenTokens, answer, path)
        return Tokens(given.access_token, given.refresh_token, given.expires_in_s)

    def _read(self, path: str, kind: type[Found], params: Mapping[str, str | int] | None = None) -> Found:
        answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
        return _parsed(kind, answer, path)

    def _write(self, path: str, kind: type[Found], body: object, *, repeatable: bool) -> Found:
        answer = self._transport.request("POST", path, session=self._session, repeatable=repeatable, json=body)
        return _parsed(kind, answer, path)

    def _all(self, path: str, kind: type[Found]) -> list[Found]:
        answer = self._transport.request("GET", path, session=self._session, repeatable=True)
        return _items(kind, answer, path)

    def _pages(
        self,
        path: str,
        kind: type[Found],
        only: Mapping[str, int] | None = None,
        *,
        keep: str | None = None,
        kept: int | None = None,
    ) -> Iterator[Found]:
        """All items of a list.

        Args:
            keep: Name of what the first page says and the others are asked for.
            kept: It, where it is known before.
        """
        cursor: str | None = None
        while True:
            params: dict[str, str | int] = {"limit": PAGE_ITEMS, **(only or {})}
            if keep is not None and kept is not None:
                params[keep] = kept
            if cursor is not None:
                params["cursor"] = cursor
            answer = self._transport.request("GET", path, session=self._session, repeatable=True, params=params)
            yield from _items(kind, answer, path)
            if not isinstance(answer, dict) or answer.get("next_cursor") is None:
                return
            cursor = answer["next_cursor"]
            if keep is not None and kept is None:
                kept = answer.get(keep)


def refusal_of(image: Image) -> WorkFailedError:
    """Why an image came to an end without a segmentation."""
    if image.failure:
        return WorkFailedError(image.failure.detail, image.failure.code)
    return WorkFailedError(f"{image.name} is {image.status} and has no segmentation")
