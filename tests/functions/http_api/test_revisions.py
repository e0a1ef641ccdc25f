"""Corrected outlines over HTTP: operations, refusals with places, history, differences, packed outlines."""

from typing import Any

import numpy as np
import pytest

from spheroseg.domain.access import Role
from spheroseg.domain.packed_outlines import HEADER, MEDIA_TYPE, file_of, packed
from spheroseg.domain.segmentation import Segmentation
from spheroseg.domain.spheroid import Spheroid
from spheroseg.imaging.measures import spheroids_of
from spheroseg.use_cases import read_revisions
from tests.builders import OWNER, a_result
from tests.functions.http_api.world import Client, World

EDITOR = "6f1c1d1e-0000-4000-8000-00000000000c"


def spheroids() -> list[Spheroid]:
    labels = np.zeros((30, 40), np.int32)
    labels[5:15, 5:15] = 1
    labels[5:15, 15:20] = 2
    labels[20:28, 30:38] = 3
    return spheroids_of(labels)


@pytest.fixture
def run(world: World) -> Segmentation:
    return world.a_succeeded_run(*spheroids(), result=a_result(3, width_px=40, height_px=30))


def square(left: float, top: float, side: float) -> list[dict[str, Any]]:
    right, bottom = left + side, top + side
    return [{"exterior": [[left, top], [right, top], [right, bottom], [left, bottom]]}]


def save(client: Client, run: Segmentation, base: int, *operations: dict[str, Any], **more: Any) -> Any:
    body = {"base": base, "operations": list(operations), **more}
    return client.post(f"/v1/segmentations/{run.id}/revisions", json=body)


def test_a_save_changes_what_is_read_and_every_answer_says_its_revision(owner: Client, run: Segmentation) -> None:
    operations: list[dict[str, Any]] = [
        {"kind": "split", "number": 3, "line": [[29, 24], [39, 24]]},
        {"kind": "merge", "numbers": [1, 2]},
        {"kind": "add", "polygons": square(0, 0, 4)},
        {"kind": "simplify", "numbers": [3], "tolerance_px": 0.5},
        {"kind": "relabel", "number": 5, "to": 9},
    ]
    answer = save(owner, run, 0, *operations, note="parted")
    assert answer.status_code == 201
    saved = answer.json()
    assert (saved["number"], saved["author_id"], saved["note"], saved["spheroid_count"]) == (1, OWNER, "parted", 4)
    assert (saved["added"], saved["changed"], saved["removed"]) == ([4, 9], [1, 3], [2])

    base = f"/v1/segmentations/{run.id}"
    page = owner.get(f"{base}/spheroids").json()
    assert (page["revision"], page["spheroid_count"]) == (1, 4)
    assert [(item["number"], item["measures"]["area_px2"]) for item in page["items"]] == [
        (1, 150),
        (3, 32),
        (4, 32),
        (9, 16),
    ]
    before = owner.get(f"{base}/spheroids", params={"revision": 0}).json()
    assert (before["revision"], [item["number"] for item in before["items"]]) == (0, [1, 2, 3])
    whole = owner.get(f"{base}/spheroids.geojson")
    assert whole.headers["spheroseg-revision"] == "1"
    assert [one["properties"]["number"] for one in whole.json()["features"]] == [1, 3, 4, 9]
    assert owner.get(base).json()["revision"] == 1
    detail = owner.get(f"{base}/revisions/1").json()
    assert detail["operations"][1] == {"kind": "merge", "numbers": [1, 2], "allow_pieces": False}
    assert owner.get(f"{base}/spheroids", params={"revision": 2}).json()["code"] == "revision-not-found"


def test_a_stale_save_is_told_what_others_changed(world: World, owner: Client, run: Segmentation) -> None:
    world.projects.members[run.project_id, EDITOR] = Role.EDITOR
    world.projects.rows[run.project_id] = world.projects.rows.get(run.project_id) or world.a_project(id=run.project_id)
    assert save(world.as_(EDITOR), run, 0, {"kind": "delete", "numbers": [2]}).status_code == 201
    answer = save(owner, run, 0, {"kind": "delete", "numbers": [3]})
    assert (answer.status_code, answer.json()["code"], answer.json()["newest_revision"]) == (409, "stale-revision", 1)
    (later,) = answer.json()["later"]
    assert (later["revision"], later["author_id"], later["removed"]) == (1, EDITOR, [2])
    assert save(owner, run, 1, {"kind": "delete", "numbers": [3]}).status_code == 201


@pytest.mark.parametrize(
    ("operation", "place"),
    [
        (
            {"kind": "replace", "number": 3, "polygons": [{"exterior": [[30, 20], [38, 28], [38, 20], [30, 28]]}]},
            (0, 3, 0, 0),
        ),
        ({"kind": "add", "polygons": square(30, 20, 4)}, (0, 4, None, None)),
        ({"kind": "delete", "numbers": [7]}, (0, 7, None, None)),
    ],
)
def test_what_is_wrong_is_told_by_its_place(
    owner: Client, run: Segmentation, operation: dict[str, Any], place: tuple[int | None, ...]
) -> None:
    answer = save(owner, run, 0, operation)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-edit")
    fault = answer.json()["edit"]
    assert tuple(fault.get(name) for name in ("operation", "number", "polygon", "ring")) == place
    assert owner.get(f"/v1/segmentations/{run.id}").json()["revision"] == 0


