"""Pages of stacks over HTTP."""

import pytest

from spheroseg.domain.image import Image
from spheroseg.domain.pages import Pages
from tests.functions.http_api.world import Client, World

STACK = Pages(6, "TC", (3, 2))


def a_stack(world: World, pages: Pages | None = STACK) -> Image:
    return world.an_image(pages=pages)


def test_an_image_tells_its_pages(world: World, owner: Client) -> None:
    image = a_stack(world)
    assert owner.get(f"/v1/images/{image.id}").json()["pages"] == {"count": 6, "axes": "TC", "sizes": [3, 2]}
    assert owner.get(f"/v1/images/{a_stack(world, None).id}").json()["pages"] is None


@pytest.mark.parametrize("pages", ["2,4-5", [5, 2, 4], " 4-5 , 2"])
def test_one_request_starts_runs_for_many_pages(world: World, owner: Client, pages: object) -> None:
    image = a_stack(world)
    asked = {"pages": pages, "parameters": {"threshold": 0.6}, "priority": "low"}
    answers = [owner.post(f"/v1/images/{image.id}/page-segmentations", json=asked) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    first, second = (answer.json() for answer in answers)
    assert first["pages"] == {"count": 6, "axes": "TC", "sizes": [3, 2]}
    assert [(run["parameters"]["page"], run["parameters"]["threshold"]) for run in first["items"]] == [
        (2, 0.6),
        (4, 0.6),
        (5, 0.6),
    ]
    assert second == first
    assert answers[0].headers["Spheroseg-Position"]

    listed = owner.get(f"/v1/images/{image.id}/segmentations", params={"limit": 2}).json()
    rest = owner.get(f"/v1/images/{image.id}/segmentations", params={"cursor": listed["next_cursor"]}).json()
    assert rest["next_cursor"] is None
    assert {run["id"] for run in listed["items"] + rest["items"]} == {run["id"] for run in first["items"]}
    (fourth,) = owner.get(f"/v1/images/{image.id}/segmentations", params={"page": 4}).json()["items"]
    assert fourth["parameters"]["page"] == 4


def test_one_channel_of_all_pages(world: World, owner: Client) -> None:
    answer = owner.post(f"/v1/images/{a_stack(world).id}/page-segmentations", json={"pages": "all", "channel": 2})
    assert [run["parameters"]["page"] for run in answer.json()["items"]] == [2, 4, 6]


@pytest.mark.parametrize(
    ("pages", "body", "status", "code", "detail"),
    [
        (STACK, {"pages": "5-7"}, 422, "page-not-found", "The file has 6 pages, page 7 was asked for"),
        (STACK, {"pages": "last"}, 422, "invalid-pages", "'last' is no page"),
        (STACK, {"pages": "all", "channel": 3}, 422, "invalid-pages", "The file has 2 channels, not channel 3"),
        (STACK, {"pages": []}, 422, "invalid-request", "pages"),
        (STACK, {}, 422, "invalid-request", "pages"),
        (STACK, {"pages": "1", "parameters": {"page": 1}}, 422, "invalid-request", "no meaning beside pages"),
        (STACK, {"pages": "1", "model": "absent"}, 404, "model-not-found", "absent"),
        (Pages(2000), {"pages": "all"}, 422, "too-many-pages", "2000 pages were asked for"),
        (None, {"pages": "all"}, 409, "pages-not-counted", "wait for its first segmentation"),
    ],
)
def test_what_cannot_be_started_says_why(
    world: World,
    owner: Client,
    pages: Pages | None,
    body: dict[str, object],
    status: int,
    code: str,
    detail: str,
) -> None:
    answer = owner.post(f"/v1/images/{a_stack(world, pages).id}/page-segmentations", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.text
    assert world.queue.sent == []
