"""The kinds of images: which bodies there are, and where."""

from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from math import hypot, pi

import numpy as np

from training.synthesis import bodies, shapes
from training.synthesis.backdrops import Well
from training.synthesis.bodies import Style
from training.synthesis.draws import Rng, between, chance, log_between, pick, whole
from training.synthesis.placing import Placing
from training.synthesis.scene import Scene
from training.synthesis.shapes import Form, Shape
from training.synthesis.surroundings import add_stamps


class Kind(StrEnum):
    """What an image shows."""

    ROUND = "round"
    MANY = "many"
    TOUCHING = "touching"
    ROUGH = "rough"
    INVASIVE = "invasive"
    LOOSE = "loose"
    CYSTIC = "cystic"
    ELONGATED = "elongated"
    DARK = "dark"
    FRAGMENTS = "fragments"
    MIXED = "mixed"
    EMPTY = "empty"


WEIGHTS: dict[Kind, float] = {
    Kind.ROUND: 14,
    Kind.MANY: 10,
    Kind.TOUCHING: 12,
    Kind.ROUGH: 10,
    Kind.INVASIVE: 9,
    Kind.LOOSE: 5,
    Kind.CYSTIC: 12,
    Kind.ELONGATED: 8,
    Kind.DARK: 8,
    Kind.FRAGMENTS: 5,
    Kind.MIXED: 10,
    Kind.EMPTY: 3,
}
"""How often each is drawn when none is asked for."""

SMALLEST_RADIUS_PX = 4.5

CELL_PX = (3.0, 18.0)


def _radius(rng: Rng, scene: Scene, low: float, high: float) -> float:
    """Of a body, from shares of the shorter side of the frame."""
    return max(SMALLEST_RADIUS_PX, min(scene.shape) * log_between(rng, low, high))


def _cell(scene: Scene, radius_px: float) -> float:
    """A body has cells smaller than itself."""
    return min(scene.cell_px, radius_px * 0.5)


class Looks:
    """Styles of the bodies of one image: alike, or each its own."""

    def __init__(self, rng: Rng, scene: Scene, darkness: tuple[float, float]) -> None:
        self.rng, self.scene = rng, scene
        self.range = darkness
        self.darkness = between(rng, *darkness)
        self.alike = chance(rng, 0.6)
        self.first: Style | None = None
        self.blurred = chance(rng, 0.25)

    def solid(self, radius_px: float) -> Style:
        """Packed cells."""
        if self.first is None or not self.alike:
            darkness = float(np.clip(self.darkness + self.rng.normal(0, 0.1), *self.range))
            self.first = visible(self.rng, bodies.solid(self.rng, darkness))
        return self._focused(self.first.jittered(self.rng), radius_px)

    def cystic(self, radius_px: float) -> Style:
        """A wall round a lumen."""
        return self._focused(bodies.cystic(self.rng, radius_px), radius_px)

    def _focused(self, style: Style, radius_px: float) -> Style:
        """In some images some bodies are a little out of focus, and still count."""
        dark = np.mean(style.profile) < 0.6
        if self.blurred and dark and chance(self.rng, 0.5):
            style = replace(style, defocus_px=min(8.0, radius_px * between(self.rng, 0.03, 0.2)))
        widest = max(1.0, radius_px * 0.15)
        lines = tuple(
            replace(
                line,
                width_px=min(line.width_px, widest),
                depth_px=float(np.clip(line.depth_px, -3 * widest, 4 * widest)),
            )
            for line in style.lines
        )
        return replace(style, lines=lines)