@pytest.mark.parametrize(
    "operation",
    [
        {"kind": "explode", "number": 1},
        {"kind": "split", "number": 1},
        {"kind": "delete", "numbers": []},
        {"kind": "delete", "numbers": [0]},
        {"kind": "smooth", "numbers": [1], "radius_px": 0},
        {"kind": "add", "polygons": [{"exterior": [[0, 0], [1, 1]]}]},
        {"kind": "relabel", "number": 1, "to": 2, "force": True},
    ],
)
def test_operations_that_are_none_are_refused_before_anything_is_done(
    owner: Client, run: Segmentation, operation: dict[str, Any]
) -> None:
    answer = save(owner, run, 0, operation)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert answer.json()["errors"][0]["field"].startswith("operations[0]")


def test_history_restore_and_difference(owner: Client, run: Segmentation) -> None:
    base = f"/v1/segmentations/{run.id}"
    save(
        owner,
        run,
        0,
        {"kind": "replace", "number": 3, "polygons": square(30, 20, 4)},
        {"kind": "delete", "numbers": [2]},
    )
    found = owner.get(f"{base}/revisions/1/difference").json()
    assert (found["before"], found["after"], found["unchanged"]) == (0, 1, 1)
    assert [(one["number"], one["moved_px"], one["iou"]) for one in found["spheroids"]] == [(2, 50, 0), (3, 48, 0.25)]
    assert (found["whole"]["before_px"], found["whole"]["after_px"], found["whole"]["moved_px"]) == (214, 116, 98)

    back = owner.post(f"{base}/revisions/0/restore", json={"base": 1, "note": "as it was"})
    assert (back.status_code, back.json()["number"], back.json()["restored_from"]) == (201, 2, 0)
    same = owner.get(f"{base}/revisions/2/difference").json()
    assert (same["spheroids"], same["whole"]["iou"], same["unchanged"]) == ([], 1, 3)
    assert (
        owner.get(f"{base}/outlines").content[HEADER.size :]
        == owner.get(f"{base}/outlines?revision=0").content[HEADER.size :]
    )

    page = owner.get(f"{base}/revisions", params={"limit": 1}).json()
    assert ([one["number"] for one in page["items"]], page["next_before"]) == ([2], 2)
    rest = owner.get(f"{base}/revisions", params={"before": 2}).json()
    assert ([one["number"] for one in rest["items"]], rest["next_before"]) == ([1], None)
    assert owner.post(f"{base}/revisions/2/restore", json={"base": 2}).json()["code"] == "invalid-edit"
    assert owner.post(f"{base}/revisions/3/restore", json={"base": 2}).json()["code"] == "revision-not-found"


def test_packed_outlines_come_whole_in_parts_and_by_place(
    owner: Client, run: Segmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = f"/v1/segmentations/{run.id}/outlines"
    whole = owner.get(base)
    assert whole.headers["content-type"] == MEDIA_TYPE
    assert whole.headers["spheroseg-revision"] == "0"
    entries = [(one.number, packed(one.polygons)) for one in spheroids()]
    assert whole.content == file_of(entries, 0, (40, 30), None)
    assert owner.get(base, params={"bbox": "16,0,29.5,19"}).content == file_of(entries[1:2], 0, (40, 30), None)
    assert owner.get(base, params={"tolerance_px": 2}).content == whole.content, "squares have no corner too many"
    monkeypatch.setattr(read_revisions, "MAX_OUTLINE_BYTES", 30)
    part = owner.get(base)
    assert part.content == file_of(entries[:2], 0, (40, 30), 2)
    assert part.headers["spheroseg-next-after"] == "2"
    assert owner.get(base, params={"after": 2}).content == file_of(entries[2:], 0, (40, 30), None)
    assert owner.get(base, params={"bbox": "1,2,3"}).status_code == 422


def test_a_corrected_revision_that_is_too_large_for_an_answer_is_refused(
    owner: Client, run: Segmentation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("http_api.rest.spheroids.MAX_INLINE", 1)
    base = f"/v1/segmentations/{run.id}/spheroids.geojson"
    assert owner.get(base).status_code == 307
    save(owner, run, 0, {"kind": "delete", "numbers": [1]})
    answer = owner.get(base)
    assert (answer.status_code, answer.json()["code"]) == (422, "revision-too-large")
    assert owner.get(base, params={"revision": 0}).status_code == 307


def test_an_edit_has_limits(owner: Client, run: Segmentation) -> None:
    many: dict[str, Any] = {"kind": "add", "polygons": [{"exterior": [[0, 0], [1, 0], [1, 1]] * 12_000}] * 3}
    answer = save(owner, run, 0, many)
    assert (answer.status_code, answer.json()["code"]) == (422, "edit-too-large")
    deletes = {"kind": "delete", "numbers": [1]}
    assert save(owner, run, 0, *[deletes] * 1_001).json()["code"] == "invalid-request"
