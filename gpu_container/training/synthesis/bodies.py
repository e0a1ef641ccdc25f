"""How a body looks, and drawing it into a scene together with its label."""

from dataclasses import dataclass, replace
from math import exp

import cv2
import numpy as np

from training.synthesis.draws import Field, Rng, between, chance, log_between, pick, whole
from training.synthesis.noise import wide_blur
from training.synthesis.scene import Scene
from training.synthesis.shapes import Shape, Window

KNOTS = 64
"""Steps of a profile from the rim (first) to the deepest point (last)."""

DARKEST, BRIGHTEST = 0.01, 2.5
"""Of a body, as a share of the light around it."""


@dataclass(frozen=True)
class Line:
    """A line along the rim, dark or bright.

    Args:
        strength: Light added at its middle, as a share; below 0 it is dark.
        depth_px: Of its middle under the rim; below 0 it lies outside.
        width_px: Standard deviation across.
    """

    strength: float
    depth_px: float
    width_px: float


@dataclass(frozen=True, eq=False)
class Style:
    """How a body looks.

    Args:
        profile: Light from the rim to the deepest point, ``KNOTS`` values, 1 is as bright as the background.
        depth_px: Depth that the end of the profile belongs to; None for the deepest point of the body.
        lines: Along the rim.
        grain, cells, clouds: Strength of texture from pixels, cells, and a quarter of the body on.
        grain_px: Scale of the finest texture.
        spots: Strength of dark or bright blobs inside.
        creases: Strength of folded walls inside; below 0 dark.
        gaps: 1 lets the background through between cells.
        waver: How much the lines come, go and wander along the rim.
        opacity: 1 hides what lies behind; 0 lets it through.
        defocus_px: Blur beyond that of the scene, as a standard deviation.
    """

    profile: Field
    depth_px: float | None = None
    lines: tuple[Line, ...] = ()
    grain: float = 0.0
    grain_px: float = 2.0
    cells: float = 0.0
    clouds: float = 0.0
    spots: float = 0.0
    creases: float = 0.0
    gaps: float = 0.0
    waver: float = 0.0
    opacity: float = 1.0
    defocus_px: float = 0.0

    def jittered(self, rng: Rng) -> "Style":
        """Another body of the same kind."""
        shift, gain = exp(rng.normal(0, 0.12)), exp(rng.normal(0, 0.2))
        return replace(
            self,
            profile=np.maximum(np.float32(DARKEST), 1 - (1 - self.profile * np.float32(shift)) * np.float32(gain)),
            lines=tuple(replace(line, strength=line.strength * exp(rng.normal(0, 0.3))) for line in self.lines),
            grain=self.grain * exp(rng.normal(0, 0.3)),
            cells=self.cells * exp(rng.normal(0, 0.3)),
            clouds=self.clouds * exp(rng.normal(0, 0.3)),
        )


def knots(values: list[float], places: list[float] | None = None) -> Field:
    """A profile through these values, evenly spaced where no places (0 to 1) are given."""
    at = np.linspace(0, 1, len(values)) if places is None else np.array(places)
    curve = np.interp(np.linspace(0, 1, KNOTS), at, values)
    padded = np.pad(curve, 4, mode="edge")
    return np.convolve(padded, np.ones(9) / 9, mode="valid").astype(np.float32)


def absorbing(strength: float, core: float = 1.0) -> Field:
    """A ball that absorbs (Beer and Lambert): ``strength`` through its middle, ``core`` times that further in."""
    depth = np.linspace(0, 1, KNOTS)
    path = np.sqrt(1 - (1 - depth) ** 2)
    inner = 1 / (1 + np.exp((0.55 - depth) / 0.08))
    return np.exp(-strength * path * (1 + (core - 1) * inner)).astype(np.float32)


def rim_lines(rng: Rng, strength: float) -> tuple[Line, ...]:
    """The dark line of an edge, inside it, often with a bright one beside it (Becke's line)."""
    wide = log_between(rng, 0.7, 2.5)
    lines = [Line(-strength * between(rng, 0.2, 1.0), between(rng, 0.7, 1.8) * wide, wide)] if chance(rng, 0.75) else []
    if chance(rng, 0.5):
        side = -1 if chance(rng, 0.6) else 1
        lines.append(
            Line(strength * between(rng, 0.1, 0.9), side * between(rng, 1.2, 3.5) * wide, wide * between(rng, 0.7, 2.5))
        )
    if chance(rng, 0.2):
        lines.append(Line(strength * between(rng, -0.5, 0.5), between(rng, 2, 7) * wide, wide * between(rng, 0.8, 2)))
    return tuple(lines)