def visible(rng: Rng, style: Style) -> Style:
    """A body that hardly differs from the background gets a rim, or nobody could say where it ends."""
    contrast = float(np.abs(np.array(style.profile) - 1)[: bodies.KNOTS // 4].mean())
    if contrast > 0.12 or any(line.strength < -0.2 for line in style.lines):
        return style
    width = between(rng, 0.8, 2.0)
    rim = bodies.Line(-between(rng, 0.2, 0.6), width * between(rng, 0.7, 1.6), width)
    return replace(style, lines=(*style.lines, rim))


def _put(rng: Rng, scene: Scene, at: tuple[float, float] | None, shape: Shape, style: Style) -> None:
    if at is not None:
        bodies.paint(rng, scene, shape.moved(*at), style, scene.new_label())


def _smooth(rng: Rng) -> Form:
    return Form(lobes=log_between(rng, 0.003, 0.05), stretch=log_between(rng, 1, 1.25))


def _single(scene: Scene, rng: Rng, radius: float, form: Form) -> Shape:
    return Shape((shapes.closed_curve(rng, radius, form, _cell(scene, radius)),))


def _rough_shape(rng: Rng, scene: Scene, radius: float) -> Shape:
    cell = _cell(scene, radius)
    form = shapes.rough_form(rng, cell)
    match pick(rng, {"plain": 2, "cauliflower": 3, "lobed": 3, "chain": 2}):
        case "plain":
            return Shape(
                (shapes.closed_curve(rng, radius, replace(form, bumps_px=cell * between(rng, 0.1, 0.4)), cell),)
            )
        case "cauliflower":
            core = shapes.closed_curve(rng, radius, form, cell)
            return Shape((core, *shapes.cauliflower(rng, core, cell)), fuse_px=cell * between(rng, 0, 0.12))
        case "lobed":
            return shapes.lobed(rng, radius, form, cell, whole(rng, 1, 7))
        case _:
            return shapes.chain(rng, radius * 0.7, form, cell, whole(rng, 2, 5))


def _put_grown(rng: Rng, scene: Scene, at: tuple[float, float] | None, radius: float, style: Style) -> None:
    """A body grown from bulges that show through one another, each with a rim of its own: darker where they overlap."""
    if at is None:
        return
    number = scene.new_label()
    cell = _cell(scene, radius)
    core = shapes.closed_curve(rng, radius * between(rng, 0.6, 0.9), shapes.rough_form(rng, cell), cell)
    through = replace(style, opacity=between(rng, 0, 0.6))
    smallest = log_between(rng, 0.08, 0.3)
    parts: list[Shape] = [Shape((core,))]
    for _ in range(whole(rng, 2, 14)):
        size = max(SMALLEST_RADIUS_PX * 0.7, radius * log_between(rng, smallest, 0.6))
        bulge = shapes.closed_curve(rng, size, shapes.rough_form(rng, min(cell, size * 0.5)), min(cell, size * 0.5))
        rim = core[whole(rng, 0, len(core) - 1)]
        away = max(0.0, 1 + (size * between(rng, -0.7, 0.7)) / hypot(*rim))
        parts.append(Shape((bulge + rim * away,)))
    order = rng.permutation(len(parts)) if chance(rng, 0.5) else range(len(parts))
    for part in order:
        looks = replace(through.jittered(rng), opacity=through.opacity if part else style.opacity)
        bodies.paint(rng, scene, parts[part].moved(*at), looks, number)


def _round(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, -0.05, cut=chance(rng, 0.4))
    looks = Looks(rng, scene, (0.03, 0.97))
    largest = log_between(rng, 0.06, 0.6)
    count = 1 if chance(rng, 0.5) else whole(rng, 2, 6)
    for _ in range(count):
        radius = _radius(rng, scene, max(0.02, largest * 0.5), largest)
        form = _smooth(rng) if chance(rng, 0.6) else shapes.rough_form(rng, _cell(scene, radius))
        _put(rng, scene, placing.somewhere(radius), _single(scene, rng, radius, form), looks.solid(radius))


def _many(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.3, 0.15), cut=True)
    looks = Looks(rng, scene, (0.05, 0.95))
    height, width = scene.shape
    typical = log_between(rng, 5.0, 22.0)
    room = height * width / (pi * typical**2)
    cysts = between(rng, 0, 1) if chance(rng, 0.3) else 0.0
    for _ in range(int(np.clip(room * log_between(rng, 0.02, 0.3), 6, 90))):
        radius = max(SMALLEST_RADIUS_PX, typical * log_between(rng, 0.5, 2.0))
        form = _smooth(rng) if chance(rng, 0.5) else shapes.rough_form(rng, _cell(scene, radius))
        style = looks.cystic(radius) if radius > 8 and chance(rng, cysts) else looks.solid(radius)
        _put(rng, scene, placing.somewhere(radius), _single(scene, rng, radius, form), style)


def _touching(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, 0.45, cut=False)
    looks = Looks(rng, scene, (0.05, 0.97))
    typical = log_between(rng, 0.035, 0.22)
    cysts = between(rng, 0, 1) if chance(rng, 0.25) else 0.0
    groups = whole(rng, 1, 3)
    for number in range(whole(rng, 2, 14)):
        radius = _radius(rng, scene, typical * 0.6, typical * 1.5)
        form = replace(_smooth(rng), lobes=between(rng, 0.005, 0.06))
        alone = number == 0 or (number > 2 and chance(rng, groups / 8))
        at = placing.somewhere(radius) if alone else placing.beside(radius, (0.7, 0.93))
        style = looks.cystic(radius) if chance(rng, cysts) else looks.solid(radius)
        # Where both show through one another nobody can say which is in front: seldom.
        style = replace(style, opacity=max(style.opacity, 0.65)) if chance(rng, 0.85) else style
        _put(rng, scene, at, _single(scene, rng, radius, form), style)


def _rough(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.2, 0.1), cut=chance(rng, 0.5))
    looks = Looks(rng, scene, (0.1, 0.97))
    grown = between(rng, 0, 1)
    largest = log_between(rng, 0.05, 0.4)
    for _ in range(whole(rng, 1, 8)):
        radius = _radius(rng, scene, largest * 0.4, largest)
        if chance(rng, grown):
            _put_grown(rng, scene, placing.somewhere(1.4 * radius), radius, looks.solid(radius))
        else:
            _put(rng, scene, placing.somewhere(1.2 * radius), _rough_shape(rng, scene, radius), looks.solid(radius))


