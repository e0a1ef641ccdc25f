"""Sound objects of the domain; a test names only what it is about."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from spheroseg.domain.access import Role
from spheroseg.domain.export import Export, ExportFormat, ExportOptions, ExportStatus
from spheroseg.domain.image import Image, ImageStatus
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.model_choice import ModelChoice
from spheroseg.domain.outline_import import UPLOAD_WITHIN, Import, ImportFormat, ImportOptions, ImportStatus
from spheroseg.domain.project import Project
from spheroseg.domain.review import Review, Signs
from spheroseg.domain.run_batch import RunBatch, counted
from spheroseg.domain.segmentation import (
    Failure,
    ModelFile,
    Order,
    Parameters,
    PixelSizeSource,
    Priority,
    Result,
    Runtime,
    Segmentation,
    SegmentationStatus,
    queued,
)
from spheroseg.domain.sharing import Offer
from spheroseg.domain.spheroid import Measures, Polygon, Spheroid
from spheroseg.domain.viewer import Viewer

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
OWNER = "6f1c1d1e-0000-4000-8000-00000000000a"
STRANGER = "6f1c1d1e-0000-4000-8000-00000000000b"

_moments = count()


def a_moment() -> datetime:
    """A moment after NOW, later at each call, so that things built in a row are in a known order."""
    return NOW + timedelta(milliseconds=next(_moments))


def a_viewer(user_id: str = OWNER, read_after: str | None = None) -> Viewer:
    return Viewer(user_id=user_id, read_after=read_after)


def a_project(**changes: Any) -> Project:
    project = Project(id=uuid4(), owner_id=OWNER, name="Day 7", pixel_size_um=None, created_at=a_moment())
    return replace(project, **changes)


def an_offer(project: Project, **changes: Any) -> Offer:
    """An invitation of a viewer that is open for two days."""
    at = a_moment()
    offer = Offer(
        id=uuid4(),
        project_id=project.id,
        role=Role.VIEWER,
        email="ada@example.com",
        token_hash=None,
        created_by=project.owner_id,
        created_at=at,
        expires_at=at + timedelta(hours=48),
    )
    return replace(offer, **changes)


def an_order(**changes: Any) -> Order:
    order = Order(model="spheroid-unet", model_version="1", parameters=Parameters(), priority=Priority.NORMAL)
    return replace(order, **changes)


def an_image(project: Project | None = None, *, status: ImageStatus = ImageStatus.STORED, **changes: Any) -> Image:
    """An image of the project (or of a project that is stored nowhere) in that status."""
    project = project or a_project()
    created_at = changes.pop("created_at", None) or a_moment()
    image = Image(
        id=uuid4(),
        project_id=project.id,
        owner_id=project.owner_id,
        name="well A1.tif",
        status=ImageStatus.AWAITING_UPLOAD,
        pixel_size_um=None,
        size_bytes=2_000_000,
        etag=None,
        order=an_order(),
        correlation_id=f"correlation-{uuid4()}",
        created_at=created_at,
    )
    if status is ImageStatus.STORED:
        image = image.stored(size_bytes=2_000_000, etag="9e107d9d372bb6826bd81d3542a419d6", at=created_at)
    elif status is ImageStatus.REFUSED:
        image = image.refused(a_failure())
    return replace(image, **changes)


def a_failure(
    code: str = "undecodable-image", detail: str = "The file ends in the middle of its first strip"
) -> Failure:
    return Failure(code=code, detail=detail)


SOME_RUNTIME = Runtime("onnxruntime 1.29.0", "CPUExecutionProvider")


def a_result(spheroid_count: int = 1, **changes: Any) -> Result:
    result = Result(
        width_px=2048,
        height_px=1536,
        pixel_type="uint16",
        pixel_size_um=0.65,
        pixel_size_source=PixelSizeSource.FILE,
        spheroid_count=spheroid_count,
        found_count=spheroid_count,
        stages_s={"download": 0.02, "decode": 0.01, "model": 0.12, "outlines": 0.03, "store": 0.04},
        ran=ModelFile(model="spheroid-unet", version="1", precision="int8", sha256="0" * 64, runtime=SOME_RUNTIME),
        review=a_review(spheroid_count),
    )
    return replace(result, **changes)


def a_review(spheroid_count: int = 1) -> Review:
    """Of a result whose spheroids touch the border and are not quite sure; also that nothing was found."""
    return Review.of(
        Signs(
            spheroid_count=spheroid_count,
            confidence=0.8125 if spheroid_count else None,
            blur=0.25,
            dropped_count=2,
            touching_count=0,
            edge_area_share=0.75 if spheroid_count else 0.0,
        )
    )


def a_segmentation(
    image: Image | None = None, *, status: SegmentationStatus = SegmentationStatus.QUEUED, **changes: Any
) -> Segmentation:
    """A run of the image (or of an image that is stored nowhere) that came to that status by the domain's own moves."""
    image = image or an_image()
    at = changes.pop("queued_at", None) or a_moment()
    run = queued(
        image_id=image.id,
        project_id=image.project_id,
        owner_id=image.owner_id,
        order=changes.pop("order", image.order),
        correlation_id=image.correlation_id,
        at=at,
    )
    match status:
        case SegmentationStatus.QUEUED:
            pass
        case SegmentationStatus.RUNNING:
            run = run.started(at + timedelta(seconds=1))
        case SegmentationStatus.SUCCEEDED:
            run = run.started(at + timedelta(seconds=1)).succeeded(a_result(), at + timedelta(seconds=3))
        case SegmentationStatus.FAILED:
            run = run.started(at + timedelta(seconds=1)).failed(a_failure(), at + timedelta(seconds=3))
        case SegmentationStatus.CANCELLED:
            run = run.cancelled(at + timedelta(seconds=1))
    return replace(run, **changes)


