"""What synthetic images are put together from."""

from collections.abc import Callable
from dataclasses import replace
from math import pi

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.synthesis import backdrops, bodies, kinds, optics, shapes, surroundings
from training.synthesis.camera import Camera
from training.synthesis.draws import Field, pick
from training.synthesis.generate import in_pieces, rim_contrast
from training.synthesis.noise import Textures, smooth_noise, white_noise
from training.synthesis.placing import Placing
from training.synthesis.scene import Scene
from training.synthesis.shapes import Form, Shape

FLAT = bodies.Style(profile=bodies.knots([0.2, 0.2]))


def a_scene(side: int = 200, sharpness_px: float = 0.7) -> Scene:
    return Scene.blank(np.random.default_rng(1), side, side, cell_px=8.0, sharpness_px=sharpness_px)


def a_rng() -> np.random.Generator:
    return np.random.default_rng(2)


def a_camera() -> Camera:
    return Camera(0.1, 0.7, 1.0, 5000.0, 0.01, 0.0, 8, full_scale=False, jpeg_quality=None)


@pytest.mark.parametrize("defocus_px", [0.0, 3.0])
def test_a_body_ends_where_half_of_its_light_is_reached(defocus_px: float) -> None:
    scene = a_scene()
    shape = Shape((shapes.disk(0, 0, 60.0),)).moved(100.2, 99.7)
    bodies.paint(a_rng(), scene, shape, replace(FLAT, defocus_px=defocus_px), 1)

    darker = scene.light < 0.6
    assert np.count_nonzero(darker != (scene.labels == 1)) < 0.002 * np.count_nonzero(darker)
    assert np.count_nonzero(scene.labels) == pytest.approx(pi * 60**2, rel=0.02)
    assert scene.light[0, 0] == 1.0
    assert scene.light[100, 100] == pytest.approx(0.2, abs=0.01)


def test_the_front_one_of_two_bodies_has_the_pixels() -> None:
    scene = a_scene()
    disk = Shape((shapes.disk(0, 0, 40.0),))
    bodies.paint(a_rng(), scene, disk.moved(80, 100), FLAT, 1)
    alone = scene.labels.copy()
    bodies.paint(a_rng(), scene, disk.moved(120, 100), FLAT, 2)

    assert scene.labels[100, 100] == 2
    assert np.count_nonzero(scene.labels == 2) == np.count_nonzero(alone)
    assert np.array_equal(scene.labels == 1, (alone == 1) & (scene.labels != 2))


@pytest.mark.parametrize("seed", range(5))
def test_the_lumen_of_a_cyst_is_inside_its_label_and_looks_like_the_background(seed: int) -> None:
    scene, rng = a_scene(), np.random.default_rng(seed)
    style = replace(bodies.cystic(rng, 70.0), spots=0.0, creases=0.0, clouds=0.0)
    bodies.paint(rng, scene, Shape((shapes.disk(0, 0, 70.0),)).moved(100, 100), style, 1)

    away = np.hypot(*(np.mgrid[:200, :200] - 100))
    assert (scene.labels[away < 68] == 1).all()
    assert (scene.labels[away > 72] == 0).all()
    assert 0.75 < np.median(scene.light[away < 30]) < 1.25
    assert np.abs(scene.light[np.abs(away - 66) < 5] - 1).max() > 0.1


def test_what_does_not_count_leaves_the_labels_alone() -> None:
    scene, rng = a_scene(), a_rng()
    bodies.paint(rng, scene, Shape((shapes.disk(0, 0, 50.0),)).moved(100, 100), FLAT, scene.new_label())
    labels, light = scene.labels.copy(), scene.light.copy()

    kinds.scatter_cells(rng, scene, (100, 100), 50.0)
    changed = scene.light != light
    assert np.count_nonzero(changed) > 50
    assert not changed[labels > 0].any()
    surroundings.add_crumbs(rng, scene)
    surroundings.add_debris(rng, scene)
    surroundings.add_fibres(rng, scene)
    surroundings.add_bubbles(rng, scene)
    surroundings.add_ghosts(rng, scene, 5)

    assert np.array_equal(scene.labels, labels)
    assert scene.parts == ["loose cells", "crumbs", "debris", "fibres", "bubbles", "ghosts"]


