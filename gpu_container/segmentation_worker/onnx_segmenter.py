"""The port Segmenter on ONNX Runtime."""

import math
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import cast

import numpy as np
from numpy.typing import NDArray

from segmentation_worker import tiles
from segmentation_worker.batching import Batching
from segmentation_worker.drawing import draw_in_parts
from segmentation_worker.enlargement import Map, enlarged
from segmentation_worker.focusing import in_focus, rim_sharpness
from segmentation_worker.instances import Probability, Seen, draw_objects, find_objects
from segmentation_worker.network import CPU, PROGRAM, PROVIDERS, Network
from segmentation_worker.postprocessing import FocusRule, Postprocessing
from segmentation_worker.preparation import SPARE, Preprocessing, padded, prepared, settings_of
from segmentation_worker.tuning import ONE_BY_ONE, Tuning
from segmentation_worker.views import reduced, shrink_for, view_of, window_of_view
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.segmentation import Parameters, Runtime
from spheroseg.errors import ModelUnusableError
from spheroseg.imaging.certainty import View
from spheroseg.imaging.focus import blur_of
from spheroseg.imaging.mapped import release
from spheroseg.imaging.windowing import Grey, windowed
from spheroseg.ports import SegmentedPixels

FORWARDS, BACKWARDS = slice(None), slice(None, None, -1)
MIRRORINGS = ((FORWARDS, FORWARDS), (FORWARDS, BACKWARDS), (BACKWARDS, FORWARDS), (BACKWARDS, BACKWARDS))
"""Of rows and columns; each undoes itself."""

IN_MEMORY_PX = 2**24
"""Larger images are drawn part by part into a file; smaller ones take 16 bytes for each pixel while they are drawn."""

FAR_TOO_SMALL = 0.5
"""Objects below this share of what is enough at the last side but one are looked at more closely than at the last."""

LEAST_CLOSER, BLANK_CLOSER, MOST_CLOSER = 1.5, 2.0, 4.0
"""Sides grow by these factors: at least, where nothing was seen, and at most, for a few specks say little of others."""

LARGE_FROM = 4
"""In images of so many times the largest side, objects may be there though none was seen, or nothing but one that fills
the frame, or a few where there is a crowd: those below 32 px or so are smaller than what is kept at that side."""

CROWD_WINDOWS = ((0.2, 0.5), (0.5, 0.2), (0.8, 0.8))
CROWD_WINDOW_PX = 1024
CROWD_LEAST = 20
CROWD_SHARE = 0.2
"""A crowd has at least so many objects in the windows, smaller by this than what was seen from far away. In a field of
2,401 disks 670 were in the windows, smaller by 0.08; enlarged real images of large bodies had up to 26, of at least
0.23 (first model, November 2026)."""


@dataclass(frozen=True)
class _Look:
    """What was seen, and where.

    Args:
        foreground: (h, w) probability at the view's scale, float32 or in 255ths.
        covered: The part of the plane that the view covers, in pixels of the image.
        is_whole: Seen in one piece.
        blur: Of the image as a whole.
    """

    seen: Seen
    foreground: Map
    covered: tuple[int, int]
    is_whole: bool = True
    blur: float | None = None

    @property
    def typical_px(self) -> float:
        """The typical diameter in pixels of the image."""
        return self.seen.typical_diameter_px * max(self.covered) / float(max(self.seen.labels.shape))