def solid(rng: Rng, darkness: float) -> Style:
    """Packed cells: dark, with or without a dead core, rings, or as bright as the background.

    Args:
        darkness: 0 is about as bright as the background, 1 lets no light through.
    """
    base = 1 - darkness
    kind = pick(rng, {"ball": 4, "core": 2, "flat": 2, "bright core": 1.2, "ring": 1, "lens": 0.8, "any": 2})
    match kind:
        case "ball":
            profile = absorbing(-np.log(max(base, 0.02)) * between(rng, 0.8, 1.3))
        case "core":
            profile = absorbing(-np.log(max(base, 0.05)) * between(rng, 0.4, 0.8), between(rng, 1.5, 3.5))
        case "flat":
            profile = knots([base * between(rng, 0.9, 1.2), base, base], [0, 0.15, 1])
        case "bright core":
            profile = knots([base, base * 0.9, base, min(1.3, base + between(rng, 0.1, 0.6))], [0, 0.3, 0.5, 1])
        case "ring":
            low = base * between(rng, 0.4, 0.8)
            profile = knots([base, base, low, base, base], [0, 0.2, between(rng, 0.3, 0.6), 0.75, 1])
        case "lens":
            edge, seam = base * between(rng, 0.3, 0.8), between(rng, 0.9, 1.5)
            profile = knots([(1 + edge) / 2, edge, seam, base, base], [0, 0.12, between(rng, 0.25, 0.4), 0.6, 1])
        case _:
            profile = knots([float(np.clip(base * exp(rng.normal(0, 0.35)), 0.02, 1.5)) for _ in range(5)])
    return Style(
        profile=profile,
        lines=rim_lines(rng, between(rng, 0.1, 0.6)),
        grain=log_between(rng, 0.01, 0.2),
        grain_px=log_between(rng, 1.0, 4.0),
        cells=log_between(rng, 0.01, 0.3) if chance(rng, 0.75) else 0.0,
        clouds=log_between(rng, 0.03, 0.4) if chance(rng, 0.9) else 0.0,
        creases=between(rng, -0.4, 0.2) if chance(rng, 0.3) else 0.0,
        waver=between(rng, 0, 0.4) if chance(rng, 0.7) else 0.0,
        spots=between(rng, -0.7, 0.5) if chance(rng, 0.3) else 0.0,
        opacity=between(rng, 0.3, 1) if chance(rng, 0.5) else 1.0,
    )


def cystic(rng: Rng, radius_px: float) -> Style:
    """A thin wall round a lumen that looks like the background."""
    wall = max(1.2, radius_px * log_between(rng, 0.02, 0.16))
    lumen = between(rng, 0.82, 1.12)
    side = between(rng, 0.55, 1.05)
    profile = knots(
        [side, lumen, lumen * between(rng, 0.93, 1.07)], [0, min(0.9, wall * between(rng, 1, 2.5) / radius_px), 1]
    )
    edge = wall * between(rng, 0.25, 0.5)
    lines = [Line(-between(rng, 0.15, 0.7), edge * between(rng, 0.7, 1.6), edge)]
    if chance(rng, 0.6):
        lines.append(Line(between(rng, 0.1, 0.6), wall * between(rng, 1.0, 1.8), wall * between(rng, 0.25, 0.6)))
    if chance(rng, 0.4):
        lines.append(Line(between(rng, 0.05, 0.5), -wall * between(rng, 0.4, 1.2), wall * between(rng, 0.3, 0.8)))
    if chance(rng, 0.35):
        lines.append(Line(-between(rng, 0.1, 0.5), wall * between(rng, 1.8, 3), wall * between(rng, 0.2, 0.5)))
    return Style(
        profile=profile,
        depth_px=radius_px,
        lines=tuple(lines),
        grain=log_between(rng, 0.005, 0.05),
        grain_px=log_between(rng, 1.0, 3.0),
        cells=log_between(rng, 0.005, 0.1) if chance(rng, 0.5) else 0.0,
        clouds=log_between(rng, 0.01, 0.12),
        spots=-between(rng, 0.1, 0.8) if chance(rng, 0.35) else 0.0,
        creases=between(rng, -0.6, 0.3) if chance(rng, 0.3) else 0.0,
        waver=between(rng, 0, 0.3) if chance(rng, 0.6) else 0.0,
        opacity=between(rng, 0, 0.6),
    )


def ghost(rng: Rng, radius_px: float) -> Style:
    """A body far out of focus: a blur brighter or darker than the background, or a soft ring."""
    if chance(rng, 0.2):
        wall = Line(between(rng, -0.6, -0.15), 0.0, max(1.5, radius_px * between(rng, 0.04, 0.12)))
        middle = between(rng, 0.9, 1.15)
        return Style(
            profile=knots([1.0, middle, middle]),
            lines=(wall,),
            opacity=0.0,
            defocus_px=max(4.0, radius_px * between(rng, 0.18, 0.35)),
        )
    ring, middle = between(rng, -0.45, 0.3), between(rng, -0.45, 0.6)
    return Style(
        profile=knots([1 + ring, 1 + ring, 1 + middle], [0, between(rng, 0.2, 0.7), 1]),
        opacity=0.0,
        clouds=between(rng, 0, 0.2),
        defocus_px=max(3.0, radius_px * log_between(rng, 0.27, 0.7)),
    )