@pytest.mark.parametrize(
    "add",
    [
        backdrops.add_bowl,
        backdrops.add_microwells,
        backdrops.add_gel_edge,
        backdrops.add_seams,
        lambda rng, light: backdrops.add_well(rng, light, backdrops.Well.draw(rng, *light.shape)),
        lambda rng, light: backdrops.add_stripes(rng, light, 0.05),
    ],
    ids=["bowl", "microwells", "gel edge", "seams", "well", "stripes"],
)
def test_backdrops_change_the_light_and_leave_some(add: Callable[[np.random.Generator, Field], None]) -> None:
    for seed in range(4):
        light = np.ones((90, 140), np.float32)
        add(np.random.default_rng(seed), light)

        assert light.std() > 1e-4
        assert light.min() > 0.005
        assert np.isfinite(light).all()


def test_strands_that_leave_a_rim_belong_to_it_and_loose_parts_do_not() -> None:
    stroke = (np.array([[0.0, 0.0], [45.0, 0.0], [90.0, 0.0]]), 6.0, 3.0)
    whole = Shape((shapes.disk(0, 0, 30.0), shapes.disk(0, 60.0, 8.0)), (stroke,)).moved(100, 100)
    drawn = whole.drawn(10, 200, 200)
    assert drawn is not None
    mask, window = drawn

    assert mask[100 - window.top, 180 - window.left] == 255
    assert mask[160 - window.top, 100 - window.left] == 0


def test_a_body_outside_the_frame_is_not_drawn() -> None:
    scene = a_scene()
    bodies.paint(a_rng(), scene, Shape((shapes.disk(0, 0, 20.0),)).moved(-60, 100), FLAT, 1)

    assert scene.labels.max() == 0
    assert (scene.light == 1).all()


def test_an_object_cut_in_two_is_two_and_what_is_too_small_goes() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[2:12, 2:38] = 5
    labels[2:12, 18:22] = 9  # in front of it
    labels[20:25, 20:25] = 3  # 25 px
    labels[2:4, 36:38] = 7  # 4 px that only touch the right half

    found = in_pieces(labels)

    assert found.max() == 3
    assert len({found[5, 5], found[5, 20], found[5, 30]}) == 3
    assert found[22, 22] == 0
    assert found[2, 37] == found[5, 30]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), radius=st.floats(5, 60), stretch=st.floats(1, 3), bend=st.floats(0, 0.4))
def test_a_curve_encloses_the_area_that_it_was_asked_for(seed: int, radius: float, stretch: float, bend: float) -> None:
    form = Form(lobes=0.05, bumps_px=0.5, stretch=stretch, taper=0.3, bend=bend, fullness=2.5)
    curve = shapes.closed_curve(np.random.default_rng(seed), radius, form, 8.0)

    area = cv2.contourArea(curve.astype(np.float32))
    assert area == pytest.approx(pi * radius**2, rel=0.01)


@pytest.mark.parametrize("scale_px", [1.0, 2.5, 12.0, 60.0])
def test_noise_is_as_strong_at_every_scale(scale_px: float) -> None:
    spread = [smooth_noise(np.random.default_rng(seed), (300, 260), scale_px).std() for seed in range(6)]
    shared = Textures(0).noise(a_rng(), (90, 80), min(scale_px, 12.0))

    assert np.mean(spread) == pytest.approx(1.0, abs=0.25)
    assert shared.shape == (90, 80)


def test_looked_up_noise_is_normal() -> None:
    noise = white_noise(a_rng(), (400, 400))

    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(noise) > 1.96) == pytest.approx(0.05, abs=0.005)


