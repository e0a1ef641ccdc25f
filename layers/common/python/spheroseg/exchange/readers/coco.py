"""COCO instances: polygons and run lengths."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from spheroseg.domain.spheroid import Polygon
from spheroseg.exchange.readers.faults import fault, judged
from spheroseg.exchange.readers.shapes import number_of, polygons_of_mask, share_of, size_of
from spheroseg.exchange.results import ReadImage, ReadObject
from spheroseg.exchange.rings import polygons_from

RIGHT = "COCO has lists «images», «annotations» and «categories» (cocodataset.org, data format)"

LARGEST_MASK_PX = 2**29
"""Of an image with run lengths: a byte for each pixel while one object is read."""


def read_coco(path: Path) -> list[ReadImage]:
    """The images of a COCO file with their objects, in the file's order.

    Parts of an object that overlap are one area, which is what COCO's lists of polygons mean.

    Raises:
        InvalidExchangeFileError: what is wrong with which entry.
    """
    with judged(path, "", RIGHT):
        document = json.loads(path.read_bytes())
        images: dict[Any, dict[str, Any]] = {}
        for place, image in enumerate(document["images"], start=1):
            with judged(path, f"image {place}", "an image has «id», «file_name», «width» and «height»"):
                if image["id"] in images:
                    raise ValueError(f"id {image['id']} is there twice")
                width, height = size_of(image["width"]), size_of(image["height"])
                images[image["id"]] = {"name": str(image["file_name"]), "size": (width, height), "objects": []}
        categories = {category["id"]: str(category["name"]) for category in document.get("categories", [])}
        annotations = document["annotations"]
        if not isinstance(annotations, list):
            raise TypeError("«annotations» is no list")
    for place, annotation in enumerate(annotations, start=1):
        told = annotation.get("id", place) if isinstance(annotation, dict) else place
        with judged(
            path,
            f"annotation {told}",
            "an annotation has «image_id» of one of the images, and «segmentation» as polygons or run lengths",
        ):
            if annotation["image_id"] not in images:
                raise ValueError(f"there is no image with id {annotation['image_id']}")
            image = images[annotation["image_id"]]
            if annotation.get("iscrowd", 0):
                raise fault(
                    path, f"annotation {told}", "«iscrowd» is 1, several objects as one", "one annotation is one object"
                )
            attributes = annotation.get("attributes") or {}
            image["objects"].append(
                ReadObject(
                    polygons=_polygons(annotation["segmentation"], *image["size"]),
                    number=number_of(attributes.get("number")),
                    confidence=share_of(attributes.get("confidence", annotation.get("score"))),
                    category=categories.get(annotation.get("category_id"), ""),
                )
            )
    return [
        ReadImage(image["name"], tuple(image["objects"]), width_px=image["size"][0], height_px=image["size"][1])
        for image in images.values()
    ]


def _polygons(segmentation: object, width: int, height: int) -> tuple[Polygon, ...]:
    if isinstance(segmentation, dict):
        return _unpacked(segmentation, width, height)
    if not isinstance(segmentation, list) or not segmentation:
        raise ValueError("the segmentation is empty")
    parts: list[Polygon] = []
    for flat in segmentation:
        if len(flat) < 6 or len(flat) % 2:
            raise ValueError(f"a polygon has {len(flat)} numbers, it needs pairs and at least six")
        corners = np.array(flat, np.float64).reshape(-1, 2)
        if not np.isfinite(corners).all():
            raise ValueError("a corner is no number")
        parts += polygons_from([[(x, y) for x, y in corners.tolist()]])
    if len(parts) == 1:
        return tuple(parts)
    areas = [shapely.Polygon(part.exterior) for part in parts]
    whole = shapely.unary_union(areas)
    if len(shapely.get_parts(whole)) == len(areas) and np.isclose(whole.area, sum(area.area for area in areas)):
        return tuple(parts)
    return polygons_from(
        [ring.coords[:-1] for area in shapely.get_parts(whole) for ring in (area.exterior, *area.interiors)]
    )


def _unpacked(segmentation: dict[str, Any], width: int, height: int) -> tuple[Polygon, ...]:
    counts, size = segmentation["counts"], segmentation["size"]
    if list(size) != [height, width]:
        raise ValueError(f"run lengths are for {size}, the image has height {height} and width {width}")
    if width * height > LARGEST_MASK_PX:
        raise ValueError(f"run lengths are read in images of up to {LARGEST_MASK_PX:,} pixels")
    runs = counts if isinstance(counts, list) else _run_lengths(counts)
    if not all(isinstance(run, int) and run >= 0 for run in runs) or sum(runs) != width * height:
        raise ValueError(f"run lengths cover {sum(runs)} pixels, the image has {width * height}")
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T
    return polygons_of_mask(mask)


def _run_lengths(packed: str) -> list[int]:
    """Run lengths from COCO's text: 5 bits a character, each length but the first three less the one two before.

    Written out here as pycocotools takes any text for run lengths, whatever they cover.

    Source: ``rleFrString`` in ``maskApi.c`` of pycocotools.
    """
    runs: list[int] = []
    value, shift = 0, 0
    for character in packed:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise ValueError(f"run lengths hold the character {character!r}")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    if shift:
        raise ValueError("run lengths are cut short")
    return runs
