import threading
import time
from pathlib import Path

import pytest

from http_api.rest import images as rest_images
from http_api.rest import uploads as rest_uploads
from spheroseg.domain import upload_parts
from spheroseg.domain.segmentation import Failure
from spheroseg_client.client import Client
from spheroseg_client.errors import (
    ApiError,
    LocalFileError,
    NotSignedInError,
    ServiceUnreachableError,
    UnexpectedAnswerError,
    UploadRefusedError,
    WorkFailedError,
)
from spheroseg_client.transport import position_order
from spheroseg_client.uploads import FileToAnnounce
from tests.client.service import EMAIL, Service

JSON = {"Content-Type": "application/json"}


def a_file(folder: Path, content: bytes = b"pixels", name: str = "a.png") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def test_an_image_goes_up_and_its_spheroids_come_back(client: Client, service: Service, tmp_path: Path) -> None:
    project = client.create_project("Day 7")
    image = client.upload(project.id, a_file(tmp_path), pixel_size_um=0.5)
    segmentation = client.wait(image)
    assert segmentation.status == "succeeded"
    found = list(client.spheroids(segmentation.id))
    assert [spheroid.measures["area_px2"] for spheroid in found] == [30 * 30 - 50, 20 * 20]
    assert found[1].measures_um is not None
    assert found[1].measures_um["area_um2"] == pytest.approx(100.0)
    assert len(found[0].polygons[0].holes) == 1
    assert segmentation.links is not None
    client.download(segmentation.links.labels, tmp_path / "labels.tif")
    assert (tmp_path / "labels.tif").read_bytes()[:2] in {b"II", b"MM"}


def test_lists_are_read_page_by_page_to_their_end(client: Client, service: Service) -> None:
    project = client.create_project("Many")
    client.announce(project.id, [FileToAnnounce(name=f"{number}.png", size_bytes=1) for number in range(450)])
    names = [image.name for image in client.images(project.id)]
    assert names == [f"{number}.png" for number in reversed(range(450))]
    assert service.asked(r"GET /v1/projects/.*/images") == 3


def test_a_busy_service_is_asked_again(client: Client, service: Service) -> None:
    service.fault("GET /v1/queue", 503, headers={"Retry-After": "0"}, times=2)
    service.fault("GET /v1/queue", 429)
    assert client.queue().queued == 0
    assert service.asked("GET /v1/queue") == 4


def test_a_broken_connection_is_tried_again(client: Client, service: Service) -> None:
    service.fault("GET /v1/queue", None, times=2)
    assert client.queue().queued == 0


def test_what_is_sent_again_happens_once(client: Client, service: Service) -> None:
    """The service is busy, the connection breaks, the answer to what was done is lost, a repeat comes too early."""
    service.fault("POST /v1/projects", 503)
    service.fault("POST /v1/projects", None)
    service.fault("POST /v1/projects", after_bytes=10)
    early = b'{"type": "/problems/request-under-way", "code": "request-under-way"}'
    service.fault("POST /v1/projects", 409, body=early, headers={**JSON, "Retry-After": "0"})
    made = client.create_project("Once")
    assert service.asked("POST /v1/projects$") == 5
    assert list(service.world.projects.rows) == [made.id]
    assert client.create_project("Once").id != made.id


def test_a_refusal_that_is_no_matter_of_time_is_not_repeated(client: Client, service: Service) -> None:
    service.fault("POST /v1/projects", 409, body=b'{"type": "/problems/conflict"}', headers=JSON)
    with pytest.raises(ApiError):
        client.create_project("Once")
    assert service.asked("POST /v1/projects$") == 1


def test_a_refusal_carries_the_services_code_and_words_and_is_not_repeated(client: Client, service: Service) -> None:
    with pytest.raises(ApiError, match="does not exist") as caught:
        client.project(service.world.ids.new())
    assert (caught.value.code, caught.value.status) == ("project-not-found", 404)
    assert service.asked("GET /v1/projects/") == 1


def test_a_service_that_stays_away_is_told_within_the_time_for_retries() -> None:
    client = Client("http://127.0.0.1:9", token="t", retry_for_s=1.0)
    begun = time.monotonic()
    with pytest.raises(ServiceUnreachableError, match=r"127\.0\.0\.1:9"):
        client.queue()
    assert time.monotonic() - begun < 5


def test_no_more_retries_once_a_program_is_about_to_end(service: Service) -> None:
    client = Client("http://127.0.0.1:9", token="t", retry_for_s=60)
    threading.Timer(0.3, client.stop_retrying).start()
    begun = time.monotonic()
    with pytest.raises(ServiceUnreachableError):
        client.queue()
    assert time.monotonic() - begun < 6


def test_an_answer_of_another_kind_is_told(client: Client, service: Service) -> None:
    service.fault("GET /v1/queue", 200, body=b"<html>", headers={"Content-Type": "text/html"})
    with pytest.raises(UnexpectedAnswerError, match="JSON"):
        client.queue()
    service.fault("GET /v1/queue", 200, body=b'{"queued": "many"}', headers=JSON)
    with pytest.raises(UnexpectedAnswerError, match="understand"):
        client.queue()


