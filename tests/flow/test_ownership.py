"""Nobody sees what is not theirs: a foreign id is answered like one that never was."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from infra_cdk.local.cloud import LocalCloud
from tests.flow.api_user import ApiUser

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def theirs(user: ApiUser, sample: bytes) -> dict[str, str]:
    """Ids of somebody's finished work."""
    project_id = user.project("Private")
    image_id = user.upload(project_id, "secret.png", sample)
    run = user.settled(image_id)
    assert run["status"] == "succeeded"
    export = user.post(f"/projects/{project_id}/exports", {"format": "csv"})
    told = {"format": "coco", "file_name": "a.json", "size_bytes": 2}
    import_ = user.post(f"/projects/{project_id}/imports", told)
    found = {"project": project_id, "image": image_id, "segmentation": run["id"]}
    return {**found, "export": export["id"], "import": import_["id"]}


ROUTES: list[tuple[str, str, object]] = [
    ("GET", "/projects/{project}", None),
    ("GET", "/projects/{project}/images", None),
    ("POST", "/projects/{project}/images", {"files": [{"name": "a.png"}]}),
    ("GET", "/images/{image}", None),
    ("DELETE", "/images/{image}", None),
    ("POST", "/images/{image}/complete", None),
    ("GET", "/images/{image}/segmentations", None),
    ("POST", "/images/{image}/segmentations", {}),
    ("POST", "/images/{image}/page-segmentations", {"pages": "all"}),
    ("POST", "/projects/{project}/runs", {}),
    ("POST", "/projects/{project}/runs/cancel", {}),
    ("POST", "/projects/{project}/runs/retry", {}),
    ("GET", "/projects/{project}/runs/progress", None),
    ("GET", "/projects/{project}/measurements", None),
    ("GET", "/projects/{project}/imports", None),
    ("POST", "/projects/{project}/imports", {"format": "coco", "file_name": "a.json", "size_bytes": 2}),
    ("GET", "/imports/{import}", None),
    ("POST", "/imports/{import}/start", None),
    ("POST", "/imports/{import}/cancel", None),
    ("GET", "/projects/{project}/exports", None),
    ("POST", "/projects/{project}/exports", {"format": "csv"}),
    ("GET", "/exports/{export}", None),
    ("GET", "/exports/{export}/file", None),
    ("POST", "/exports/{export}/cancel", None),
    ("GET", "/segmentations/{segmentation}/comparison/{segmentation}", None),
    ("GET", "/segmentations/{segmentation}", None),
    ("POST", "/segmentations/{segmentation}/cancel", None),
    ("GET", "/segmentations/{segmentation}/spheroids", None),
    ("GET", "/segmentations/{segmentation}/spheroids.geojson", None),
    ("GET", "/segmentations/{segmentation}/outlines", None),
    ("GET", "/projects/{project}/reviews", None),
    ("GET", "/projects/{project}/reviews/figures", None),
    ("GET", "/segmentations/{segmentation}/decisions", None),
    ("POST", "/segmentations/{segmentation}/decisions", {"revision": 0, "verdict": "accept"}),
    ("GET", "/segmentations/{segmentation}/revisions", None),
    ("GET", "/segmentations/{segmentation}/revisions/0/difference", None),
    (
        "POST",
        "/segmentations/{segmentation}/revisions",
        {"base": 0, "operations": [{"kind": "delete", "numbers": [1]}]},
    ),
    ("POST", "/segmentations/{segmentation}/revisions/0/restore", {"base": 0}),
]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES, ids=[f"{route[0]} {route[1]}" for route in ROUTES])
def test_a_foreign_id_is_answered_like_an_absent_one(
    stranger: ApiUser, theirs: dict[str, str], method: str, path: str, body: object
) -> None:
    absent = {kind: str(uuid4()) for kind in theirs}
    foreign_answer = stranger.request(method, path.format(**theirs), body)
    absent_answer = stranger.request(method, path.format(**absent), body)

    assert foreign_answer.status_code == absent_answer.status_code == 404

    def without_ids(response: httpx.Response, ids: dict[str, str]) -> str:
        text = response.text
        for kind, identifier in ids.items():
            text = text.replace(identifier, kind)
        return text

    assert without_ids(foreign_answer, theirs) == without_ids(absent_answer, absent)


def test_what_a_stranger_tried_changed_nothing(user: ApiUser, theirs: dict[str, str]) -> None:
    assert user.get(f"/segmentations/{theirs['segmentation']}")["status"] == "succeeded"
    assert user.get(f"/imports/{theirs['import']}")["status"] == "awaiting_upload"
    assert user.get(f"/exports/{theirs['export']}")["status"] != "cancelled"


def test_lists_hold_only_what_is_ones_own(stranger: ApiUser, theirs: dict[str, str]) -> None:
    listed = stranger.get("/projects?limit=200")["items"]
    assert theirs["project"] not in {project["id"] for project in listed}


@pytest.mark.parametrize("path", ["/projects", "/queue", "/models"])
def test_nothing_is_told_to_somebody_who_is_not_signed_in(cloud: LocalCloud, path: str) -> None:
    assert httpx.get(f"{cloud.api_url}/v1{path}").status_code == 401
    altered = ApiUserToken(cloud.api_url).altered()
    assert httpx.get(f"{cloud.api_url}/v1{path}", headers={"Authorization": altered}).status_code == 401


class ApiUserToken:
    """A token whose signature does not fit any more."""

    def __init__(self, api_url: str) -> None:
        with ApiUser(api_url) as user:
            self.token = user.token

    def altered(self) -> str:
        head, payload, signature = self.token.split(".")
        return f"Bearer {head}.{payload}.{signature[:-6]}{'AAAAAA' if signature[-6:] != 'AAAAAA' else 'BBBBBB'}"


def test_a_signed_link_opens_one_object_only(
    user: ApiUser, sign_up: Callable[[], ApiUser], theirs: dict[str, str], sample: bytes
) -> None:
    link = user.get(f"/segmentations/{theirs['segmentation']}")["links"]["labels"]
    other = sign_up()
    other_image = other.upload(other.project(), "other.png", sample)
    other_run = other.settled(other_image)
    assert httpx.get(link).status_code == 200

    bent = link.replace(theirs["segmentation"], other_run["id"])

    assert bent != link
    assert httpx.get(bent).status_code == 403


def test_a_used_or_invented_ticket_opens_no_socket(cloud: LocalCloud, user: ApiUser) -> None:
    from websockets.exceptions import InvalidStatus
    from websockets.sync.client import connect

    answer = user.post("/socket-tickets")
    with connect(answer["url"]):
        pass
    for ticket in (answer["ticket"], "invented"):
        with pytest.raises(InvalidStatus), connect(f"{cloud.socket_url}?ticket={ticket}"):
            pass
