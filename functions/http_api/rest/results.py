"""What a finished segmentation says, as the API tells it."""

from pydantic import Field

from http_api.rest.answers import Answer
from spheroseg.domain.model_card import Precision
from spheroseg.domain.review import Review, ReviewReason
from spheroseg.domain.segmentation import ModelFile, PixelSizeSource, Result


class ModelFileOut(Answer):
    """The very file that a run was made with."""

    model: str = Field(description="Name of the model", examples=["fast"])
    model_version: str = Field(description="Version of the model", examples=["1"])
    precision: Precision = Field(
        description="Of its weights and of what was computed with them: `int8` on processors, `float16` on GPUs, "
        "`float32` where the model has no such file",
        examples=["int8"],
    )
    sha256: str = Field(
        description="SHA-256 of the ONNX file, in hexadecimal digits; the model's card names the same",
        examples=["0" * 64],
    )

    reason: str | None = Field(
        description="Why this model, where `auto` chose it for the image; null where it was asked for by its name",
        examples=["fast was sure: confidence 0.981, 0% of 3 touch"],
    )
    runtime: str | None = Field(
        description="What computed it, with its version; null in runs of before it was noted",
        examples=["onnxruntime 1.29.0"],
    )
    provider: str | None = Field(
        description="What of that computed first, as it calls it; null where `runtime` is",
        examples=["CPUExecutionProvider"],
    )

    @classmethod
    def of(cls, file: ModelFile | None) -> "ModelFileOut | None":
        """The domain's model file."""
        if file is None:
            return None
        return cls(
            model=file.model,
            model_version=file.version,
            precision=file.precision,
            sha256=file.sha256,
            reason=file.reason,
            runtime=file.runtime.program if file.runtime else None,
            provider=file.runtime.provider if file.runtime else None,
        )


class PixelEdgesOut(Answer):
    """Edges of a pixel that is not square."""

    x_um: float = Field(description="Along x in µm", examples=[0.65])
    y_um: float = Field(description="Along y in µm", examples=[0.7])

    @classmethod
    def of(cls, edges_um: tuple[float, float] | None) -> "PixelEdgesOut | None":
        """The two edges, x first."""
        return None if edges_um is None else cls(x_um=edges_um[0], y_um=edges_um[1])


class ReviewOut(Answer):
    """Whether somebody should look at a result, as it was judged when it was made."""

    needed: bool = Field(description="True when there is a reason to look at it", examples=[True])
    reasons: list[ReviewReason] = Field(
        description="Why; docs/use.md tells the limit of each", examples=[["low-confidence", "edge-contact"]]
    )
    confidence: float | None = Field(
        description="Mean calibrated probability over the pixels of all spheroids, 0 to 1; null: nothing was found",
        examples=[0.84],
    )
    blur: float | None = Field(
        description="Of the image at a long side of 256 px, 0 (sharp) to 1; null: not measured", examples=[0.31]
    )
    dropped_count: int = Field(
        description="What was seen and left out: too small, too uncertain, without a core, or out of focus",
        examples=[7],
    )
    touching_count: int = Field(description="Spheroids that lie side by side with another one", examples=[2])
    edge_area_share: float = Field(
        description="Of the area of all spheroids, what lies in those that reach the image's border, 0 to 1",
        examples=[0.62],
    )
    unequal_edges: PixelEdgesOut | None = Field(
        description="Edges of a pixel, where the file says two that differ: they are no pixel size, so that "
        "measures are in px only unless the image or its project has a `pixel_size_um`. Null: the file says none, or "
        "one, or that was not noted yet"
    )

    @classmethod
    def of(cls, review: Review | None) -> "ReviewOut | None":
        """The domain's review."""
        if review is None:
            return None
        signs = review.signs
        return cls(
            needed=review.is_needed,
            reasons=list(review.reasons),
            confidence=signs.confidence,
            blur=signs.blur,
            dropped_count=signs.dropped_count,
            touching_count=signs.touching_count,
            edge_area_share=signs.edge_area_share,
            unequal_edges=PixelEdgesOut.of(review.unequal_edges_um),
        )


class ResultOut(Answer):
    """What a finished segmentation says about the image and itself."""

    width_px: int = Field(description="Width of the segmented page in px", examples=[2048])
    height_px: int = Field(description="Height of the segmented page in px", examples=[1536])
    pixel_type: str = Field(description="The file's own sample type", examples=["uint16"])
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm that measures are converted with; null: unknown, measures in px only",
        examples=[0.65],
    )
    pixel_size_source: PixelSizeSource | None = Field(
        description="Who said so: `user` (with the file), `file` (its header), `project`, or `profile` (the project's, "
        "taken from its maker's profile); null exactly when unknown"
    )
    files_pixel_size_um: float | None = Field(
        description="What the stored files were written with; another number than `pixel_size_um` where that was "
        "mended later: then take µm from the API, not from the files",
        examples=[0.65],
    )
    spheroid_count: int = Field(
        description="Spheroids in the newest revision of the outlines, 0 included", examples=[13]
    )
    found_count: int = Field(
        description="Spheroids that the model found, whatever was corrected since; the files of `links` hold these",
        examples=[12],
    )
    stages_s: dict[str, float] = Field(
        description="Seconds spent in each stage of the work",
        examples=[{"download": 0.02, "decode": 0.01, "model": 0.12, "outlines": 0.03, "store": 0.04}],
    )
    ran: ModelFileOut | None = Field(
        description="The model file that found them; null in segmentations of before it was noted"
    )
    review: ReviewOut | None = Field(
        description="Whether somebody should look at it, and why; null in segmentations of before that was judged"
    )

    @classmethod
    def of(cls, result: Result | None) -> "ResultOut | None":
        """The domain's result."""
        if result is None:
            return None
        return cls(
            width_px=result.width_px,
            height_px=result.height_px,
            pixel_type=result.pixel_type,
            pixel_size_um=result.pixel_size_um,
            pixel_size_source=result.pixel_size_source,
            files_pixel_size_um=result.written_pixel_size_um,
            spheroid_count=result.spheroid_count,
            found_count=result.found_count,
            stages_s=result.stages_s,
            ran=ModelFileOut.of(result.ran),
            review=ReviewOut.of(result.review),
        )
