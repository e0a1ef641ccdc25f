"""CVAT for images 1.1. An object with holes or in pieces is a mask: its polygons know no holes."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement, tostring
from xml.sax.saxutils import quoteattr

import numpy as np

from spheroseg.domain.spheroid import Spheroid
from spheroseg.exchange.files import Files
from spheroseg.exchange.results import CATEGORY, Result
from spheroseg.exchange.writers.pixelwise import box_of_pixels, is_plain, pixels_of

CVAT_NAME = "annotations.xml"
ATTRIBUTES = ("number", "confidence")


def write_cvat(results: Iterable[Result], files: Files) -> None:
    """One XML file with an element for each image."""
    with files.open(CVAT_NAME) as stream:
        stream.write(b'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n')
        stream.write(tostring(_meta()) + b"\n")
        for index, result in enumerate(results):
            size = f'width="{result.width_px}" height="{result.height_px}"'
            # References for what is not ASCII, as in the elements below.
            name = quoteattr(result.file).encode("ascii", "xmlcharrefreplace").decode()
            stream.write(f'<image id="{index}" name={name} {size}>\n'.encode())
            for spheroid in result.spheroids:
                stream.write(tostring(_object(spheroid, result)) + b"\n")
            stream.write(b"</image>\n")
        stream.write(b"</annotations>\n")


def _meta() -> Element:
    meta = Element("meta")
    label = SubElement(SubElement(SubElement(meta, "task"), "labels"), "label")
    SubElement(label, "name").text = CATEGORY
    attributes = SubElement(label, "attributes")
    for name in ATTRIBUTES:
        attribute = SubElement(attributes, "attribute")
        about = {"name": name, "mutable": "False", "input_type": "text", "default_value": "", "values": ""}
        for key, value in about.items():
            SubElement(attribute, key).text = value
    return meta


def _object(spheroid: Spheroid, result: Result) -> Element:
    shared = {"label": CATEGORY, "source": "auto", "occluded": "0", "z_order": "0"}
    if is_plain(spheroid):
        points = ";".join(f"{x!r},{y!r}" for x, y in spheroid.polygons[0].exterior)
        found = Element("polygon", shared | {"points": points})
    else:
        patch = pixels_of(spheroid, result)
        left, top, right, bottom = box_of_pixels(patch)
        # Row by row within the box, the first run of background.
        inside = patch.mask[top - patch.top : bottom - patch.top, left - patch.left : right - patch.left].ravel()
        changes = np.flatnonzero(np.diff(inside)) + 1
        runs = np.diff(np.concatenate([[0], changes, [inside.size]])).tolist()
        counts = [0, *runs] if inside[0] else runs
        box = {"left": left, "top": top, "width": right - left, "height": bottom - top}
        places = {name: str(value) for name, value in box.items()}
        found = Element("mask", shared | {"rle": ", ".join(map(str, counts))} | places)
    for name in ATTRIBUTES:
        value = getattr(spheroid, name)
        if value is not None:
            SubElement(found, "attribute", {"name": name}).text = str(value)
    return found