def test_the_step_at_a_rim_is_measured() -> None:
    scene = a_scene()
    bodies.paint(a_rng(), scene, Shape((shapes.disk(0, 0, 50.0),)).moved(100, 100), FLAT, 1)

    assert rim_contrast(scene.light, scene.labels, scene.sharpness_px) == pytest.approx(0.8, rel=0.2)
    assert rim_contrast(scene.light, np.zeros_like(scene.labels), 0.7) == 1.0


def test_a_camera_sees_what_is_faint() -> None:
    blind = replace(a_camera(), white=0.11, read_noise=0.02)
    seeing = blind.seeing(contrast=0.1, noise=0.5)

    span = seeing.white - seeing.black
    assert span * 0.1 * 255 >= 2.49
    assert np.hypot(seeing.read_noise, np.sqrt(seeing.white / seeing.electrons)) <= 0.5 * 0.1 * span * 1.001
    assert a_camera().seeing(contrast=1.0, noise=1.0) == a_camera()


@pytest.mark.parametrize(("bits", "full_scale", "largest"), [(8, False, 255), (12, False, 4095), (12, True, 65_520)])
def test_pixels_fill_the_range_of_their_bits(bits: int, full_scale: bool, largest: int) -> None:
    pixels = replace(a_camera(), bits=bits, full_scale=full_scale).stored(np.array([[0.0, 0.5, 2.0]], np.float32))

    assert pixels.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert pixels[0, 0] == 0
    assert pixels[0, 2] == largest


def test_darkness_has_its_level() -> None:
    level = a_camera().exposed(np.array([[0.0, 1.0]] * 8, np.float32).repeat(8, axis=1))

    assert level.min() == pytest.approx(0.1)
    assert level.max() == pytest.approx(0.7, abs=0.02)


@pytest.mark.parametrize("how", list(optics.Optics))
def test_every_optics_shows_a_body(how: optics.Optics) -> None:
    scene, rng = a_scene(), a_rng()
    bodies.paint(rng, scene, Shape((shapes.disk(0, 0, 50.0),)).moved(100, 100), FLAT, 1)
    light = optics.seen(rng, scene, how)

    assert light.shape == scene.shape
    assert light.dtype == np.float32
    assert rim_contrast(light, scene.labels, scene.sharpness_px) > 0.04


def test_a_dark_field_is_dark() -> None:
    scene, rng = a_scene(), a_rng()
    bodies.paint(rng, scene, Shape((shapes.disk(0, 0, 50.0),)).moved(100, 100), FLAT, 1)
    light = optics.seen(rng, scene, optics.Optics.DARKFIELD)

    assert light[scene.labels == 1].mean() > light[5, 5]


def test_bodies_lie_inside_the_well() -> None:
    rng = a_rng()
    scene = a_scene()
    well = backdrops.Well(x=100, y=100, radius_px=60)
    placing = Placing(rng, scene, well, overlap=-0.1, cut=True)
    places = [placing.somewhere(10.0) for _ in range(30)]

    found = [place for place in places if place is not None]
    assert 3 < len(found) < 30
    assert all(np.hypot(x - 100, y - 100) <= 50 for x, y in found)


def test_a_well_without_room_is_left_out() -> None:
    for seed in range(6):
        scene = a_scene()
        tiny = backdrops.Well(x=100, y=100, radius_px=5)
        assert kinds.fill(np.random.default_rng(seed), scene, kinds.Kind.TOUCHING, tiny) is None
        assert scene.count >= 2
        assert kinds.fill(a_rng(), a_scene(), kinds.Kind.EMPTY, tiny) is tiny


def test_a_pick_follows_the_weights() -> None:
    rng = a_rng()
    found = [pick(rng, {"a": 1, "b": 0, "c": 3}) for _ in range(400)]

    assert found.count("b") == 0
    assert found.count("c") / 400 == pytest.approx(0.75, abs=0.07)
