"""The plugin for napari through npe2, without napari: the real API over fakes."""

import json
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from PIL import Image

from http_api.rest.edits import EditIn
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.imaging.measures import spheroids_of
from spheroseg.imaging.rasterising import labels_of
from spheroseg_client import models
from spheroseg_client.client import Client
from spheroseg_client.errors import ApiError, LocalFileError, WorkFailedError
from spheroseg_client.napari.addresses import Address, address_of
from spheroseg_client.napari.correcting import corrections, labels_in
from spheroseg_client.napari.plugin import open_image, reader_of
from tests.client.service import EMAIL, PASSWORD, SIZE_PX, Service

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of pydantic, about npe2's own models
    import npe2

PLUGIN = Path(__file__).parents[2] / "clients" / "python" / "spheroseg_client" / "napari"
WIDTH, HEIGHT = SIZE_PX
NAME = "P1 A01 50 %/24h.png"


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url, email=EMAIL, password=PASSWORD) as found:
        yield found


@pytest.fixture(autouse=True)
def plugins(service: Service, monkeypatch: pytest.MonkeyPatch) -> npe2.PluginManager:
    """Only ours, signed in by the environment."""
    for name, value in {"API": service.url, "EMAIL": EMAIL, "PASSWORD": PASSWORD}.items():
        monkeypatch.setenv(f"SPHEROSEG_{name}", value)
    manager = npe2.PluginManager()
    manager.register(npe2.PluginManifest.from_file(PLUGIN / "napari.yaml"))
    monkeypatch.setattr(npe2.PluginManager, "instance", lambda: manager)
    return manager


@pytest.fixture
def image(client: Client, tmp_path: Path) -> models.Image:
    """An image with three spheroids, the second of which somebody drew: its outline runs along no pixel edges."""
    path = tmp_path / "upload.png"
    Image.fromarray(np.arange(WIDTH * HEIGHT, dtype=np.uint32).astype(np.uint8).reshape(HEIGHT, WIDTH)).save(path)
    found = client.upload(client.create_project("Day 7").id, path, pixel_size_um=0.5)
    run = client.wait(found)
    x, y, _, _ = next(box(one) for one in client.spheroids(run.id) if one.number == 2)
    drawn = [{"exterior": [(x, y), (x + 9.25, y + 1.5), (x + 8.75, y + 9.75), (x + 0.25, y + 8)]}]
    client.edit(run.id, 0, [{"kind": "replace", "number": 2, "polygons": drawn}])
    return client.image(found.id)


def box(spheroid: models.Spheroid) -> tuple[float, ...]:
    return tuple(spheroid.measures[f"bbox_{side}_px"] for side in ("x", "y", "width", "height"))


def opened(path: str) -> list[Any]:
    return npe2.read([path], stack=False)


def saved(labels: Any, path: Path) -> None:
    data, meta, kind = labels
    assert npe2.write(path, [(data, meta, kind)]) == [str(path)]


def outlines(client: Client, run: models.Segmentation, revision: int | None = None) -> dict[int, Any]:
    found = client.outlines(run.id, revision)
    return {number: [one.model_dump() for one in polygons] for number, polygons in found.spheroids.items()}


def run_of(client: Client, image: models.Image) -> models.Segmentation:
    found = client.image(image.id).segmentation
    assert found is not None
    return found


