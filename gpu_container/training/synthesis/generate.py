"""One image from one seed."""

from dataclasses import asdict, dataclass
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

from training.synthesis import backdrops, kinds, optics, surroundings
from training.synthesis.backdrops import Well
from training.synthesis.camera import Camera, Pixels
from training.synthesis.draws import Field, Rng, between, chance, log_between, pick, whole
from training.synthesis.kinds import Kind
from training.synthesis.noise import wide_blur
from training.synthesis.optics import Optics
from training.synthesis.scene import SMALLEST_LABEL_PX, Scene

SMALLEST_SIDE_PX = 32

FAINTEST = 0.04
"""Step of light at a rim below which contrast is added, as a share of the light."""


@dataclass(frozen=True)
class Recipe:
    """What was drawn.

    Args:
        seed, height_px, width_px, asked: What ``synthesize`` was called with; the same give the same image.
        kind: Of the image.
        optics: How it became visible.
        objects: Labels in it.
        cell_px: Diameter of a cell.
        blur_px: Of the whole image, as a standard deviation.
        parts: What else is in it: debris, wells, seams.
        camera: Settings of camera and file.
    """

    seed: int
    height_px: int
    width_px: int
    asked: Kind | None
    kind: Kind
    optics: Optics
    objects: int
    cell_px: float
    blur_px: float
    parts: tuple[str, ...]
    camera: Camera

    def as_dict(self) -> dict[str, object]:
        """As JSON takes it."""
        return asdict(self)


@dataclass(frozen=True)
class SyntheticImage:
    """An image and its truth.

    Args:
        pixels: (h, w) uint8 or uint16.
        labels: (h, w) int32, 0 is background, objects are 1 to n without gaps. Each is in one piece, its pixels joined
            by sides or corners: a body that another one in front cuts in two is two objects. None is smaller than
            28 px, the area of a disk of 6 px in diameter.
        recipe: What was drawn.
    """

    pixels: Pixels
    labels: NDArray[np.int32]
    recipe: Recipe


def synthesize(seed: int, *, height_px: int = 512, width_px: int = 512, kind: Kind | None = None) -> SyntheticImage:
    """Draw an image of spheroids or organoids, and the mask that goes with it.

    What is drawn as a body is its label, to the pixel where it covers half; what lies outside (loose cells, debris,
    bubbles, bodies far out of focus) is background. The same arguments give the same image with the same releases of
    numpy and OpenCV.

    Args:
        seed: 0 or more.
        height_px, width_px: 32 or more.
        kind: What it shows; None draws one by ``kinds.WEIGHTS``.

    Raises:
        ValueError: A negative seed, or sides that are too small.
    """
    if min(height_px, width_px) < SMALLEST_SIDE_PX:
        raise ValueError(f"A side of {min(height_px, width_px)} px is less than {SMALLEST_SIDE_PX} px")
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = pick(rng, kinds.WEIGHTS) if kind is None else kind
    how = pick(rng, optics.WEIGHTS)
    scene = Scene.blank(rng, height_px, width_px, log_between(rng, *kinds.CELL_PX), log_between(rng, 0.5, 1.3))
    well = Well.draw(rng, height_px, width_px) if chance(rng, 0.12) else None
    _add_surroundings(rng, scene)
    well = kinds.fill(rng, scene, drawn, well)
    if chance(rng, 0.4):
        surroundings.add_debris(rng, scene)
    if chance(rng, 0.2):
        surroundings.add_crumbs(rng, scene)
    pixels, camera, blur_px = _photographed(rng, scene, how, well)
    labels = in_pieces(scene.labels)
    objects = int(labels.max())
    parts = tuple(dict.fromkeys(scene.parts))
    told = Recipe(seed, height_px, width_px, kind, drawn, how, objects, scene.cell_px, blur_px, parts, camera)
    return SyntheticImage(pixels, labels, told)


def _add_surroundings(rng: Rng, scene: Scene) -> None:
    """What lies behind the bodies."""
    if chance(rng, 0.04):
        backdrops.add_monolayer(rng, scene)
    if chance(rng, 0.04):
        backdrops.add_microwells(rng, scene.light)
        scene.parts.append("microwells")
    if chance(rng, 0.05):
        backdrops.add_gel_edge(rng, scene.light)
        scene.parts.append("gel edge")
    if chance(rng, 0.4):
        surroundings.add_ghosts(rng, scene, whole(rng, 1, 10))
    if chance(rng, 0.4):
        surroundings.add_debris(rng, scene)
    if chance(rng, 0.06):
        surroundings.add_bubbles(rng, scene)
    if chance(rng, 0.12):
        surroundings.add_fibres(rng, scene)