def paint(rng: Rng, scene: Scene, shape: Shape, style: Style, number: int) -> None:
    """Draw a body in front of what is there.

    A pixel belongs to it where it covers half of the pixel or more, after the blur of its rim.

    Args:
        number: Its label, or that of the body it is a part of; 0 for what does not count.
    """
    blur = float(np.hypot(scene.sharpness_px, style.defocus_px))
    outside = max((-line.depth_px + 3 * line.width_px for line in style.lines), default=0.0)
    drawn = shape.drawn(int(3 * blur + outside) + 3, *scene.shape)
    if drawn is None:
        return
    mask, window = drawn
    clip = window.clipped(*scene.shape)
    if clip is None:
        return
    frame, part = clip
    body = mask > 0
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)
    deepest = float(depth.max())
    if deepest == 0.0:
        return
    light, relative = _light(rng, scene, style, window, depth, deepest)
    light = np.where(body, light, np.float32(1.0))
    near = max((abs(line.depth_px) + 3 * line.width_px for line in style.lines), default=0.0)
    if near:
        away = np.asarray(cv2.distanceTransform(255 - mask, cv2.DIST_L2, 3), np.float32)
        signed = np.where(body, depth - 0.5, 0.5 - away)
        waver = 1.0
        if style.waver and deepest > 5:
            waves = scene.textures.noise(rng, window.shape, deepest * between(rng, 0.3, 1.2))
            signed = signed + waves * np.float32(style.waver * near / 4)
            waver = np.clip(1 + 2 * style.waver * waves[::-1, ::-1], 0, 2.5)
        for line in style.lines:
            light += line.strength * waver * np.exp(-(((signed - line.depth_px) / line.width_px) ** 2) / 2)
    alpha = wide_blur(body.astype(np.float32), blur)
    change = wide_blur(np.clip(light, DARKEST, BRIGHTEST) - 1, blur)
    alpha, change = alpha[part], change[part]
    behind = scene.light[frame]
    behind += (1 - behind) * (style.opacity * alpha)
    behind *= 1 + change
    np.maximum(scene.matter[frame], alpha, out=scene.matter[frame])
    dome = np.sqrt(relative) * body
    if style.defocus_px:
        dome = wide_blur(dome, blur)
    np.maximum(scene.dome[frame], dome[part] * alpha, out=scene.dome[frame])
    if number:
        scene.labels[frame][alpha >= 0.5] = number


def _light(rng: Rng, scene: Scene, style: Style, window: Window, depth: Field, deepest: float) -> tuple[Field, Field]:
    """Light through the body, and depth relative to its deepest point."""
    # Smoothed, or the ridges of the distance to the rim would show, which no body has.
    relative = wide_blur(depth * np.float32(1 / max(deepest, style.depth_px or 0.0)), 0.15 * deepest)
    light = style.profile[(relative * (KNOTS - 1)).astype(np.uint8)]
    texture = np.zeros(window.shape, np.float32)
    if style.clouds and deepest > 4:
        scale = deepest * between(rng, 0.3, 0.9)
        texture += style.clouds * scene.textures.noise(rng, window.shape, scale)
    if style.cells and scene.cell_px >= 3 and deepest > 3:
        texture += style.cells * scene.textures.cells(rng, window.shape, scene.cell_px * between(rng, 0.8, 1.2))
    if style.grain:
        texture += style.grain * scene.textures.noise(rng, window.shape, style.grain_px)
    light = light * np.exp(np.clip(texture, -2, 1))
    if style.gaps and scene.cell_px >= 3:
        cells = scene.textures.cells(rng, window.shape, scene.cell_px)
        light += (1 - light) * style.gaps / (1 + np.exp(np.clip(4 * (cells + 0.6), -30, 30)))
    if style.creases and deepest > 8:
        fold = np.abs(scene.textures.noise(rng, window.shape, deepest * log_between(rng, 0.15, 1.0)))
        light += np.float32(style.creases) * light * np.exp(-((fold / between(rng, 0.04, 0.2)) ** 2))
    if style.spots and deepest > 5:
        _add_spots(rng, light, depth, style.spots, scene.cell_px)
    return light, relative


def _add_spots(rng: Rng, light: Field, depth: Field, strength: float, cell_px: float) -> None:
    """Blobs inside: debris in a lumen, dead cells, small holes."""
    inner = np.flatnonzero(depth > 0.35 * depth.max())
    blobs = np.zeros(light.shape, np.uint8)
    for at in rng.choice(inner, whole(rng, 1, 12)):
        y, x = divmod(int(at), light.shape[1])
        size = max(1.0, min(cell_px, float(depth[y, x])) * log_between(rng, 0.2, 0.8))
        cv2.ellipse(
            blobs,
            (x, y),
            (round(size), max(1, round(size * between(rng, 0.5, 1)))),
            whole(rng, 0, 180),
            0,
            360,
            255,
            -1,
        )
    soft = cv2.GaussianBlur(blobs, (0, 0), max(0.8, cell_px * 0.1))
    light += np.float32(strength / 255) * soft * light