def test_an_address_that_is_none_is_told() -> None:
    with pytest.raises(ServiceUnreachableError, match="is no address"):
        Client("api.example.com", token="t")


def test_wrong_credentials_are_told(service: Service) -> None:
    with Client(service.url, email=EMAIL, password="wrong") as client, pytest.raises(NotSignedInError) as caught:
        client.queue()
    assert caught.value.code == "wrong-credentials"


def test_a_refused_token_is_renewed_once(client: Client, service: Service) -> None:
    client.queue()
    service.refused_tokens.add(service.authorizations[-1])
    client.queue()
    assert service.asked("/v1/auth/sign-in") == 1
    assert service.asked("/v1/auth/refresh") == 1
    assert len(set(service.authorizations)) == 2


def test_a_token_is_renewed_before_it_ends(client: Client, service: Service) -> None:
    service.sign_in.expires_in_s = 1
    client.queue()
    time.sleep(0.6)
    client.queue()
    assert service.asked("/v1/auth/refresh") == 1
    assert not any("401" in str(answered.status) for answered in service.world.answered)


def test_when_the_refresh_token_has_ended_too_the_password_is_used(client: Client, service: Service) -> None:
    client.queue()
    service.refused_tokens.add(service.authorizations[-1])
    service.fault("/v1/auth/refresh", 401)
    client.queue()
    assert service.asked("/v1/auth/sign-in") == 2


def test_a_given_token_that_ended_is_told(service: Service) -> None:
    service.refused_tokens.add("old")
    with Client(service.url, token="old") as client, pytest.raises(NotSignedInError):
        client.queue()


def test_what_was_written_is_read_back_with_the_largest_position_seen(client: Client, service: Service) -> None:
    for position in ("0/9", "0/A0", "0/B"):
        service.world.position = position
        client.create_project(position)
    client.queue()
    assert service.read_after[-1] == "0/A0"


def test_positions_are_ordered_as_numbers() -> None:
    shuffled = ["A/0", "0/10", "0/9", "10/0", "0/A", "1/0"]
    assert sorted(shuffled, key=position_order) == ["0/9", "0/A", "0/10", "1/0", "A/0", "10/0"]