def _photographed(rng: Rng, scene: Scene, how: Optics, well: Well | None) -> tuple[Pixels, Camera, float]:
    """The image, the camera's settings and the blur of the whole."""
    light = optics.seen(rng, scene, how)
    contrast = rim_contrast(light, scene.labels, scene.sharpness_px)
    if contrast < FAINTEST:
        light += (np.abs(scene.light - 1) if how == Optics.DARKFIELD else scene.light - 1) * np.float32(0.5)
        contrast = rim_contrast(light, scene.labels, scene.sharpness_px)
    light *= backdrops.shine(rng, scene.shape)
    light *= backdrops.grain(rng, scene.shape, 0.6 * contrast)
    if chance(rng, 0.12):
        backdrops.add_bowl(rng, light)
        scene.parts.append("bowl")
    if well is not None:
        backdrops.add_well(rng, light, well)
        scene.parts.append("well")
    if chance(rng, 0.08):
        backdrops.add_stripes(rng, light, 0.5 * contrast)
        scene.parts.append("stripes")
    if chance(rng, 0.07):
        backdrops.add_seams(rng, light)
        scene.parts.append("seams")
    blur_px = log_between(rng, 0.4, 2.0) if chance(rng, 0.4) else 0.0
    if blur_px:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur_px), np.float32)
    if chance(rng, 0.06):
        light += (light - wide_blur(light, log_between(rng, 1, 4))) * between(rng, 0.3, 1.5)
        scene.parts.append("sharpened")
    camera = Camera.draw(rng).seeing(contrast, log_between(rng, 0.25, 1.2))
    level = camera.noisy(rng, camera.exposed(light))
    if chance(rng, 0.03):
        backdrops.add_caption(rng, level)
        scene.parts.append("caption")
    return camera.stored(level), camera, blur_px


def rim_contrast(light: Field, labels: NDArray[np.int32], sharpness_px: float) -> float:
    """Step of light across the rims of the faintest bodies (of their lowest 15 %); 1 where there are none.

    Args:
        light: (h, w) float32.
        labels: (h, w) int32, 0 is background.
        sharpness_px: Blur of rims, as a standard deviation.
    """
    width = labels.shape[1] + 2
    framed, smooth = np.pad(labels, 1, mode="edge").ravel(), np.pad(light, 1, mode="edge").ravel()
    bodies = np.flatnonzero(framed)
    bodies = bodies[(bodies >= width) & (bodies < framed.size - width)]
    owner = framed[bodies]
    is_rim = np.zeros(len(bodies), bool)
    for step in (1, -1, width, -width):
        is_rim |= framed[bodies + step] != owner
    places, owner = bodies[is_rim], owner[is_rim]
    if len(places) == 0:
        return 1.0
    slope = np.hypot(smooth[places + 1] - smooth[places - 1], smooth[places + width] - smooth[places - width]) / 2
    counts = np.bincount(owner)
    steepest = np.bincount(owner, slope)[counts > 0] / counts[counts > 0]
    # What a difference over two pixels makes of a blurred step of 1, half a pixel inside it.
    blurred = NormalDist(0, sharpness_px)
    return float(np.percentile(steepest, 15)) * 2 / (blurred.cdf(1.5) - blurred.cdf(-0.5))


def in_pieces(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Objects anew from 1, each in one piece; pieces below 28 px go to the neighbour they share most with, or vanish.

    Args:
        labels: (h, w) int32, 0 is background.
    """
    pieces = _split(labels)
    inside = np.flatnonzero(pieces)
    areas = np.bincount(pieces.ravel()[inside])
    small = (areas > 0) & (areas < SMALLEST_LABEL_PX)
    for piece in np.flatnonzero(small):
        y, x = np.divmod(inside[pieces.ravel()[inside] == piece], pieces.shape[1])
        around = pieces[max(y.min() - 1, 0) : y.max() + 2, max(x.min() - 1, 0) : x.max() + 2]
        here = around == piece
        ring = around[cv2.dilate(here.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~here]
        beside = ring[(ring > 0) & ~small[ring]]
        around[here] = np.bincount(beside).argmax() if len(beside) else 0
    numbers = np.where((areas > 0) & ~small, np.cumsum((areas > 0) & ~small), 0).astype(np.int32)
    found = np.zeros(labels.shape, np.int32)
    found.ravel()[inside] = numbers[pieces.ravel()[inside]]
    return found


def _split(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Connected pieces of equal number, not without gaps; OpenCV finds them but where bodies touch."""
    _, found, stats, _ = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8), connectivity=8)
    groups = np.asarray(found, np.int32)
    inside = np.flatnonzero(groups)
    members, owners = groups.ravel()[inside], labels.ravel()[inside]
    lowest, highest = np.full(len(stats), np.iinfo(np.int32).max, np.int32), np.zeros(len(stats), np.int32)
    np.minimum.at(lowest, members, owners)
    np.maximum.at(highest, members, owners)
    pieces, last = groups.copy(), len(stats)
    for group in np.flatnonzero(lowest < highest):
        left, top, width, height, _ = stats[group]
        here = slice(top, top + height), slice(left, left + width)
        its = groups[here] == group
        parts = np.asarray(label(np.where(its, labels[here], 0), connectivity=2))  # type: ignore[no-untyped-call]
        pieces[here][its] = parts[its] + last
        last += int(parts.max())
    return pieces
