"""What imports are tried on: files, and everything that a worker needs, in memory."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from export_worker.outline_files import ExchangeFiles
from spheroseg.domain.image import Image, original_key
from spheroseg.domain.outline_import import (
    Import,
    ImportFormat,
    ImportOptions,
)
from spheroseg.domain.segmentation import Segmentation, SegmentationStatus
from spheroseg.domain.spheroid import Polygon, Ring, Spheroid
from spheroseg.imaging.drawn_outlines import drawn_spheroids
from spheroseg.imaging.editing import ShapelyEditor
from spheroseg.use_cases.cancel_import import CancelImport
from spheroseg.use_cases.edit_outlines import EditOutlines
from spheroseg.use_cases.prepare_import import ImportWork, PrepareImport
from spheroseg.use_cases.request_import import RequestImport
from spheroseg.use_cases.run_import import RunImport
from tests.builders import a_project, a_result, a_segmentation, a_viewer, an_image
from tests.fakes import InMemoryClock, InMemoryIds, InMemoryImages, InMemoryRevisions
from tests.fakes.exports import InMemoryExportQueue, InMemoryExportStore
from tests.fakes.imports import InMemoryImports
from tests.fakes.segmenting import InMemoryDecoder
from tests.fakes.services import InMemoryUpdatePublisher

WIDTH, HEIGHT = 96, 64
"""Of the picture that the decoder finds."""


def square(left: float, top: float, side: float = 10) -> Ring:
    return ((left, top), (left + side, top), (left + side, top + side), (left, top + side))


def feature(*rings: Sequence[tuple[float, float]], number: int | None = None) -> dict[str, Any]:
    closed = [[*map(list, ring), list(ring[0])] for ring in rings]
    told = {} if number is None else {"number": number}
    return {"type": "Feature", "properties": told, "geometry": {"type": "Polygon", "coordinates": closed}}


def geojson(*features: dict[str, Any]) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def coco(**images: Sequence[Ring]) -> bytes:
    """A file with an image for each name, ``.tif`` behind it, and an annotation for each ring."""
    names = list(images)
    return json.dumps(
        {
            "images": [
                {"id": at, "file_name": f"{name}.tif", "width": WIDTH, "height": HEIGHT}
                for at, name in enumerate(names)
            ],
            "annotations": [
                {
                    "id": 100 * at + place,
                    "image_id": at,
                    "category_id": 1,
                    "segmentation": [[number for corner in ring for number in corner]],
                }
                for at, name in enumerate(names)
                for place, ring in enumerate(images[name])
            ],
            "categories": [{"id": 1, "name": "spheroid"}],
        }
    ).encode()


class World:
    def __init__(self, scratch: Path) -> None:
        self.clock, self.images = InMemoryClock(), InMemoryImages()
        self.projects = self.images.projects
        self.runs = self.images.segmentations
        self.revisions = InMemoryRevisions(self.runs)
        self.imports = InMemoryImports(self.images, self.revisions)
        self.queue, self.store = InMemoryExportQueue(), InMemoryExportStore(self.clock)
        self.decoder = InMemoryDecoder()
        self.scratch = scratch
        prepare = PrepareImport(
            projects=self.projects,
            images=self.images,
            imports=self.imports,
            revisions=self.revisions,
            store=self.store,
            files=ExchangeFiles(),
            decoder=self.decoder,
            clock=self.clock,
        )
        self.updates = InMemoryUpdatePublisher()
        self.run_import = RunImport(
            prepare, self.imports, self.revisions, self.store, self.clock, scratch, self.updates
        )
        self.cancel = CancelImport(self.imports, self.store, self.clock, self.updates)
        self.request = RequestImport(self.projects, self.imports, self.store, self.queue, self.clock, InMemoryIds())
        self.edit = EditOutlines(self.revisions, ShapelyEditor(), self.clock)
        self.project = a_project()
        self.projects.add(self.project)

    def image(self, name: str = "well A1.tif") -> Image:
        image = an_image(self.project, name=name)
        self.images.add_many([image])
        self.store.objects[original_key(image.id)] = b"pixels"
        return image

    def result(self, image: Image | None = None, *outlines: Polygon) -> Segmentation:
        """A run of the image that found outlines, numbered from 1."""
        run = a_segmentation(image or self.image(), status=SegmentationStatus.SUCCEEDED)
        found = drawn_spheroids({at: (one,) for at, one in enumerate(outlines, start=1)}, (WIDTH, HEIGHT))
        run = replace(run, result=a_result(len(found), width_px=WIDTH, height_px=HEIGHT))
        self.runs.rows[run.id] = run
        self.runs.found[run.id] = [replace(one, confidence=0.75) for one in found]
        return run

    def asked(self, content: bytes, format_: ImportFormat, file_name: str, **options: Any) -> Import:
        """An import whose file is there and that is on the queue."""
        asked = ImportOptions(format_, file_name, len(content), **options)
        import_, form = self.request(a_viewer(), self.project.id, asked, "correlation")
        self.store.put(form.fields["key"], content, "application/octet-stream")
        return self.request.start(a_viewer(), import_.id)

    def taken(self, import_: Import) -> ImportWork:
        work = self.run_import.take(import_.id)
        assert work is not None
        return work

    def made(self, import_: Import) -> Import:
        ended = self.run_import.make(self.taken(import_))
        assert ended is not None
        assert ended == self.imports.get(import_.id)
        assert not list(self.scratch.iterdir())
        return ended

    def imported(self, content: bytes, format_: ImportFormat, file_name: str, **options: Any) -> Import:
        return self.made(self.asked(content, format_, file_name, **options))

    def revised(self, run: Segmentation, revision: int | None = None) -> dict[int, Spheroid]:
        page = self.revisions.page(a_viewer(), run.id, revision, 0, 1_000)
        return {one.number: one for one in page.spheroids}

    def state(self) -> Any:
        return dict(self.runs.rows), dict(self.revisions.states), set(self.store.objects)
