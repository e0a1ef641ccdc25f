"""What a reader of figures should know beside them, in words."""

from spheroseg_client.models import Result


def not_square(
    edges_um: tuple[float, float], used_um: float | None = None, source: str | None = None, *, said_by: str = "the file"
) -> str:
    """Why nothing is given in µm, or by whose word it is, where a file says two edges of a pixel that differ.

    Args:
        edges_um: Along x and y, in µm.
        used_um: The pixel size that measures were converted with all the same; None: none.
        source: Who said that one, such as ``project``.
        said_by: Who says the two edges.
    """
    x, y = edges_um
    said = f"{said_by} says that a pixel is {x:.6g} µm wide and {y:.6g} µm high, which is no single pixel size, so "
    result = "nothing is given in µm" if used_um is None else f"µm are by the {source}'s {used_um:.6g} µm instead"
    return (
        f"{said}{result}. If its pixels are square, give their edge by --pixel-size; if they are not, scale the image "
        "to square pixels first"
    )


def notes_on(result: Result | None) -> list[str]:
    """What there is to be said about a run's measures; none where nothing is unusual, or nothing came out."""
    edges = result.review.unequal_edges if result and result.review else None
    if result is None or edges is None or result.pixel_size_source in {"user", "file"}:
        return []
    return [not_square((edges.x_um, edges.y_um), result.pixel_size_um, result.pixel_size_source)]
