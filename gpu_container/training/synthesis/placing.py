"""Where bodies lie: apart, overlapping or touching, in the frame or cut by it."""

from math import cos, hypot, pi, sin

from training.synthesis.backdrops import Well
from training.synthesis.draws import Rng, between, whole
from training.synthesis.scene import Scene


class Placing:
    """Finds room for bodies, taken as disks.

    Args:
        well: That they must lie in.
        overlap: How far two disks may go into one another, as a share of the sum of their radii; below 0 is a gap.
        cut: Whether they may reach over the frame.
    """

    def __init__(self, rng: Rng, scene: Scene, well: Well | None, overlap: float, *, cut: bool) -> None:
        self.rng, self.scene, self.well, self.overlap, self.cut = rng, scene, well, overlap, cut
        self.taken: list[tuple[float, float, float]] = []

    def somewhere(self, radius_px: float) -> tuple[float, float] | None:
        """A free place, or none after 12 tries."""
        height, width = self.scene.shape
        edge = 0.0 if self.cut else min(radius_px, 0.5 * min(height, width))
        for _ in range(12):
            x, y = between(self.rng, edge, width - edge), between(self.rng, edge, height - edge)
            if self.fits(x, y, radius_px):
                self.taken.append((x, y, radius_px))
                return x, y
        return None

    def beside(self, radius_px: float, closeness: tuple[float, float]) -> tuple[float, float] | None:
        """A place beside a body that is there, its centre this share of the sum of radii away; none after 30 tries."""
        height, width = self.scene.shape
        if not self.taken:
            return self.somewhere(radius_px)
        for _ in range(30):
            x0, y0, other = self.taken[whole(self.rng, 0, len(self.taken) - 1)]
            angle, far = between(self.rng, 0, 2 * pi), (radius_px + other) * between(self.rng, *closeness)
            x, y = x0 + far * cos(angle), y0 + far * sin(angle)
            if 0 <= x < width and 0 <= y < height and self.fits(x, y, radius_px):
                self.taken.append((x, y, radius_px))
                return x, y
        return None

    def fits(self, x: float, y: float, radius_px: float) -> bool:
        """Whether a disk overlaps no other too far, and lies in the well."""
        if self.well is not None and not self.well.holds(x, y, radius_px):
            return False
        return all(hypot(x - a, y - b) > (radius_px + r) * (1 - self.overlap) for a, b, r in self.taken)
