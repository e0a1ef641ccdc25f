"""A project of the service as a table of measures."""

from uuid import UUID

import polars as pl

from spheroseg.domain.asked_statistics import measure_meant
from spheroseg.errors import InvalidQuestionError
from spheroseg_client.client import Client
from spheroseg_client.errors import LocalFileError


def rows_of_project(client: Client, project_id: UUID, measure: str) -> pl.DataFrame:
    """A row for each spheroid, with the measure in px, in µm where the pixel size is known, and what its image shows.

    Args:
        measure: As ``--measure`` takes it: with its unit or without.

    Raises:
        LocalFileError: there is no such measure, or no image was segmented.
    """
    try:
        wanted = measure_meant(measure)
    except InvalidQuestionError as error:
        raise LocalFileError(f"There is no measure {measure}", "no-such-column") from error
    columns: dict[str, list[object]] = {}
    in_um = wanted if wanted.power else None
    for page in client.measurements(project_id, wanted.stored):
        images = [page.images[place] for place in page.image]
        for name in ("name", "plate", "well", "condition", "time_point_h", "replicate", "pixel_size_um"):
            columns.setdefault(name, []).extend(getattr(image, name) for image in images)
        columns.setdefault("image_id", []).extend(str(image.id) for image in images)
        columns.setdefault("spheroid", []).extend(page.number)
        columns.setdefault("touches_edge", []).extend(page.touches_edge)
        columns.setdefault(wanted.stored, []).extend(page.value)
        if in_um is not None:
            values = zip(page.value, images, strict=True)
            columns.setdefault(in_um.name, []).extend(
                None if value is None else in_um.of(value, image.pixel_size_um) for value, image in values
            )
    if not columns.get("spheroid"):
        raise LocalFileError(
            "No image of the project has spheroids: none was segmented, or none was found", "no-values"
        )
    # Columns that nobody told would be text of nothing.
    return pl.DataFrame({name: values for name, values in columns.items() if any(one is not None for one in values)})
