"""What is in a field of view beside the bodies that count: loose cells, debris, ghosts, bubbles, fibres."""

from dataclasses import dataclass
from math import pi

import cv2
import numpy as np

from training.synthesis import bodies
from training.synthesis.draws import Field, Rng, between, chance, log_between, whole
from training.synthesis.noise import rows_and_columns
from training.synthesis.scene import Scene
from training.synthesis.shapes import SHIFT, Form, Points, Shape, Window, closed_curve


@dataclass(frozen=True, eq=False)
class Stamp:
    """A cell or a grain of debris, or a clump of several.

    Args:
        change: (n, n) float32, what it does to the light, round 0.
        reach_px: From its middle to where nothing of it is left.
    """

    change: Field
    reach_px: float

    @classmethod
    def draw(cls, rng: Rng, diameter_px: float, pieces: int) -> "Stamp":
        """Any, more or less in focus."""
        spread = 0.25 * diameter_px * (pieces - 1) ** 0.5
        blur = log_between(rng, 0.5, 3.0) if chance(rng, 0.3) else 0.0
        reach = spread + 0.67 * diameter_px + 2.5 + 2 * blur
        middle = int(reach) + 1
        y, x = np.mgrid[-middle : middle + 1, -middle : middle + 1].astype(np.float32)
        change = np.zeros_like(x)
        fill, edge, rim_at = between(rng, -0.5, 0.4), between(rng, -0.5, 0.5), between(rng, 0.8, 1.1)
        for _ in range(pieces):
            radius = diameter_px / 2 * (log_between(rng, 0.4, 1.0) if pieces > 1 else 1.0)
            dx, dy = rng.uniform(-0.7, 0.7, 2) * spread
            turn, stretch = between(rng, 0, pi), log_between(rng, 1, 1.8)
            cosine, sine = np.float32(np.cos(turn)), np.float32(np.sin(turn))
            along, across = (x - dx) * cosine + (y - dy) * sine, (y - dy) * cosine - (x - dx) * sine
            away = np.sqrt((along / stretch**0.5) ** 2 + (across * stretch**0.5) ** 2)
            body = 1 / (1 + np.exp(np.clip((away - radius) * 2.5, -30, 30)))
            rim = np.exp(-(((away - radius * rim_at) / max(0.8, radius * 0.25)) ** 2))
            change += (fill * body + edge * rim) * (1 - 0.6 * np.minimum(1, np.abs(change) * 2))
        if blur:
            change = cv2.GaussianBlur(change, (0, 0), blur)
        change[x * x + y * y > reach * reach] = 0
        return cls(np.asarray(change, np.float32), reach)


