"""Datumaro's own format. An object with holes or in pieces is a mask: its polygons know no holes."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pycocotools import mask as coco_masks

from spheroseg.domain.spheroid import Spheroid
from spheroseg.exchange.files import Files
from spheroseg.exchange.jsons import write_list
from spheroseg.exchange.pixels import run_lengths
from spheroseg.exchange.results import CATEGORY, Result
from spheroseg.exchange.writers.pixelwise import is_plain, pixels_of

DATUMARO_NAME = "annotations/default.json"


def write_datumaro(results: Iterable[Result], files: Files) -> None:
    """A Datumaro dataset of one subset."""

    def items() -> Iterator[dict[str, Any]]:
        for result in results:
            yield {
                "id": result.name,
                "annotations": [_datumaro(number, one, result) for number, one in enumerate(result.spheroids, 1)],
                "attr": {},
                "image": {"path": result.file, "size": [result.height_px, result.width_px]},
            }

    categories = b'{"label":{"labels":[{"name":"%s","parent":"","attributes":[]}],"label_groups":[],"attributes":[]}}'
    with files.open(DATUMARO_NAME) as stream:
        stream.write(b'{"dm_format_version":"1.0","media_type":2,"infos":{},\n"categories":')
        stream.write(categories % CATEGORY.encode())
        stream.write(b',\n"items":')
        write_list(stream, items())
        stream.write(b"}\n")


def _datumaro(number: int, spheroid: Spheroid, result: Result) -> dict[str, Any]:
    shared = {
        "id": number,
        "attributes": {"number": spheroid.number, "confidence": spheroid.confidence},
        "group": number,
        "label_id": 0,
        "z_order": 0,
    }
    if is_plain(spheroid):
        points = list(chain.from_iterable(spheroid.polygons[0].exterior))
        return shared | {"type": "polygon", "points": points}
    counts = run_lengths(pixels_of(spheroid, result), result.width_px, result.height_px)
    size = [result.height_px, result.width_px]
    packed = coco_masks.frPyObjects({"counts": counts, "size": size}, *size)
    return shared | {"type": "mask", "rle": {"counts": packed["counts"].decode("ascii"), "size": size}}
