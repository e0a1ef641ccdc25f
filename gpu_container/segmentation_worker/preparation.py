"""An image as a network wants to see it: at its scale, evenly windowed."""

from collections.abc import Mapping
from typing import Literal, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from spheroseg.domain.model_card import ModelCard
from spheroseg.errors import ModelUnusableError
from spheroseg.imaging.windowing import Grey, resized, window_of, windowed


class Preprocessing(BaseModel):
    """What a model card says about its input.

    Args:
        window_percent: Percentiles of grey values that become 0 and 1.
        clip: Values after that are kept within these.
        blur_per_shrink: σ of the Gaussian before shrinking, in pixels, for each pixel that becomes one.
        blur_from_shrink: Less shrinking than this is done without blurring.
        sides_px: Long sides at which an image is looked at, one after the other while the objects look small.
        enough_px: Typical diameters, one for each side but the last, at which objects are large enough to stop there.
        multiple_px: Height and width are padded to a multiple of this.
        mirrored: How many mirror images of a view the network answers, whose logits are averaged: 1 the view alone, 2
            also left to right, 4 also upside down and both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window_percent: tuple[float, float]
    clip: tuple[float, float]
    blur_per_shrink: float
    blur_from_shrink: float
    sides_px: tuple[int, ...]
    enough_px: tuple[float, ...]
    multiple_px: int
    mirrored: Literal[1, 2, 4] = 1

    @model_validator(mode="after")
    def _one_limit_less_than_sides(self) -> "Preprocessing":
        if len(self.enough_px) != len(self.sides_px) - 1:
            raise ValueError("enough_px has one entry less than sides_px")
        return self


Settings = TypeVar("Settings", bound=BaseModel)


def settings_of(card: ModelCard, kind: type[Settings], given: Mapping[str, object]) -> Settings:
    """A part of a card as what it says.

    Raises:
        ModelUnusableError: it has settings of another kind.
    """
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise ModelUnusableError(f"The card of {card.name} {card.version} has settings of another kind") from error


SPARE = 2
"""Images are first shrunk by area to so many times the wanted side, which is much cheaper than blurring them whole and
adds a hundredth of the blur (a box of half a pixel: variance 1/48 against 0.16 of the Gaussian, in wanted pixels)."""


def prepared(pixels: Grey, side_px: int, settings: Preprocessing) -> NDArray[np.float32]:
    """The network's view with a long side of at most ``side_px``: (h, w) float32, not yet padded.

    Raises:
        InvalidPixelsError: all pixels are equal.
    """
    if max(pixels.shape) > settings.blur_from_shrink * side_px:
        pixels = with_room(_shrunk(pixels, SPARE * side_px))
        sigma = settings.blur_per_shrink * max(pixels.shape) / side_px
        pixels = cast("Grey", cv2.GaussianBlur(pixels, (0, 0), sigma))
    pixels = _shrunk(with_room(pixels), side_px)
    low, high = window_of(pixels, settings.window_percent)
    return np.clip(windowed(pixels, low, high), *settings.clip)


def padded(view: NDArray[np.float32], multiple_px: int) -> NDArray[np.float32]:
    """The view continued to the right and below by its mirror image, up to a multiple of ``multiple_px``."""
    height, width = view.shape
    bottom, right = -height % multiple_px, -width % multiple_px
    if not bottom and not right:
        return view
    return cv2.copyMakeBorder(view, 0, bottom, 0, right, cv2.BORDER_REFLECT_101).astype(np.float32, copy=False)


def with_room(pixels: Grey) -> Grey:
    """8-bit grey values spread over 16 bits, so that averages of them are not rounded away."""
    return np.multiply(pixels, 257, dtype=np.uint16) if pixels.dtype == np.uint8 else pixels


def _shrunk(pixels: Grey, long_side_px: int) -> Grey:
    height, width = pixels.shape
    factor = long_side_px / max(height, width)
    if factor >= 1:
        return pixels
    return resized(pixels, (max(1, round(width * factor)), max(1, round(height * factor))))