class OnnxSegmenter:
    """A model file that is as its card says; loaded once, used by any thread.

    On a CPU as many threads as come are at the network at a time, which costs nothing where each run has few threads;
    on a GPU one is, with the views of several, while others prepare the next image or draw the objects of the last.

    An image is looked at as a whole at a small scale first, and closer while the objects look small there: that costs
    little for the usual few large spheroids and still finds many small ones. Sides and limits stand in the card. Where
    objects are far too small even at the largest side, the image is looked at in tiles.

    Args:
        path: The ONNX file.
        card: What it must be.
        tuning: How the network is run.
        providers: Execution providers to try in this order; those that are not there are left out.
        folder: Where large images lie while they are worked on; the system's own for such things unless given.
        on_progress: Called every second or so while a large image is looked at.

    Raises:
        ModelUnusableError: the file is missing, altered, or has other inputs and outputs than its card says.
    """

    def __init__(
        self,
        path: Path,
        card: ModelCard,
        *,
        tuning: Tuning = ONE_BY_ONE,
        providers: Sequence[str] = PROVIDERS,
        folder: Path | None = None,
        on_progress: Callable[[], None] = lambda: None,
    ) -> None:
        self.card = card
        self._folder = folder or Path(tempfile.gettempdir())
        self._on_progress = on_progress
        self._large = Lock()
        self._preprocessing = settings_of(card, Preprocessing, card.preprocessing)
        self._postprocessing = settings_of(card, Postprocessing, card.postprocessing)
        if tiles.MARGIN_PX % self._preprocessing.multiple_px:
            raise ModelUnusableError(
                f"{card.name} {card.version} works in steps of {self._preprocessing.multiple_px} px"
            )
        self._network = Network(
            path, card, threads=tuning.threads, providers=providers, most=max(tuning.streams, tuning.batch)
        )
        self._batching = Batching(
            self._network.run_bound if tuning.is_bound else self._network.run,
            size=tuning.batch,
            wait_s=tuning.wait_s,
            turn=nullcontext() if self.provider == CPU and not tuning.is_bound else Lock(),
        )

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return self._network.provider

    def segment(self, pixels: Grey, parameters: Parameters) -> SegmentedPixels:
        """Objects of a grey image, (height, width), at its own size.

        Raises:
            InvalidPixelsError: all pixels are equal.
        """
        found = self.segment_if(pixels, parameters, lambda _: True)
        assert found is not None  # noqa: S101 - whatever is seen is enough
        return found

    def segment_if(
        self, pixels: Grey, parameters: Parameters, is_enough: Callable[[Seen], bool]
    ) -> SegmentedPixels | None:
        """The same; None, and nothing is drawn, where what was seen is not enough."""
        if pixels.size <= IN_MEMORY_PX:
            with self._batching.looking():
                look = self._looked_closer(pixels, self._looked_at(pixels, parameters), parameters)
            look = self._focused(look, parameters)
            if not is_enough(look.seen):
                return None
            return (
                self._drawn(look, pixels, parameters)
                if look.is_whole
                else self._drawn_in_parts(look, pixels, parameters)
            )
        with self._large:  # one at a time: each takes some hundred MB
            small = reduced(pixels, SPARE * max(self._preprocessing.sides_px), self._folder)
            with self._batching.looking():
                look = self._looked_at(small, parameters)
            shrink = max(1, max(pixels.shape) // (SPARE * max(self._preprocessing.sides_px)))
            covered = (small.shape[0] * shrink, small.shape[1] * shrink)
            look = self._looked_closer(pixels, replace(look, covered=covered), parameters)
            look = self._focused(look, parameters)
            if not is_enough(look.seen):
                return None
            return self._drawn_in_parts(look, pixels, parameters)

    def _drawn(self, look: _Look, pixels: Grey, parameters: Parameters) -> SegmentedPixels:
        shape = (pixels.shape[0], pixels.shape[1])
        solid = enlarged(look.seen.foreground, shape)
        labels = draw_objects(
            look.seen, solid > parameters.threshold, parameters.min_diameter_px or 0.0, holes=parameters.holes
        )
        return SegmentedPixels(labels=labels, view=self._view(look), runtime=Runtime(PROGRAM, self.provider))

    def _drawn_in_parts(self, look: _Look, pixels: Grey, parameters: Parameters) -> SegmentedPixels:
        labels = draw_in_parts(
            look.seen,
            (pixels.shape[0], pixels.shape[1]),
            look.covered,
            parameters.threshold,
            parameters.min_diameter_px or 0.0,
            self._folder,
            holes=parameters.holes,
        )
        return SegmentedPixels(labels=labels, view=self._view(look), runtime=Runtime(PROGRAM, self.provider))

    def _view(self, look: _Look) -> View:
        """What the objects were seen in. Small holes that were filled in them are not filled here."""
        return View(
            probability=look.foreground,
            covered=look.covered,
            calibration=self.card.calibration,
            dropped_count=look.seen.dropped_count,
            blur=look.blur,
        )

    def _looked_at(self, pixels: Grey, parameters: Parameters) -> _Look:
        """The closest look at the whole image that was needed."""
        settings = self._preprocessing
        long_side = max(pixels.shape)
        latest: _Look | None = None
        blur: float | None = None
        for side, enough in zip(settings.sides_px, (*settings.enough_px, 0.0), strict=True):
            view = prepared(pixels, min(side, long_side), settings)
            blur = blur_of(view) if blur is None else blur
            foreground, seen = self._seen(view, parameters)
            if latest is None or seen.count or not latest.seen.count:
                latest = _Look(seen, foreground, (pixels.shape[0], pixels.shape[1]))
                seen_in = view
            if side >= long_side or (seen.typical_diameter_px >= enough and not seen.is_frame):
                break
        assert latest is not None  # noqa: S101 - the card has at least one side
        if latest.seen.count < 2:  # alone it is the sharpest
            return replace(latest, blur=blur)
        return replace(latest, seen=self._sharpness(seen_in, latest.seen, parameters), blur=blur)

    def _looked_closer(self, pixels: Grey, look: _Look, parameters: Parameters) -> _Look:
        """The same look, or a closer one in tiles while objects look far too small at the largest side."""
        settings = self._preprocessing
        long_side = max(pixels.shape)
        side = min(max(settings.sides_px), long_side)
        is_large = long_side >= LARGE_FROM * max(settings.sides_px)
        enough = settings.enough_px[-1] if settings.enough_px else 0.0
        crowd_px = self._crowd(pixels, look, parameters) if is_large else None
        while side < long_side:
            seen = look.seen
            # In pixels of the latest view, whichever view the objects were seen in.
            typical = (crowd_px or look.typical_px) * side / long_side
            if crowd_px is not None or (seen.count and not seen.is_frame):
                if typical >= FAR_TOO_SMALL * enough:
                    break
                closer = min(MOST_CLOSER, max(LEAST_CLOSER, enough / typical))
            elif is_large:
                closer = BLANK_CLOSER
            else:
                break
            shrink = shrink_for(long_side, min(long_side, round(closer * side)))
            side = math.ceil(long_side / shrink)
            shape, look_at = self._tiled_view(pixels, shrink, parameters)
            closer_seen, foreground = tiles.objects_in_tiles(shape, look_at, self._folder)
            if closer_seen.count or not seen.count:
                covered = (round(shape[0] * shrink), round(shape[1] * shrink))
                look = _Look(closer_seen, foreground, covered, is_whole=False, blur=look.blur)
        return look

    def _crowd(self, pixels: Grey, look: _Look, parameters: Parameters) -> float | None:
        """Typical diameter, in pixels of the image, of many small objects that were taken for a few large ones.

        Seen from far away a field of small bodies looks like one. So three windows are looked at more closely.
        """
        if not look.seen.count:
            return None
        shrink = shrink_for(max(pixels.shape), LARGE_FROM * max(self._preprocessing.sides_px))
        (height, width), look_at = self._tiled_view(pixels, shrink, parameters)
        diameters = []
        for down, across in CROWD_WINDOWS:
            corner = int(down * max(0, height - CROWD_WINDOW_PX)), int(across * max(0, width - CROWD_WINDOW_PX))
            rows, columns = (slice(start, start + CROWD_WINDOW_PX) for start in corner)
            diameters.append(look_at(rows, columns)[1].diameters_px)
        small = np.concatenate(diameters)
        if small.size < CROWD_LEAST:
            return None
        typical_px = shrink * float((small**3).sum() / (small**2).sum())
        is_crowd = (
            typical_px < CROWD_SHARE * look.typical_px and typical_px < shrink * self._preprocessing.enough_px[-1]
        )
        return typical_px if is_crowd else None

    def _tiled_view(self, pixels: Grey, shrink: float, parameters: Parameters) -> tuple[tuple[int, int], tiles.Look]:
        """The shape of a view, and how windows of it are looked at."""
        settings = self._preprocessing
        view = view_of(pixels, shrink, settings, self._folder)
        low, high = window_of_view(view, settings.window_percent)

        def look_at(rows: slice, columns: slice) -> tuple[Probability, Seen]:
            self._on_progress()
            tile = cast("Grey", np.ascontiguousarray(view[rows, columns]))
            release(view)
            window = np.clip(windowed(tile, low, high), *settings.clip)
            foreground, seen = self._seen(window, parameters)
            return foreground, self._sharpness(window, seen, parameters)

        return (view.shape[0], view.shape[1]), look_at

    def _seen(self, view: NDArray[np.float32], parameters: Parameters) -> tuple[Probability, Seen]:
        """Foreground probability and objects of a view."""
        foreground, core = self._probabilities(view)
        # A diameter that the user gives is in pixels of the image and is held to there.
        min_diameter_px = self._postprocessing.min_diameter_px if parameters.min_diameter_px is None else 0.0
        return foreground, find_objects(foreground, core, parameters.threshold, min_diameter_px, self._postprocessing)

    def _sharpness(self, view: NDArray[np.float32], seen: Seen, parameters: Parameters) -> Seen:
        """With the sharpness of its objects, where a rule asks for it."""
        if self._focus_rule(parameters) is None:
            return seen
        return replace(seen, sharpness=rim_sharpness(view, seen.labels, seen.count))

    def _focused(self, look: _Look, parameters: Parameters) -> _Look:
        """Without what is out of focus, where a rule tells it."""
        rule = self._focus_rule(parameters)
        return look if rule is None else replace(look, seen=in_focus(look.seen, rule))

    def _focus_rule(self, parameters: Parameters) -> FocusRule | None:
        """That of the card; None where objects out of focus are kept."""
        return None if parameters.out_of_focus else self._postprocessing.focus

    def _probabilities(self, view: NDArray[np.float32]) -> tuple[Probability, Probability]:
        """Foreground and core, each (h, w) float32 from 0 to 1."""
        height, width = view.shape
        turns = MIRRORINGS[: self._preprocessing.mirrored]
        views = [padded(np.ascontiguousarray(view[turn]), self._preprocessing.multiple_px) for turn in turns]
        answers = self._batching.logits(np.stack(views)[:, None])[:, :, :height, :width]
        turned = [answer[:, *turn] for answer, turn in zip(answers, turns, strict=True)]
        logits = turned[0] if len(turned) == 1 else np.mean(turned, axis=0)
        probability = 1 / (1 + np.exp(-logits))
        return np.ascontiguousarray(probability[0]), np.ascontiguousarray(probability[1])
