"""Results with everything that is hard to say: holes, islands in holes, pieces, objects that touch, odd names."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from spheroseg.exchange.results import Origin, Original, Result
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.intensities import brightness_of
from spheroseg.imaging.measures import spheroids_of
from tests.unit.imaging.shapes import drawn

PICTURE = """
    1111111..22
    1.....1..22
    1.111.1....
    1.1.1.1.3.3
    1.111.1.3.3
    1.....1....
    1111111.444
    55555554444
    5.5....4.44
    55.....4444
"""
"""1: a ring with an island that has a hole · 2: plain · 3: in pieces · 4, 5: with holes, touching · 5: a corner contact."""

ORIGIN = Origin(
    model="fast",
    model_version="1",
    image_id="0191",
    segmentation_id="0192",
    ran_model="fast@1",
    ran_precision="float32",
    ran_sha256="ab" * 32,
    image_confidence=0.875,
    image_needs_review=True,
    image_review_reasons="blur",
)


def labels() -> Labels:
    return drawn(PICTURE)


def disk_labels() -> Labels:
    """Three round objects, one with a hole."""
    found = np.zeros((90, 140), np.int32)
    for number, (x, y, r) in enumerate([(30, 40, 22), (80, 30, 17), (115, 62, 20)], start=1):
        cv2.circle(found, (x, y), r, number, -1)
    cv2.circle(found, (30, 40), 8, 0, -1)
    return found


def pixels() -> NDArray[np.uint8]:
    return (np.arange(90 * 140) % 251).astype(np.uint8).reshape(90, 140)


def an_original(name: str = "disks.png") -> Original:
    sound, content = cv2.imencode(".png", pixels())
    assert sound

    @contextmanager
    def opened() -> Iterator[BinaryIO]:
        yield io.BytesIO(content.tobytes())

    return Original(name, opened)


def result_of(found: Labels, file: str, name: str, pixel_size_um: float | None) -> Result:
    height, width = found.shape
    spheroids = [
        replace(one, confidence=0.5 + one.number / 16, rim_confidence=0.75, review_reasons=())
        for one in spheroids_of(found)
    ]
    if found.shape == pixels().shape:
        spheroids = brightness_of(found, pixels(), spheroids)
    return Result(
        file=file,
        name=name,
        width_px=width,
        height_px=height,
        spheroids=spheroids,
        pixel_size_um=pixel_size_um,
        pixel_size_source="user" if pixel_size_um else "",
        origin=ORIGIN,
    )


def results(*, originals: bool = False) -> list[Result]:
    """Two images with objects and one without."""
    disks = result_of(disk_labels(), "=disks <1>.png", "disks", 0.5)
    return [
        result_of(labels(), "plate/růže & co.tif", "ruze", None),
        replace(disks, original=an_original()) if originals else disks,
        result_of(np.zeros((7, 5), np.int32), "empty.png", "empty", 2.0),
    ]
