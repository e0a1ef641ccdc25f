"""What each measure means, its unit and its source; for documentation and exports."""

from collections.abc import Mapping
from typing import NamedTuple


class Definition(NamedTuple):
    """How a measure is to be read.

    Args:
        unit: ``px``, ``px²``, ``px³``, or ``1`` for a ratio or a count.
        meaning: Formula or procedure.
        source: Paper, standard, or where it was validated.
    """

    unit: str
    meaning: str
    source: str


_MEASURED = "definition; checked on drawn shapes in tests/unit/imaging/test_measures.py"
_MOMENTS = "Teague, M. R. (1980), Journal of the Optical Society of America 70(8), 920-930"
_FERET = (
    "ISO 9276-6:2008 (Feret diameters); Toussaint, G. (1983), IEEE MELECON, rotating calipers; hull of the body behind "
    "the pixels: spheroseg.imaging.feret, checked in tests/unit/imaging/test_known_shapes.py"
)
_BODY = (
    " the body. Its hull is estimated from the hull of its pixels' centres, each side moved outwards by what lies "
    "between it and the next line of the grid (half of that, or all where a side joins two neighbouring centres "
    "alone): exact for shapes along rows and columns. The hull of the pixels as squares, which many programs take, is "
    "up to 1.4 px wider across the grid than along it"
)
_SHAPE = "ISO 9276-6:2008, descriptive shape factors"

DEFINITIONS: dict[str, Definition] = {
    "area_px2": Definition(
        "px²",
        "A: number of pixels, holes not counted. A small body's pixels number more or less than its area, depending on "
        "its place: by up to 2.5 % at r = 12 px, 1.3 % at r = 15 px, 0.6 % at r = 20 px, nothing on average",
        _MEASURED,
    ),
    "perimeter_px": Definition(
        "px",
        "P: length of the outer boundary: midpoints of its pixel edges, smoothed along the boundary by a Gaussian of "
        "σ = 1.5 edges; circularity of digital disks from r = 5 px is 0.99 to 1.00, squares of 60 px come out 1.1 to "
        "1.8 % short because corners are rounded (4-direction Crofton on the same squares: -6 to +2 %); what has sharp "
        "corners and few pixels is short by more: squares of 36 px 1.1 to 3.3 %",
        "estimator family: Coeurjolly & Klette (2004), IEEE Transactions on Pattern Analysis and Machine Intelligence "
        "26(2), 252-258; constants measured, tests/unit/imaging/test_measures.py",
    ),
    "perimeter_with_holes_px": Definition("px", "P plus the length of the boundaries of all holes", _MEASURED),
    "equivalent_diameter_px": Definition("px", "2·√(A/π)", _SHAPE),
    "circularity": Definition(
        "1", "4π·A/P²; 1 for a circle; not clipped", "Cox, E. P. (1927), Journal of Paleontology 1(3), 179-183"
    ),
    "roundness": Definition("1", "4·A/(π·major axis²)", "ImageJ user guide 1.46r (2012), Analyze, Shape descriptors"),
    "solidity": Definition(
        "1",
        "A divided by the number of pixels whose centres lie in the convex hull of the object's pixel centres; a "
        "convex body has 1 in every direction",
        _SHAPE,
    ),
    "convexity": Definition(
        "1", "Perimeter of the convex hull of the smoothed outer boundary divided by P; at most 1 in one piece", _SHAPE
    ),
    "compactness": Definition("1", "P²/(4π·A), the inverse of circularity", "Cox, E. P. (1927), as for circularity"),
    "extent": Definition("1", "A divided by the area of the bounding box", _MEASURED),
    "aspect_ratio": Definition("1", "Largest divided by smallest Feret diameter", _SHAPE),
    "sphericity": Definition(
        "1", "√(4π·A)/P, the square root of circularity", "Wadell, H. (1933), Journal of Geology 41(3), 310-331"
    ),
    "feret_max_px": Definition("px", "Largest distance between two parallel lines that enclose" + _BODY, _FERET),
    "feret_min_px": Definition("px", "Smallest distance between two parallel lines that enclose" + _BODY, _FERET),
    "major_axis_px": Definition(
        "px",
        "4·√ of the larger eigenvalue of the covariance of the area (pixels as squares, which is the covariance of "
        "their centres + 1/12); the length of the ellipse with these moments",
        _MOMENTS,
    ),
    "minor_axis_px": Definition("px", "4·√ of the smaller eigenvalue, as for the major axis", _MOMENTS),
    "sphere_volume_px3": Definition(
        "px³", "π/6·d³ with d the equivalent diameter", "volume of the sphere of equal area"
    ),
    "ellipsoid_volume_px3": Definition(
        "px³", "π/6·major·minor²", "volume of the prolate ellipsoid with the measured axes"
    ),
    "centroid_x_px": Definition("px", "Mean x of the area; a pixel in column c is centred at c + 0.5", _MOMENTS),
    "centroid_y_px": Definition("px", "Mean y of the area; a pixel in row r is centred at r + 0.5", _MOMENTS),
    "bbox_x_px": Definition("px", "Left edge of the bounding box", _MEASURED),
    "bbox_y_px": Definition("px", "Upper edge of the bounding box", _MEASURED),
    "bbox_width_px": Definition("px", "Width of the bounding box, in whole pixels", _MEASURED),
    "bbox_height_px": Definition("px", "Height of the bounding box, in whole pixels", _MEASURED),
    "hole_count": Definition("1", "Holes: enclosed areas that are not of the object", _MEASURED),
    "hole_area_px2": Definition("px²", "Area inside the outer boundary that is not counted in A", _MEASURED),
}
"""By field of ``spheroseg.domain.spheroid.Measures``."""

INTENSITY_DEFINITIONS: Mapping[str, str] = {
    "intensity_mean": "Mean of the pixels' values",
    "intensity_sd": "Standard deviation of the pixels' values (of all of them: divided by their number)",
    "intensity_min": "Smallest value",
    "intensity_max": "Largest value",
    "intensity_median": "Median of the values; of an even number the mean of the two in the middle",
    "intensity_integrated": "Sum of the values (ImageJ: raw integrated density)",
    "intensity_background": (
        "Median of all pixels of the image that belong to no object; the same for all objects of an image, empty where "
        "there is no such pixel"
    ),
    "intensity_above_background": "Mean less background",
    "intensity_integrated_above_background": (
        "Sum of the values less area times background: «corrected total cell fluorescence» of McCloy, R. A. et al. "
        "(2014), Cell Cycle 13(9), 1400-1412, there with the mean of a region drawn by hand as background"
    ),
    "intensity_local_background": (
        "Median of a ring around the object: pixels of no object, more than 2 px away from every object, and up to a "
        "tenth of the object's equivalent diameter (5 px at least) farther than that from this one; empty where fewer "
        "than 25 pixels are left of it. Of objects with an equivalent diameter d of 80 px and more every k-th pixel of "
        "every k-th row is looked at, k = ⌊d / 40⌋; empty where object and ring lie in more than 16,777,216 pixels"
    ),
    "intensity_above_local_background": "Mean less local background",
    "intensity_integrated_above_local_background": (
        "Sum of the values less area times local background: aperture photometry with an annulus for the sky, Stetson, "
        "P. B. (1987), Publications of the Astronomical Society of the Pacific 99, 191-222"
    ),
}
"""By name; all in the image's own grey values. Computed by ``spheroseg.imaging.intensities``."""
