"""From light to the numbers in a file: exposure, noise, range, compression."""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.synthesis.draws import Field, Rng, between, chance, log_between, pick
from training.synthesis.noise import white_noise

Pixels = NDArray[np.uint8] | NDArray[np.uint16]


FEWEST_LEVELS = 2.5
"""Grey levels of 8 bit that the rim of the faintest body spans, or nobody could see it."""


@dataclass(frozen=True)
class Camera:
    """Settings of a camera and of the file it wrote.

    Args:
        black, white: Levels of no light and of a bright place, as a share of the full range.
        gamma: Exponent of the response.
        electrons: That a full pixel holds: noise of counting.
        read_noise: As a share of the full range.
        noise_scale_px: 0 for noise without correlation, else its scale (sensors with colour, resized images).
        bits: 8, or the used bits of a 16-bit file.
        full_scale: Whether a file of fewer than 16 bits is stretched to 16.
        jpeg_quality: None for a file without loss.
    """

    black: float
    white: float
    gamma: float
    electrons: float
    read_noise: float
    noise_scale_px: float
    bits: int
    full_scale: bool
    jpeg_quality: int | None

    @classmethod
    def draw(cls, rng: Rng) -> "Camera":
        """Any camera."""
        bits = pick(rng, {8: 7.0, 12: 1.0, 14: 0.6, 16: 1.4})
        black = log_between(rng, 0.002, 0.2)
        return cls(
            black=black,
            white=between(rng, 0.9, 1.05) if chance(rng, 0.04) else between(rng, min(0.9, black + 0.15), 0.9),
            gamma=log_between(rng, 0.6, 1.6) if chance(rng, 0.5) else 1.0,
            electrons=log_between(rng, 400, 30_000),
            read_noise=log_between(rng, 0.0005, 0.025),
            noise_scale_px=between(rng, 0.5, 1.1) if chance(rng, 0.3) else 0.0,
            bits=bits,
            full_scale=chance(rng, 0.3),
            jpeg_quality=int(between(rng, 30, 96)) if bits == 8 and chance(rng, 0.3) else None,
        )

    def seeing(self, contrast: float, noise: float) -> "Camera":
        """Set for rims this faint, as a share of the light: more grey levels and less noise where they would drown.

        Args:
            contrast: Of the faintest body that is to be seen.
            noise: Allowed, as a multiple of it.
        """
        span = self.white - self.black
        needed = FEWEST_LEVELS / 255 / max(contrast, 0.01)
        white = max(self.white, min(0.95, self.black + needed)) if span < needed else self.white
        allowed = contrast * (white - self.black) * noise
        quieter = min(1.0, allowed / float(np.sqrt(white / self.electrons + self.read_noise**2)))
        return replace(self, white=white, electrons=self.electrons / quieter**2, read_noise=self.read_noise * quieter)

    def exposed(self, light: Field) -> Field:
        """Light as a share of the camera's range, without noise.

        All but the brightest 2 % lies below white; in a dark field, where bodies are what is bright, all but 0.2 %.
        """
        sample = light[::4, ::4]
        typical, bright, brightest = np.percentile(sample, (50, 98, 99.8))
        brightest = max(float(brightest if bright > 3 * typical or brightest > 4 * typical else bright), 1e-3)
        level = self.black + np.float32((self.white - self.black) / brightest) * np.maximum(light, 0)
        return np.asarray(level**self.gamma if self.gamma != 1.0 else level, np.float32)

    def noisy(self, rng: Rng, level: Field) -> Field:
        """With the noise of counting, taken as normal, and of reading."""
        noise = white_noise(rng, (level.shape[0], level.shape[1]))
        if self.noise_scale_px:
            noise = cv2.GaussianBlur(noise, (0, 0), self.noise_scale_px) * (3.0 * self.noise_scale_px)
        spread = np.sqrt(np.maximum(level, 0) * np.float32(1 / self.electrons) + np.float32(self.read_noise**2))
        return np.asarray(level + noise * spread, np.float32)

    def stored(self, level: Field) -> Pixels:
        """Whole numbers, as they are in a file; what is too bright is saturated."""
        largest = 2**self.bits - 1
        counts = np.rint(np.clip(level, 0, 1) * largest)
        if self.bits > 8:
            return np.asarray(counts * (65_535 // largest if self.full_scale else 1), np.uint16)
        pixels = np.asarray(counts, np.uint8)
        if self.jpeg_quality is None:
            return pixels
        written, file = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, self.jpeg_quality])
        if not written:
            raise RuntimeError("OpenCV could not write a JPEG")
        return np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE), np.uint8)