def a_run_batch(project: Project, runs: Sequence[Segmentation] = (), **changes: Any) -> RunBatch:
    batch = RunBatch(uuid4(), project.id, OWNER, "f" * 64, NOW, counted(runs, []))
    return replace(batch, **changes)


def an_export(project: Project, **changes: Any) -> Export:
    """One that waits for its turn."""
    values: dict[str, Any] = {
        "id": an_id(),
        "project_id": project.id,
        "requested_by": OWNER,
        "format": ExportFormat.CSV,
        "name": "day-7",
        "options": ExportOptions(),
        "status": ExportStatus.QUEUED,
        "correlation_id": "correlation",
        "created_at": a_moment(),
    }
    return Export(**{**values, **changes})


def an_import(project: Project, **changes: Any) -> Import:
    """One whose file has not come."""
    now = a_moment()
    values: dict[str, Any] = {
        "id": an_id(),
        "project_id": project.id,
        "requested_by": OWNER,
        "options": ImportOptions(ImportFormat.GEOJSON, "well_A1.geojson", 1_000),
        "status": ImportStatus.AWAITING_UPLOAD,
        "correlation_id": "correlation",
        "created_at": now,
        "upload_until": now + UPLOAD_WITHIN,
    }
    return Import(**{**values, **changes})


def some_measures(**changes: Any) -> Measures:
    """The measures of a ring of 10 × 10 px with a hole of 4 × 4 px, as far as a test of storage needs them."""
    measures = Measures(
        area_px2=84.0,
        perimeter_px=40.0,
        perimeter_with_holes_px=56.0,
        equivalent_diameter_px=10.341700,
        circularity=0.659734,
        roundness=0.840338,
        solidity=0.84,
        convexity=1.0,
        compactness=1.515762,
        extent=0.84,
        aspect_ratio=1.414214,
        sphericity=0.812240,
        feret_max_px=14.142136,
        feret_min_px=10.0,
        major_axis_px=11.547005,
        minor_axis_px=11.547005,
        sphere_volume_px3=579.132,
        ellipsoid_volume_px3=806.133,
        centroid_x_px=25.0,
        centroid_y_px=35.0,
        bbox_x_px=20.0,
        bbox_y_px=30.0,
        bbox_width_px=10.0,
        bbox_height_px=10.0,
        hole_count=1,
        hole_area_px2=16.0,
    )
    return replace(measures, **changes)


def a_spheroid(number: int = 1, **changes: Any) -> Spheroid:
    """A square ring: an outline with one hole."""
    polygon = Polygon(
        exterior=((20.0, 30.0), (30.0, 30.0), (30.0, 40.0), (20.0, 40.0)),
        holes=(((23.0, 33.0), (23.0, 37.0), (27.0, 37.0), (27.0, 33.0)),),
    )
    spheroid = Spheroid(
        number=number,
        polygons=(polygon,),
        measures=some_measures(),
        confidence=0.9375,
        touches_edge=False,
        rim_confidence=0.75,
        review_reasons=(),
    )
    return replace(spheroid, **changes)


def a_model_card(**changes: Any) -> ModelCard:
    card = ModelCard(
        name="spheroid-unet",
        version="1",
        title="Spheroid U-Net",
        description="Finds spheroids in bright field images",
        file="spheroid_unet.onnx",
        sha256="0" * 64,
        size_bytes=1,
        parameter_count=1,
        opset=17,
        input="float32 (n, 1, 512, 512), 0 to 1",
        output="float32 (n, 1, 512, 512), 0 to 1",
        licence="MIT",
        training_data="Made up",
        intended_use="Tests",
        limits=["Made up"],
        figures={},
        preprocessing={},
        postprocessing={},
    )
    return card.model_copy(update=changes)


def a_model_choice(**changes: Any) -> ModelChoice:
    choice = ModelChoice(
        name="auto",
        rule="1",
        title="The model that the image needs",
        description="Takes the thorough model where the usual one is not sure",
        intended_use="Tests",
        limits=["Made up"],
        usual="spheroid-unet",
        thorough="other",
        min_confidence=0.9,
        most_touching=0.5,
    )
    return choice.model_copy(update=changes)


def an_id() -> UUID:
    return uuid4()