def test_a_file_is_sent_as_it_is_and_its_progress_ends_at_its_size(
    client: Client, service: Service, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 4000
    seen: list[int] = []
    project = client.create_project("Upload")
    client.upload(project.id, a_file(tmp_path, content), progress=seen.append)
    assert content in service.store.objects.values()
    assert seen[-1] == len(content)
    assert seen == sorted(seen)


def test_an_upload_is_repeated_after_a_broken_connection(client: Client, service: Service, tmp_path: Path) -> None:
    service.fault("POST /store/", None)
    service.fault("POST /store/", 503)
    project = client.create_project("Upload")
    client.upload(project.id, a_file(tmp_path))
    assert service.asked("POST /store/") == 3
    assert b"pixels" in service.store.objects.values()


def test_a_file_that_has_grown_is_refused_with_the_stores_reason(
    client: Client, service: Service, tmp_path: Path
) -> None:
    project = client.create_project("Upload")
    (image,) = client.announce(project.id, [FileToAnnounce(name="a.png", size_bytes=3)])
    with pytest.raises(UploadRefusedError, match="Too large"):
        client.send_file(image, a_file(tmp_path, b"longer"))


def test_a_file_that_is_gone_is_told(client: Client, tmp_path: Path) -> None:
    project = client.create_project("Upload")
    (image,) = client.announce(project.id, [FileToAnnounce(name="a.png")])
    with pytest.raises(LocalFileError):
        client.send_file(image, tmp_path / "gone.png")


def test_a_cut_download_goes_on_where_it_ended(client: Client, service: Service, tmp_path: Path) -> None:
    content = bytes(range(256)) * 8000
    service.store.objects["big"] = content
    service.fault("GET /objects/big", after_bytes=1_000_000)
    target = tmp_path / "big"
    client.download(service.store.link("big", None), target)  # type: ignore[arg-type]
    assert target.read_bytes() == content
    assert service.asked("GET /objects/big") == 2
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_that_fails_leaves_what_was_there(client: Client, service: Service, tmp_path: Path) -> None:
    target = a_file(tmp_path, b"before", "big")
    service.fault("GET /objects/big", 403, body=b"<Message>Request has expired</Message>")
    with pytest.raises(ApiError, match="expired"):
        client.download(service.store.link("big", None), target)  # type: ignore[arg-type]
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_download_to_nowhere_is_told(client: Client, service: Service, tmp_path: Path) -> None:
    service.store.objects["big"] = b"x"
    with pytest.raises(LocalFileError, match="cannot be written"):
        client.download(service.store.link("big", None), tmp_path / "no" / "such" / "folder")  # type: ignore[arg-type]


def test_a_failed_segmentation_says_why(client: Client, service: Service, tmp_path: Path) -> None:
    service.fails = lambda name: Failure("undecodable-image", f"{name} is no image")
    project = client.create_project("Bad")
    segmentation = client.wait(client.upload(project.id, a_file(tmp_path)))
    assert segmentation.failure is not None
    assert segmentation.failure.code == "undecodable-image"


def test_waiting_for_a_deleted_image_ends(client: Client, service: Service, tmp_path: Path) -> None:
    service.works = False
    project = client.create_project("Deleted")
    image = client.upload(project.id, a_file(tmp_path))
    client.delete_image(image.id)
    with pytest.raises(ApiError) as caught:
        client.wait(image)
    assert caught.value.code == "image-not-found"


def test_waiting_for_a_refused_image_ends_with_its_reason(client: Client, service: Service, tmp_path: Path) -> None:
    project = client.create_project("Refused")
    (announced,) = client.announce(project.id, [FileToAnnounce(name="a.png")])
    client.send_file(announced, a_file(tmp_path, b""))
    with pytest.raises(WorkFailedError) as caught:
        client.wait(client.complete(announced.id))
    assert caught.value.code == "empty-upload"


def test_changes_are_found_by_asking_when_there_is_no_socket(client: Client, service: Service, tmp_path: Path) -> None:
    service.works = False
    project = client.create_project("Polled")
    image = client.upload(project.id, a_file(tmp_path))
    seen: list[str] = []
    for change in client.follow(project.id, [image.id]):
        seen.append(change.status)
        service.works = True
        with service.lock:
            service.work()
    assert seen == ["queued", "succeeded"]
    assert service.asked("GET /socket") >= 1


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> int:
    """Files above 1,000 bytes go over in parts of 600."""
    for module in (upload_parts, rest_images, rest_uploads):
        monkeypatch.setattr(module, "PART_BYTES", 600)
    monkeypatch.setattr(upload_parts, "PARTS_FROM_BYTES", 1000)
    monkeypatch.setattr("spheroseg_client.uploads.WHOLE_BYTES", 1000)
    return 600


def test_a_large_file_goes_over_in_parts(client: Client, service: Service, tmp_path: Path, small_parts: int) -> None:
    project = client.create_project("Stacks")
    content = bytes(range(256)) * 10
    seen: list[int] = []
    service.fault("PUT /parts", 503, times=2)
    image = client.upload(project.id, a_file(tmp_path, content), progress=seen.append)
    assert image.status == "stored"
    assert image.digest is not None
    assert image.digest.startswith("sha256-of-parts:")
    assert service.store.objects[f"originals/{image.id}"] == content
    assert seen[-1] == len(content)
    assert service.asked("PUT /parts") == 5 + 2
    assert service.asked("POST /store") == 0
    assert client.wait(image).status == "succeeded"


def test_an_interrupted_upload_sends_only_what_is_missing(
    client: Client, service: Service, tmp_path: Path, small_parts: int
) -> None:
    project = client.create_project("Stacks")
    content = bytes(range(256)) * 10
    path = a_file(tmp_path, content)
    (image,) = client.announce(project.id, [FileToAnnounce(name="a.tif", size_bytes=len(content))])
    service.fault("PUT /parts/upload-1/4", 403, times=9, body=b"<Error><Code>AccessDenied</Code></Error>")
    with pytest.raises(UploadRefusedError):
        client.send_file(image, path)
    with pytest.raises(ApiError, match="have not arrived") as missing:
        client.complete(image.id)
    assert missing.value.code == "parts-missing"
    service.faults.clear()
    there = len(service.store.uploads["upload-1"])
    assert there >= 1
    asked = service.asked("PUT /parts")
    client.send_file(image, path)
    assert service.asked("PUT /parts") - asked == 5 - there
    assert client.complete(image.id).status == "stored"
    assert service.store.objects[f"originals/{image.id}"] == content


def test_a_file_that_became_shorter_is_not_sent(
    client: Client, service: Service, tmp_path: Path, small_parts: int
) -> None:
    project = client.create_project("Stacks")
    (image,) = client.announce(project.id, [FileToAnnounce(name="a.tif", size_bytes=2560)])
    with pytest.raises(LocalFileError, match=r"has (become shorter|changed)"):
        client.send_file(image, a_file(tmp_path, b"x" * 700))


def test_profile_and_usage(client: Client, service: Service, tmp_path: Path) -> None:
    assert client.profile().name is None
    assert client.change_profile(name="Ada", pixel_size_um=0.65).pixel_size_um == 0.65
    assert client.change_profile(name=None).name is None
    client.upload(client.create_project("Day 7").id, a_file(tmp_path, b"12345"))
    usage = client.usage()
    assert (usage.stored_bytes, usage.stored_images, usage.announced_images) == (5, 1, 0)
    assert usage.left_bytes == usage.quota_bytes - 5
