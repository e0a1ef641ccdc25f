"""COCO instances. An object with holes or in pieces is kept as run lengths: COCO's polygons know no holes."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from spheroseg.domain.spheroid import Spheroid
from spheroseg.exchange.files import Files
from spheroseg.exchange.jsons import write_list
from spheroseg.exchange.pixels import run_lengths
from spheroseg.exchange.results import CATEGORY, Result
from spheroseg.exchange.rings import area_of, box_of
from spheroseg.exchange.writers.pixelwise import box_of_pixels, is_plain, pixels_of

COCO_NAME = "annotations.json"


def write_coco(results: Iterable[Result], files: Files) -> None:
    """COCO instances: one JSON file; ``attributes`` holds the number and the confidence. Never ``iscrowd``."""
    images: list[dict[str, Any]] = []

    def annotations() -> Iterator[dict[str, Any]]:
        number = 0
        for image_id, result in enumerate(results, start=1):
            images.append(
                {
                    "id": image_id,
                    "file_name": result.file,
                    "width": result.width_px,
                    "height": result.height_px,
                    "page": result.page,
                }
            )
            for spheroid in result.spheroids:
                number += 1
                yield {"id": number, "image_id": image_id, "category_id": 1} | _coco(spheroid, result)

    with files.open(COCO_NAME) as stream:
        stream.write(b'{"info":{"description":"Spheroids by SpheroSeg","version":"1"},"licenses":[],\n"categories":')
        write_list(stream, [{"id": 1, "name": CATEGORY, "supercategory": ""}])
        stream.write(b',\n"annotations":')
        write_list(stream, annotations())
        stream.write(b',\n"images":')
        write_list(stream, images)
        stream.write(b"}\n")


def _coco(spheroid: Spheroid, result: Result) -> dict[str, Any]:
    if is_plain(spheroid):
        left, top, right, bottom = box_of(spheroid.polygons)
        segmentation: Any = [list(chain.from_iterable(spheroid.polygons[0].exterior))]
        area = area_of(spheroid.polygons)
    else:
        patch = pixels_of(spheroid, result)
        segmentation = {
            "size": [result.height_px, result.width_px],
            "counts": run_lengths(patch, result.width_px, result.height_px),
        }
        left, top, right, bottom = box_of_pixels(patch)
        area = float(patch.mask.sum())
    return {
        "segmentation": segmentation,
        "area": area,
        "bbox": [left, top, right - left, bottom - top],
        "iscrowd": 0,
        "attributes": {"number": spheroid.number, "confidence": spheroid.confidence},
    }