def _invasive(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, -0.5, cut=chance(rng, 0.2))
    looks = Looks(rng, scene, (0.25, 0.97))
    largest = log_between(rng, 0.08, 0.32)
    for _ in range(1 if chance(rng, 0.7) else 2):
        radius = _radius(rng, scene, largest * 0.6, largest)
        cell = _cell(scene, radius)
        core = shapes.closed_curve(rng, radius, shapes.rough_form(rng, cell), cell)
        width = max(1.6, cell * log_between(rng, 0.25, 0.8))
        strands = shapes.processes(rng, core, radius * log_between(rng, 0.2, 1.0), width, whole(rng, 0, 40))
        bumps = shapes.cauliflower(rng, core, cell) if chance(rng, 0.5) else ()
        at = placing.somewhere(radius)
        _put(rng, scene, at, Shape((core, *bumps), tuple(strands)), looks.solid(radius))
        if at is not None:
            scatter_cells(rng, scene, at, radius)


def scatter_cells(rng: Rng, scene: Scene, at: tuple[float, float], radius_px: float) -> None:
    """Cells that left a spheroid: fewer the farther away; they do not count."""
    count = whole(rng, 5, 220)
    far = radius_px * (0.95 + rng.exponential(between(rng, 0.15, 0.7), count))
    angle = rng.uniform(0, 2 * pi, count)
    places = np.stack([at[0] + far * np.cos(angle), at[1] + far * np.sin(angle)], axis=1)
    cell = _cell(scene, radius_px)
    largest = cell * between(rng, 0.8, 1.3)
    add_stamps(rng, scene, places, (cell * 0.6, largest), between(rng, 0.7, 1.6), between(rng, 0, 0.5))
    scene.parts.append("loose cells")


def _loose(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, -0.3, cut=chance(rng, 0.3))
    looks = Looks(rng, scene, (0.1, 0.85))
    largest = log_between(rng, 0.08, 0.4)
    for _ in range(whole(rng, 1, 4)):
        radius = _radius(rng, scene, largest * 0.5, largest)
        style = replace(looks.solid(radius), cells=between(rng, 0.15, 0.5), gaps=between(rng, 0, 1) ** 2)
        at = placing.somewhere(radius)
        _put(rng, scene, at, shapes.cloud(rng, radius, _cell(scene, radius)), style)
        if at is not None and chance(rng, 0.5):
            scatter_cells(rng, scene, at, radius)


def _cystic(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.2, 0.3), cut=chance(rng, 0.6))
    looks = Looks(rng, scene, (0.1, 0.9))
    largest = log_between(rng, 0.03, 0.35)
    count = int(np.clip(0.35 / largest**2 * between(rng, 0.1, 1), 1, 40))
    solids = between(rng, 0, 0.5) if chance(rng, 0.5) else 0.0
    for number in range(count):
        radius = _radius(rng, scene, largest * 0.3, largest)
        form = _smooth(rng) if chance(rng, 0.6) else replace(shapes.rough_form(rng, _cell(scene, radius)), bumps_px=0.0)
        style = looks.solid(radius) if number and chance(rng, solids) else looks.cystic(radius)
        _put(rng, scene, placing.somewhere(radius), _single(scene, rng, radius, form), style)


def _elongated(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.3, 0.1), cut=chance(rng, 0.4))
    looks = Looks(rng, scene, (0.05, 0.95))
    largest = log_between(rng, 0.05, 0.28)
    for _ in range(whole(rng, 1, 8)):
        radius = _radius(rng, scene, largest * 0.6, largest)
        cell = _cell(scene, radius)
        form = Form(
            lobes=log_between(rng, 0.01, 0.12),
            bumps_px=cell * between(rng, 0, 0.15),
            stretch=log_between(rng, 1.3, 4.0),
            taper=between(rng, 0, 0.6),
            fullness=between(rng, 2.0, 4.0),
            bend=between(rng, 0, 0.4),
        )
        shape = _single(scene, rng, radius, form)
        if chance(rng, 0.25):
            shape = shapes.chain(rng, radius * 0.7, replace(form, stretch=1.2), cell, whole(rng, 2, 4))
        _put(rng, scene, placing.somewhere(radius), shape, looks.solid(radius))


