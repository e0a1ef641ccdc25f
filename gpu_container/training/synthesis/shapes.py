"""Outlines of bodies: closed curves and strokes, in pixels round the origin."""

from dataclasses import dataclass, field, replace
from math import ceil, hypot, pi

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthesis.draws import Rng, between, chance, log_between, whole

Points = NDArray[np.float64]
"""(n, 2) x and y."""

SHIFT = 4
"""Bits after the point in the coordinates that OpenCV draws with."""


@dataclass(frozen=True)
class Window:
    """A rectangle of the scene, which may reach past its frame."""

    top: int
    left: int
    height: int
    width: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.height, self.width

    def clipped(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
        """Where it lies in a frame of this size, and which part of it; None where it lies outside."""
        top, left = max(self.top, 0), max(self.left, 0)
        bottom, right = min(self.top + self.height, height), min(self.left + self.width, width)
        if top >= bottom or left >= right:
            return None
        frame = slice(top, bottom), slice(left, right)
        return frame, (slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left))


@dataclass(frozen=True)
class Shape:
    """What one body covers: the union of its parts.

    Args:
        curves: Closed curves, filled.
        strokes: Open curves and their widths in pixels, at each end.
        fuse_px: How far dents between parts are filled and tips rounded.
    """

    curves: tuple[Points, ...]
    strokes: tuple[tuple[Points, float, float], ...] = field(default=())
    fuse_px: float = 0.0

    def moved(self, x: float, y: float) -> "Shape":
        """The same, with its origin here."""
        at = np.array([x, y])
        return replace(
            self,
            curves=tuple(curve + at for curve in self.curves),
            strokes=tuple((line + at, first, last) for line, first, last in self.strokes),
        )

    def reach(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        every = np.concatenate([*self.curves, *(line for line, _, _ in self.strokes)])
        (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
        wide = max((max(first, last) for _, first, last in self.strokes), default=0.0) / 2
        return float(left - wide), float(top - wide), float(right + wide), float(bottom + wide)

    def drawn(self, pad: int, height: int, width: int) -> tuple[NDArray[np.uint8], Window] | None:
        """Its pixels, 0 or 255, in a window ``pad`` wider than it; None where nothing is near the frame.

        The window ends ``pad`` outside a frame of this size, so that a body larger than the frame costs no more.
        """
        left, top, right, bottom = self.reach()
        x0, y0 = max(int(left) - pad, -pad), max(int(top) - pad, -pad)
        x1, y1 = min(ceil(right) + pad + 1, width + pad), min(ceil(bottom) + pad + 1, height + pad)
        if x1 - x0 <= 2 * pad or y1 - y0 <= 2 * pad:
            return None
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        origin = np.array([x0, y0])
        for curve in self.curves:
            cv2.fillPoly(mask, [_fixed(curve - origin)], 255, lineType=cv2.LINE_8, shift=SHIFT)
        for line, first, last in self.strokes:
            widths = np.linspace(first, last, len(line) - 1)
            fixed = _fixed(line - origin)
            for start, end, wide in zip(fixed[:-1], fixed[1:], widths, strict=True):
                cv2.line(mask, start.tolist(), end.tolist(), 255, max(1, round(wide)), cv2.LINE_8, SHIFT)
        if self.fuse_px > 0.3:
            mask = np.where(cv2.GaussianBlur(mask, (0, 0), self.fuse_px) > 127, 255, 0).astype(np.uint8)
        if len(self.curves) + len(self.strokes) > 1:
            mask = _largest_piece(mask)
        return mask, Window(y0, x0, *mask.shape)


def _largest_piece(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A body is in one piece: parts that nothing joins to it are no parts of it."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4, ltype=cv2.CV_16U)
    if count <= 2:
        return mask
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    return np.where(pieces == largest, np.uint8(255), np.uint8(0))


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.asarray(np.round(points * 2**SHIFT), np.int32)


@dataclass(frozen=True)
class Form:
    """How round a closed curve is.

    Args:
        lobes: Strength of slow waves along the rim, 0 to 0.4 of the radius.
        bumps_px: Height of bumps of the size of a cell.
        stretch: Length divided by width.
        taper: 0 is symmetric; 0.7 a drop.
        fullness: 2 is an ellipse; 4 has nearly straight sides and full ends, as a rod.
        bend: 0 is straight; 0.5 a bean.
    """

    lobes: float = 0.03
    bumps_px: float = 0.0
    stretch: float = 1.0
    taper: float = 0.0
    fullness: float = 2.0
    bend: float = 0.0


def closed_curve(rng: Rng, radius_px: float, form: Form, cell_px: float) -> Points:
    """A curve round the origin that encloses the area of a disk of this radius."""
    count = int(np.clip(2 * pi * radius_px / 1.5, 24, 900))
    angle = np.arange(count) * (2 * pi / count)
    order = np.arange(2, 9)
    strength = form.lobes * rng.standard_normal(7) / (order - 1.0) ** 0.8
    radius = 1.0 + (strength[:, None] * np.cos(order[:, None] * angle + rng.uniform(0, 2 * pi, 7)[:, None])).sum(axis=0)
    if form.bumps_px:
        bumps = max(5, round(2 * pi * radius_px / cell_px))
        height = np.abs(rng.standard_normal(bumps))
        place, within = np.divmod(np.arange(count) * (bumps / count), 1)
        radius = radius + form.bumps_px / radius_px * height[place.astype(int)] * np.sin(pi * within) ** 0.7
    radius = np.maximum(radius, 0.25)
    if form.fullness != 2.0:
        # The radius of a superellipse (Lamé) at an angle, by that of a circle.
        powers = np.abs(np.stack([np.cos(angle), np.sin(angle)])) ** form.fullness
        radius /= powers.sum(axis=0) ** (1 / form.fullness)
    along, across = radius * np.cos(angle) * form.stretch**0.5, radius * np.sin(angle) / form.stretch**0.5
    longest = np.abs(along).max()
    across = across * (1 + form.taper * along / longest) + form.bend * (along**2 / longest - longest / 3)
    turn = between(rng, 0, 2 * pi)
    x, y = along * np.cos(turn) - across * np.sin(turn), along * np.sin(turn) + across * np.cos(turn)
    twice = float(x[:-1] @ y[1:] - y[:-1] @ x[1:] + x[-1] * y[0] - y[-1] * x[0])
    return np.asarray(np.stack([x, y], axis=1) * (radius_px * (2 * pi / abs(twice)) ** 0.5), np.float64)


def disk(x: float, y: float, radius_px: float) -> Points:
    """A circle."""
    count = int(np.clip(2 * radius_px, 10, 120))
    angle = np.arange(count) * (2 * pi / count)
    return np.stack([x + radius_px * np.cos(angle), y + radius_px * np.sin(angle)], axis=1)


def cauliflower(rng: Rng, core: Points, cell_px: float) -> tuple[Points, ...]:
    """Cells that bulge from a rim, as disks along it."""
    steps = np.hypot(*(np.roll(core, -1, axis=0) - core).T)
    run = np.concatenate([[0.0], np.cumsum(steps)])
    count = max(4, min(160, round(run[-1] / (cell_px * between(rng, 0.5, 1.2)))))
    at = np.searchsorted(run, rng.random(count) * run[-1]).clip(1, len(core)) - 1
    return tuple(disk(0.0, 0.0, cell_px * log_between(rng, 0.3, 0.8)) + core[i] * between(rng, 0.94, 1.0) for i in at)


def lobed(rng: Rng, radius_px: float, form: Form, cell_px: float, lobes: int) -> Shape:
    """A body with large bulges: grown together from several."""
    core = closed_curve(rng, radius_px * 0.75, form, cell_px)
    curves = [core]
    for _ in range(lobes):
        rim = core[whole(rng, 0, len(core) - 1)]
        size = radius_px * log_between(rng, 0.18, 0.6)
        bulge = closed_curve(rng, size, form, cell_px)
        curves.append(bulge + rim * between(rng, 0.8, 1.0 + 0.5 * size / hypot(*rim)))
    return Shape(tuple(curves), fuse_px=radius_px * between(rng, 0.0, 0.06))


def chain(rng: Rng, radius_px: float, form: Form, cell_px: float, links: int) -> Shape:
    """Bodies in a bent row, grown together: buds, branches."""
    place, turn = np.zeros(2), between(rng, 0, 2 * pi)
    curves = []
    for _ in range(links):
        size = radius_px * log_between(rng, 0.45, 1.1)
        curves.append(closed_curve(rng, size, form, cell_px) + place)
        turn += between(rng, -0.9, 0.9)
        place = place + size * between(rng, 0.7, 1.2) * np.array([np.cos(turn), np.sin(turn)])
    middle = np.mean([curve.mean(axis=0) for curve in curves], axis=0)
    return Shape(tuple(curve - middle for curve in curves), fuse_px=radius_px * between(rng, 0.02, 0.12))


def processes(
    rng: Rng, core: Points, length_px: float, width_px: float, count: int
) -> list[tuple[Points, float, float]]:
    """Strands that leave a rim outwards and thin out: evenly all round, or in a few bundles; some end in a cell."""
    strokes: list[tuple[Points, float, float]] = []
    bundles = rng.integers(len(core), size=whole(rng, 1, 6)) if chance(rng, 0.5) else None
    wander, straggle = between(rng, 0.05, 0.4), between(rng, 0.1, 0.6)
    for _ in range(count):
        if bundles is None:
            start = core[whole(rng, 0, len(core) - 1)]
        else:
            start = core[int(rng.choice(bundles) + rng.normal(0, 0.03 * len(core))) % len(core)]
        steps = whole(rng, 3, 9)
        headings = np.arctan2(start[1], start[0]) + rng.normal(0, straggle) + np.cumsum(rng.normal(0, wander, steps))
        step = length_px * log_between(rng, 0.1, 1.5) / steps
        path = start * 0.95 + np.cumsum(np.stack([np.cos(headings), np.sin(headings)], axis=1), axis=0) * step
        first = width_px * log_between(rng, 0.6, 2.0)
        last = max(1.0, first * between(rng, 0.2, 0.8))
        strokes.append((np.concatenate([start[None] * 0.9, path]), first, last))
        if chance(rng, 0.2):
            strokes.append((path[-2:], last, width_px * between(rng, 1.5, 3)))
        if chance(rng, 0.15):
            turn = headings[-1] + rng.choice([-1, 1]) * between(rng, 0.4, 1.0)
            branch = path[len(path) // 2] + np.outer([0, 0.5, 1], [np.cos(turn), np.sin(turn)]) * step * steps * 0.4
            strokes.append((branch, last, 1.0))
    return strokes


def cloud(rng: Rng, radius_px: float, cell_px: float) -> Shape:
    """Cells packed loosely: one body with a ragged rim."""
    form = Form(lobes=between(rng, 0.02, 0.2), stretch=log_between(rng, 1, 1.5))
    core = closed_curve(rng, radius_px * between(rng, 0.75, 0.95), form, cell_px)
    count = int(np.clip(6 * radius_px / cell_px, 12, 200))
    at = rng.integers(len(core), size=count)
    out = 1 + np.abs(rng.normal(0, between(rng, 0.03, 0.15), count))
    size = cell_px * np.exp(rng.uniform(np.log(0.4), np.log(0.8), count))
    cells = [disk(0, 0, s) + core[i] * o for i, o, s in zip(at, out, size, strict=True)]
    return Shape((core, *cells), fuse_px=cell_px * between(rng, 0.15, 0.5))


def rough_form(rng: Rng, cell_px: float) -> Form:
    """Any form from a disk to a ragged lump."""
    return Form(
        lobes=log_between(rng, 0.005, 0.2),
        bumps_px=cell_px * log_between(rng, 0.02, 0.3) if chance(rng, 0.6) else 0.0,
        stretch=log_between(rng, 1.0, 1.6),
        fullness=between(rng, 1.8, 2.6),
        taper=between(rng, 0, 0.3) if chance(rng, 0.3) else 0.0,
        bend=between(rng, 0, 0.25) if chance(rng, 0.2) else 0.0,
    )