def add_stamps(
    rng: Rng, scene: Scene, places: Points, diameter_px: tuple[float, float], strength: float, clumps: float
) -> None:
    """Loose cells or debris of a few looks, at those of these places where they reach no labelled body.

    Args:
        places: (n, 2) x and y.
        clumps: Share of the looks that are clumps of several.
    """
    looks = [
        Stamp.draw(rng, log_between(rng, *diameter_px), whole(rng, 2, 6) if chance(rng, clumps) else 1)
        for _ in range(8)
    ]
    outside = cv2.distanceTransform((scene.labels == 0).astype(np.uint8), cv2.DIST_L2, 3) if scene.count else None
    height, width = scene.shape
    for x, y in places:
        look = looks[int(rng.integers(8))]
        change = look.change[::-1] if chance(rng, 0.5) else look.change
        row, column = min(max(int(y), 0), height - 1), min(max(int(x), 0), width - 1)
        if outside is not None and outside[row, column] <= look.reach_px + abs(row - int(y)) + abs(column - int(x)):
            continue
        side = change.shape[0]
        clip = Window(int(y) - side // 2, int(x) - side // 2, side, side).clipped(height, width)
        if clip is not None:
            scene.light[clip[0]] *= np.maximum(1 + strength * change[clip[1]], 0.05)


def add_debris(rng: Rng, scene: Scene) -> None:
    """Dust, dead and single cells, scattered or in drifts, outside the labelled bodies."""
    height, width = scene.shape
    count = int(log_between(rng, 3, 250) * min(4.0, height * width / 512**2)) + 1
    places = rng.random((count, 2)) * [width, height]
    if chance(rng, 0.35):
        heart = rng.random(2) * [width, height]
        places[: count // 2] = heart + rng.normal(0, min(height, width) * between(rng, 0.03, 0.15), (count // 2, 2))
    cell = min(scene.cell_px, 14.0)
    largest = log_between(rng, 2.0, max(2.5, cell))
    add_stamps(rng, scene, places, (1.2, largest), log_between(rng, 0.3, 1.5), between(rng, 0, 0.6))
    scene.parts.append("debris")


def add_crumbs(rng: Rng, scene: Scene) -> None:
    """Debris that clings to the bodies from outside."""
    height, width = scene.shape
    outside = cv2.distanceTransform((scene.labels == 0).astype(np.uint8), cv2.DIST_L2, 3)
    reach = log_between(rng, 2, 12)
    near = np.flatnonzero((outside > 3.5) & (outside < 6 + reach))
    if len(near) == 0:
        return
    at = rng.choice(near, min(len(near), int(log_between(rng, 3, 0.12 * height))))
    places = np.stack(np.divmod(at, width)[::-1], axis=1).astype(np.float64)
    largest = log_between(rng, 2.0, 2.5 + reach)
    add_stamps(rng, scene, places, (1.5, largest), between(rng, 0.5, 1.5), between(rng, 0, 0.6))
    scene.parts.append("crumbs")


def add_ghosts(rng: Rng, scene: Scene, count: int) -> None:
    """Bodies far out of focus, without labels."""
    height, width = scene.shape
    for _ in range(count):
        radius = min(height, width) * log_between(rng, 0.015, 0.1)
        shape = Shape((closed_curve(rng, radius, Form(lobes=0.1, stretch=log_between(rng, 1, 1.6)), scene.cell_px),))
        blurred = bodies.ghost(rng, radius)
        where = shape.moved(between(rng, 0, width), between(rng, 0, height))
        bodies.paint(rng, scene, where, blurred, 0)
    scene.parts.append("ghosts")


def add_bubbles(rng: Rng, scene: Scene) -> None:
    """Air: a thick dark or double ring, bright in the middle."""
    height, width = scene.shape
    for _ in range(whole(rng, 1, 5)):
        radius = min(height, width) * log_between(rng, 0.015, 0.12)
        at = between(rng, 0, width), between(rng, 0, height)
        wide = max(1.5, radius * between(rng, 0.14, 0.3))
        y, x = rows_and_columns(height, width)
        reach = int(radius + 5 * wide) + 2
        clip = Window(int(at[1]) - reach, int(at[0]) - reach, 2 * reach, 2 * reach).clipped(height, width)
        if clip is None:
            continue
        rows, columns = clip[0]
        away = np.sqrt((x[:, columns] - np.float32(at[0])) ** 2 + (y[rows] - np.float32(at[1])) ** 2)
        ring = -between(rng, 0.6, 0.98) * np.exp(-(((away - radius) / wide) ** 2))
        ring += between(rng, 0, 0.6) * np.exp(-(((away - radius + 2 * wide) / wide) ** 2))
        ring += between(rng, 0, 0.4) * np.exp(-(((away - radius - 1.7 * wide) / wide) ** 2))
        ring += between(rng, 0, 0.5) * np.exp(-((away / (radius * between(rng, 0.1, 0.5))) ** 2))
        scene.light[clip[0]] *= np.maximum(1 + ring, 0.03)
    scene.parts.append("bubbles")


def add_fibres(rng: Rng, scene: Scene) -> None:
    """Hairs, fibres and scratches: thin bent lines, sharp or out of focus."""
    height, width = scene.shape
    canvas = np.zeros((height, width), np.uint8)
    for _ in range(whole(rng, 1, 4)):
        steps = whole(rng, 6, 30)
        headings = between(rng, 0, 2 * pi) + np.cumsum(rng.normal(0, between(rng, 0.01, 0.25), steps))
        step = max(height, width) * log_between(rng, 0.1, 1.2) / steps
        path = rng.random(2) * [width, height] + np.cumsum(np.stack([np.cos(headings), np.sin(headings)], 1), 0) * step
        fixed = np.round(path * 2**SHIFT).astype(np.int32)
        shade, wide = whole(rng, 90, 255), whole(rng, 1, 5)
        cv2.polylines(canvas, [fixed], isClosed=False, color=shade, thickness=wide, lineType=cv2.LINE_AA, shift=SHIFT)
    soft = cv2.GaussianBlur(canvas, (0, 0), log_between(rng, 0.6, 6))
    strength = between(rng, -0.7, 0.35) / max(1, int(soft.max()))
    scene.light *= 1 + np.float32(strength) * soft
    scene.parts.append("fibres")