def test_only_spheroids_that_were_painted_change(client: Client, image: models.Image, tmp_path: Path) -> None:
    run = run_of(client, image)
    before = outlines(client, run)
    picture, labels = opened(f"spheroseg://{image.id}")
    assert picture[0].shape == labels[0].shape == (HEIGHT, WIDTH)
    assert picture[1]["name"] == "upload.png (preview)"
    assert (picture[1]["scale"], labels[1]["scale"]) == ([0.5, 0.5], [0.5, 0.5])
    assert labels[1]["units"] == ("µm", "µm")
    measured = {one.number: one.measures["area_px2"] for one in client.spheroids(run.id)}
    assert dict(enumerate(np.bincount(labels[0].ravel()).tolist()[1:], 1)) == measured

    data, first, others = labels[0], min(before), sorted(before)[1:]
    rows, columns = np.nonzero(data == first)
    data[rows[0], columns[0]] = 0
    data[HEIGHT - 4 : HEIGHT - 1, 1:4] = 77
    saved(labels, tmp_path / "a.spheroseg")

    after = outlines(client, run)
    assert client.image(image.id).segmentation.revision == 2  # type: ignore[union-attr]
    assert {number: after[number] for number in others} == {number: before[number] for number in others}
    assert after[first] != before[first]
    (new,) = after.keys() - before.keys()
    (step, *_) = client.revisions(run.id)
    assert (step.changed, step.added, step.removed) == ([first], [new], [])
    assert (data == new).sum() == 9, "a new spheroid has the number that the service gave to it"
    assert not (data == 77).any()

    saved(labels, tmp_path / "a.spheroseg")  # nothing differs from the revision that it is now
    assert next(iter(client.revisions(run.id))).number == 2
    _, again = opened(str(tmp_path / "a.spheroseg"))
    np.testing.assert_array_equal(again[0], data)
    assert again[1]["metadata"] == labels[1]["metadata"]


def test_a_stale_save_tells_what_changed_and_leaves_the_labels(
    client: Client, image: models.Image, tmp_path: Path
) -> None:
    run = run_of(client, image)
    _, labels = opened(f"spheroseg://{image.id}")
    client.edit(run.id, 1, [{"kind": "delete", "numbers": [2]}])
    labels[0][0, 0] = 9
    mine = labels[0].copy()
    with pytest.raises(ApiError, match=r"removed 2\nNothing was sent") as refused:
        saved(labels, tmp_path / "a.spheroseg")
    assert refused.value.code == "stale-revision"
    np.testing.assert_array_equal(labels[0], mine)
    assert labels[1]["metadata"]["spheroseg"]["revision"] == 1
    assert not (tmp_path / "a.spheroseg").exists()
    assert next(iter(client.revisions(run.id))).number == 2


def test_an_image_is_found_by_names_and_shown_from_its_own_file(
    client: Client, image: models.Image, tmp_path: Path
) -> None:
    picture, labels = opened(f"spheroseg://Day 7/upload.png?images={tmp_path}&revision=0")
    with Image.open(tmp_path / "upload.png") as file:
        np.testing.assert_array_equal(picture[0], np.asarray(file))
    assert picture[1]["name"] == "upload.png"
    assert labels[1]["metadata"]["spheroseg"]["revision"] == 0
    assert [layer[2] for layer in open_image("Day 7", "upload.png", images=tmp_path)] == ["image", "labels"]
    Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / "upload.png")
    with pytest.warns(UserWarning, match="another file than was uploaded"):
        picture, _ = opened(f"spheroseg://Day 7/upload.png?images={tmp_path}")
    assert picture[1]["name"] == "upload.png (preview)"
    with pytest.raises(LocalFileError, match=r"0 images of Day 7 are called a\.png"):
        opened("spheroseg://Day 7/a.png")
    with pytest.raises(WorkFailedError, match=r"Page 2 of upload\.png has no result"):
        opened(f"spheroseg://{image.id}?page=2")
    with pytest.raises(ApiError, match="does not exist"):
        opened(f"spheroseg://{uuid4()}")


def test_labels_of_elsewhere_are_refused(image: models.Image, tmp_path: Path) -> None:
    _, (data, meta, _) = opened(f"spheroseg://{image.id}")
    with pytest.raises(LocalFileError, match="not opened from SpheroSeg"):
        saved((data, {"metadata": {}}, "labels"), tmp_path / "a.spheroseg")
    with pytest.raises(LocalFileError, match="only the labels that were opened"):
        saved((data[1:], meta, "labels"), tmp_path / "a.spheroseg")
    for wrong in (data.astype(float), np.where(data, -1, 0), np.where(data, 2**31, 0)):
        with pytest.raises(LocalFileError, match=r"no whole numbers|Labels are"):
            labels_in(wrong, data.shape)


