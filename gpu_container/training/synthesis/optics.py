"""How a microscope shows a scene: its contrast, its blur."""

from enum import StrEnum

import cv2
import numpy as np

from training.synthesis.draws import Field, Rng, between, chance, log_between
from training.synthesis.noise import wide_blur
from training.synthesis.scene import Scene


class Optics(StrEnum):
    """A way to make bodies visible."""

    BRIGHTFIELD = "brightfield"
    FAINT = "faint"
    PHASE = "phase"
    DARKFIELD = "darkfield"
    OBLIQUE = "oblique"


WEIGHTS = {Optics.BRIGHTFIELD: 5.0, Optics.FAINT: 1.6, Optics.PHASE: 2.4, Optics.DARKFIELD: 0.8, Optics.OBLIQUE: 1.2}


def seen(rng: Rng, scene: Scene, optics: Optics) -> Field:
    """Light as it comes out of the microscope, 1 where the field is empty, about 0.03 in dark field."""
    light = scene.light
    match optics:
        case Optics.BRIGHTFIELD:
            return light if chance(rng, 0.7) else halo(rng, scene, light, between(rng, 0.03, 0.2))
        case Optics.FAINT:
            return 1 + (light - 1) * log_between(rng, 0.12, 0.5)
        case Optics.PHASE:
            return halo(rng, scene, 1 + (light - 1) * between(rng, 0.4, 1.0), log_between(rng, 0.15, 0.9))
        case Optics.DARKFIELD:
            glow = np.abs(light - 1) * between(rng, 0.2, 1.0)
            edges = steepness(light) * between(rng, 0.15, 1.3)
            return np.asarray(between(rng, 0.02, 0.15) + glow + edges, np.float32)
        case Optics.OBLIQUE:
            return oblique(rng, scene)


def halo(rng: Rng, scene: Scene, light: Field, strength: float) -> Field:
    """The bright seam of phase contrast round bodies, and its fading towards their middle."""
    width = scene.cell_px * log_between(rng, 0.3, 1.5)
    spread = wide_blur(scene.matter, width)
    shaded = light + (spread - scene.matter * spread) * np.float32(strength)
    if chance(rng, 0.5):
        fade = between(rng, 0.1, 0.6)
        deep = wide_blur(scene.matter, 4 * width)
        shaded += (1 - light) * scene.matter * deep * np.float32(fade)
    return np.asarray(shaded, np.float32)


def oblique(rng: Rng, scene: Scene) -> Field:
    """Shadows to one side, as in differential interference contrast: slopes of thickness and of light."""
    angle = between(rng, 0, 2 * np.pi)
    height = wide_blur(scene.dome, 1.0) * scene.cell_px * between(rng, 0.3, 1.2) + scene.light * between(rng, 0.5, 3)
    dx, dy = (cv2.Sobel(height, cv2.CV_32F, axis, 1 - axis, scale=1 / 8) for axis in (1, 0))
    slope = np.tanh((dx * np.cos(angle) + dy * np.sin(angle)) * 2) * between(rng, 0.1, 0.5)
    return np.asarray(1 + slope + (scene.light - 1) * between(rng, 0.0, 0.7), np.float32)


def steepness(light: Field) -> Field:
    """(h, w) float32: change of light from pixel to pixel."""
    across, down = (cv2.Scharr(light, cv2.CV_32F, dx, 1 - dx, scale=1 / 32) for dx in (1, 0))
    # cv2.magnitude rounds differently from run to run, by where its arrays happen to lie in memory.
    return np.asarray(np.sqrt(across * across + down * down), np.float32)
