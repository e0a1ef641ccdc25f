"""Following with a real socket that misbehaves, and a list of images that can be asked."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from websockets.sync.server import ServerConnection, serve

from spheroseg_client import follow, jobs
from spheroseg_client.errors import ServiceUnreachableError
from spheroseg_client.follow import Follower
from spheroseg_client.models import Image, Parameters, Segmentation, SocketTicket
from spheroseg_client.updates import Updates

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def a_message(image_id: UUID, status: str, **changes: object) -> str:
    message = {
        "type": "segmentation_changed",
        "version": 1,
        "segmentation_id": str(image_id),
        "image_id": str(image_id),
        "project_id": str(image_id),
        "status": status,
        **changes,
    }
    return json.dumps(message)


def an_image(image_id: UUID, status: str | None) -> Image:
    run = status and Segmentation(
        id=image_id,
        image_id=image_id,
        project_id=image_id,
        model="m",
        model_version="1",
        parameters=Parameters(),
        priority="normal",
        status=status,
        attempt=1,
        queued_at=NOW,
        started_at=None,
        finished_at=None,
        failure=None,
        result=None,
    )
    return Image(
        id=image_id,
        project_id=image_id,
        name="a.png",
        status="stored",
        size_bytes=1,
        pixel_size_um=None,
        created_at=NOW,
        stored_at=NOW,
        failure=None,
        segmentation=run or None,
    )


@contextmanager
def socket(talk: Callable[[ServerConnection], None]) -> Iterator[Updates]:
    """Updates over a socket on which ``talk`` speaks."""
    with serve(talk, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/?ticket=t"
        updates = Updates(lambda: SocketTicket(url=url, expires_at=NOW), use_proxy=False)
        try:
            yield updates
        finally:
            updates.close()
            server.shutdown()
            thread.join()


def statuses(follower: Follower, *image_ids: UUID) -> list[tuple[UUID, str]]:
    for image_id in image_ids:
        follower.add(image_id)
    follower.no_more()
    return [(change.image_id, change.status) for change in follower]


def never(*_: object) -> Iterable[Image]:
    raise AssertionError("the push came first")


def test_pushes_are_enough_and_come_at_once() -> None:
    first, second = uuid4(), uuid4()

    def talk(connection: ServerConnection) -> None:
        for message in (
            a_message(first, "running"),
            "no JSON",
            a_message(first, "running"),
            json.dumps({"type": "of a later version"}),
            a_message(uuid4(), "succeeded"),
            a_message(second, "failed"),
            a_message(first, "succeeded", spheroid_count=2),
        ):
            connection.send(message)
        connection.recv()

    begun = time.monotonic()
    with socket(talk) as updates:
        seen = statuses(Follower(never, updates), first, second)
    assert seen == [(first, "running"), (second, "failed"), (first, "succeeded")]
    assert time.monotonic() - begun < 3


def test_a_lost_push_is_found_by_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "POLL_BESIDE_SOCKET_S", 1.0)
    image_id = uuid4()
    status = "running"

    def talk(connection: ServerConnection) -> None:
        connection.send(a_message(image_id, "running"))  # and nothing after it
        connection.recv()

    with socket(talk) as updates:
        follower = Follower(lambda: [an_image(image_id, status)], updates)
        follower.add(image_id)
        follower.no_more()
        changes = iter(follower)
        assert next(changes).status == "running"
        status = "succeeded"
        begun = time.monotonic()
        last = next(changes)
        assert (last.status, last.is_final) == ("succeeded", True)
        assert 0.2 < time.monotonic() - begun < 4
        assert list(changes) == []


def test_a_socket_that_closes_is_opened_again() -> None:
    image_id = uuid4()
    connections: list[ServerConnection] = []

    def talk(connection: ServerConnection) -> None:
        connections.append(connection)
        if len(connections) == 1:
            connection.close()
            return
        connection.send(a_message(image_id, "succeeded"))
        connection.recv()

    with socket(talk) as updates:
        follower = Follower(lambda: [an_image(image_id, "queued")], updates)
        assert statuses(follower, image_id)[-1] == (image_id, "succeeded")
    assert len(connections) == 2


def test_without_a_socket_asking_is_enough() -> None:
    image_id, answers = uuid4(), iter([None, "queued", "queued", "cancelled"])
    follower = Follower(lambda: [an_image(image_id, next(answers))], None)
    assert statuses(follower, image_id) == [(image_id, "stored"), (image_id, "queued"), (image_id, "cancelled")]


def test_a_list_is_read_no_further_than_needed() -> None:
    mine = uuid4()
    read: list[int] = []

    def images() -> Iterator[Image]:
        for number in range(1000):
            read.append(number)
            yield an_image(mine if number == 3 else uuid4(), "succeeded")

    assert statuses(Follower(images, None), mine) == [(mine, "succeeded")]
    assert len(read) == 4


def test_images_can_be_added_and_dropped_while_others_are_followed() -> None:
    early, late, dropped = uuid4(), uuid4(), uuid4()
    follower = Follower(lambda: [an_image(image_id, "succeeded") for image_id in (late, early)], None)
    follower.add(early)
    follower.add(dropped)
    follower.drop(dropped)
    changes = iter(follower)
    assert next(changes).image_id == early
    follower.add(late)
    follower.no_more()
    assert [change.image_id for change in changes] == [late]


def test_a_service_that_is_gone_for_good_ends_the_following() -> None:
    def gone() -> Iterable[Image]:
        raise ServiceUnreachableError("gone")

    with pytest.raises(ServiceUnreachableError):
        statuses(Follower(gone, None), uuid4())


def test_following_ends_when_it_is_told_to() -> None:
    follower = Follower(list, None)
    follower.add(uuid4())
    threading.Timer(0.2, follower.stop).start()
    begun = time.monotonic()
    assert [change.status for change in follower] in ([], ["deleted"])
    assert time.monotonic() - begun < 3


def an_import_message(import_id: UUID, status: str = "running") -> str:
    told = {"type": "import_changed", "import_id": str(import_id), "project_id": str(import_id), "status": status}
    return json.dumps({**told, "version": 1, "done": 1, "total": 2})


def an_export_message(export_id: UUID, status: str = "running") -> str:
    told = {"type": "export_changed", "export_id": str(export_id), "project_id": str(export_id), "status": status}
    return json.dumps({**told, "version": 1, "done": 1, "total": 2})


@pytest.mark.parametrize("message_of", [an_export_message, an_import_message])
def test_a_job_is_asked_for_when_it_is_told_of_and_else_after_its_time(message_of: Callable[[UUID], str]) -> None:
    mine, told = uuid4(), threading.Event()

    def talk(connection: ServerConnection) -> None:
        # Of images, of other jobs and what is unknown: nobody is woken by it.
        for message in ("{", a_message(mine, "running"), message_of(uuid4())):
            connection.send(message)
        told.wait(5)
        connection.send(message_of(mine))
        told.wait(5)

    with socket(talk) as updates:
        began_s = time.monotonic()
        jobs.wait_for_news(mine, updates, began_s, 0.5)  # nothing of it came: asked after its time
        assert time.monotonic() - began_s >= 0.5
        told.set()
        jobs.wait_for_news(mine, updates, time.monotonic(), 30.0)
        assert time.monotonic() - began_s < 20
    began_s = time.monotonic()
    jobs.wait_for_news(mine, None, began_s, 0.05)
    assert 0.05 <= time.monotonic() - began_s < 5


def test_who_follows_images_is_not_disturbed_by_exports() -> None:
    image_id = uuid4()

    def talk(connection: ServerConnection) -> None:
        connection.send(an_export_message(image_id, "succeeded"))
        connection.send(a_message(image_id, "succeeded"))
        connection.recv()

    with socket(talk) as updates:
        follower = Follower(lambda: [an_image(image_id, "running")], updates)
        follower.add(image_id)
        follower.no_more()
        assert [change.status for change in follower][-1] == "succeeded"