def test_addresses_say_which_image() -> None:
    run = uuid4()
    assert address_of(
        f"spheroseg://Day%207/{NAME.replace('%', '%25').replace('/', '%2F')}?page=3&run={run}"
    ) == Address(image=NAME, project="Day 7", run=run, page=3)
    for wrong in (
        "spheroseg://",
        "spheroseg://no-id",
        "spheroseg://a/b?pages=1",
        "spheroseg://a/b?page=x",
        "x.spheroseg",
    ):
        with pytest.raises(LocalFileError):
            address_of(wrong)
    assert reader_of(["a.tif"]) is None
    assert reader_of([]) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", json.dumps({"spheroseg": 2, "image": str(uuid4()), "run": str(uuid4()), "page": 1})]
)
def test_files_that_name_no_image_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "x.spheroseg").write_text(content)
    with pytest.raises(LocalFileError, match=r"names an image|another version"):
        opened(str(tmp_path / "x.spheroseg"))


def test_painting_becomes_operations() -> None:
    before = np.zeros((12, 20), np.int32)
    before[1:4, 1:4], before[1:4, 6:9], before[1:4, 11:14], before[6:9, 1:4], before[6:9, 6:9] = 1, 2, 3, 4, 5
    after = before.copy()
    after[before == 1] = 0  # gone
    after[before == 2] = 30  # renumbered
    after[before == 3], after[before == 4] = 4, 3  # swapped
    after[6:9, 7] = 0  # parted
    after[10:12, 10:12] = 25
    found = corrections(before, after)
    assert (found.removed, found.relabelled, found.changed, found.added) == ([1], {2: 30}, [3, 4, 5], [25])
    assert found.pieces == {5: 2}
    assert [one["kind"] for one in found.operations] == ["delete", "relabel", "replace", "replace", "replace", "add"]
    assert not corrections(before, before).operations


@pytest.mark.parametrize("seed", range(12))
def test_any_painting_comes_back_pixel_by_pixel(seed: int) -> None:
    """Pieces, holes and corners that touch, done by the service's own editor; what is the same keeps its outline."""
    rng = np.random.default_rng(seed)
    before = np.zeros((24, 30), np.int32)
    for number in range(1, 7):
        y, x = rng.integers(0, 24), rng.integers(0, 30)
        before[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = number
    before[rng.random(before.shape) < 0.05] = 0
    after = before.copy()
    for label in rng.integers(0, 12, 4):
        y, x = rng.integers(0, 24), rng.integers(0, 30)
        after[y : y + rng.integers(1, 7), x : x + rng.integers(1, 7)] = label
    after[after == 2] = 40
    after[rng.random(after.shape) < 0.03] = 3
    found = corrections(before, after)
    spheroids = {one.number: one for one in spheroids_of(before)}
    outlines = {number: one.polygons for number, one in spheroids.items()}
    edit = EditIn.model_validate({"base": 0, "operations": found.operations})
    editor, size = ShapelyEditor(), (30, 24)
    draft = editor.draft(outlines, [one.operation() for one in edit.operations], size, max(outlines))
    others = {number: one for number, one in outlines.items() if number not in {*draft.spheroids, *draft.removed}}
    made = {one.number: one.polygons for one in editor.finished(draft, spheroids, others, size)}
    given = sorted(made.keys() - outlines.keys() - set(found.relabelled.values()))
    expected = after.copy()
    for label, number in zip(found.added, given, strict=True):
        expected[after == label] = number
    np.testing.assert_array_equal(labels_of(others | made, after.shape), expected)
    same = {number for number in outlines if ((before == number) == (after == number)).all()}
    assert same <= others.keys()


def test_napari_finds_the_manifest_and_all_that_it_names() -> None:
    project = tomllib.loads((PLUGIN.parents[3] / "pyproject.toml").read_text())["project"]
    entry = project["entry-points"]["napari.manifest"]
    assert entry == {project["name"]: "spheroseg_client.napari:napari.yaml"}
    manifest = npe2.PluginManifest.from_file(PLUGIN / "napari.yaml")
    assert manifest.name == project["name"]
    manifest.validate_imports()