def _dark(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.2, 0.05), cut=chance(rng, 0.6))
    looks = Looks(rng, scene, (0.6, 0.98))
    grown = between(rng, 0, 0.8)
    largest = log_between(rng, 0.08, 0.4)
    for _ in range(whole(rng, 1, 9)):
        radius = _radius(rng, scene, largest * 0.3, largest)
        if chance(rng, grown):
            _put_grown(rng, scene, placing.somewhere(1.4 * radius), radius, looks.solid(radius))
            continue
        shape = _rough_shape(rng, scene, radius)
        if chance(rng, 0.5):
            width = max(1.6, _cell(scene, radius) * between(rng, 0.15, 0.5))
            reach = radius * log_between(rng, 0.1, 0.6)
            core = shape.curves[0]
            shape = replace(
                shape, strokes=tuple(shapes.processes(rng, core, reach, width, whole(rng, 1, 12))), fuse_px=0.0
            )
        style = looks.solid(radius)
        thin_rim = replace(style, grain=max(style.grain, between(rng, 0.05, 0.3)), clouds=max(style.clouds, 0.1))
        _put(rng, scene, placing.somewhere(radius), shape, thin_rim)


def _fragments(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, -0.1, cut=True)
    looks = Looks(rng, scene, (0.4, 0.97))
    for _ in range(whole(rng, 0, 2)):
        radius = _radius(rng, scene, 0.06, 0.25)
        _put(rng, scene, placing.somewhere(radius), _rough_shape(rng, scene, radius), looks.solid(radius))
    for _ in range(whole(rng, 6, 45)):
        radius = _radius(rng, scene, 0.01, 0.04)
        form = Form(lobes=between(rng, 0.05, 0.35), stretch=log_between(rng, 1, 2.5))
        _put(rng, scene, placing.somewhere(radius), _single(scene, rng, radius, form), looks.solid(radius))


def _mixed(rng: Rng, scene: Scene, well: Well | None) -> None:
    placing = Placing(rng, scene, well, between(rng, -0.2, 0.25), cut=chance(rng, 0.7))
    looks = Looks(rng, scene, (0.05, 0.97))
    looks.alike = chance(rng, 0.25)
    largest = log_between(rng, 0.05, 0.25)
    for _ in range(whole(rng, 3, 30)):
        radius = _radius(rng, scene, largest * 0.2, largest)
        if chance(rng, 0.15):
            _put_grown(rng, scene, placing.somewhere(1.4 * radius), radius, looks.solid(radius))
            continue
        if chance(rng, 0.35):
            style, shape = looks.cystic(radius), _single(scene, rng, radius, _smooth(rng))
        else:
            style = looks.solid(radius)
            plain = chance(rng, 0.5)
            shape = _single(scene, rng, radius, _smooth(rng)) if plain else _rough_shape(rng, scene, radius)
        _put(rng, scene, placing.somewhere(radius), shape, style)


FEWEST = dict.fromkeys(Kind, 1) | {Kind.TOUCHING: 2, Kind.EMPTY: 0}
"""Bodies of an image at least."""


def fill(rng: Rng, scene: Scene, kind: Kind, well: Well | None) -> Well | None:
    """Draw the bodies of a kind.

    Returns:
        The well that they lie in; None where there was no room for enough of them in it.
    """
    LAYOUTS[kind](rng, scene, well)
    if well is not None and scene.count < FEWEST[kind]:
        LAYOUTS[kind](rng, scene, None)
        return None
    return well


def _empty(rng: Rng, scene: Scene, well: Well | None) -> None:
    """Nothing that counts."""


LAYOUTS: dict[Kind, Callable[[Rng, Scene, Well | None], None]] = {
    Kind.ROUND: _round,
    Kind.MANY: _many,
    Kind.TOUCHING: _touching,
    Kind.ROUGH: _rough,
    Kind.INVASIVE: _invasive,
    Kind.LOOSE: _loose,
    Kind.CYSTIC: _cystic,
    Kind.ELONGATED: _elongated,
    Kind.DARK: _dark,
    Kind.FRAGMENTS: _fragments,
    Kind.MIXED: _mixed,
    Kind.EMPTY: _empty,
}
