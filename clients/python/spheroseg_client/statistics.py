"""Statistics of a project, which the service computes in the background; definitions in docs/statistics.md.

Where a figure cannot be given, it is None and ``not_given`` says why, by the figure's name.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from pydantic import ValidationError

from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.exports import ExportCalls
from spheroseg_client.models import Answer

DOCUMENT = "statistics.json"

Level = str | int | float | None
"""Value of a factor such as the condition; None: nobody said."""


class Interval(Answer):
    """From ``low`` to ``high``, at the level ``confidence``."""

    low: float
    high: float


class Summary(Answer):
    """Values described; all but the counts in the measure's unit."""

    n: int
    missing: int
    mean: float | None
    sd: float | None
    sem: float | None
    minimum: float | None
    q1: float | None
    median: float | None
    q3: float | None
    maximum: float | None
    t_interval: Interval | None
    bootstrap_interval: Interval | None
    not_given: Mapping[str, str]


class Outlier(Answer):
    """A value that the rule flags; it counts everywhere like any other."""

    name: str
    value: float
    limit: float


class Flagged(Answer):
    """Outliers of a group: values below ``low`` or above ``high``; up to 100 are named."""

    low: float | None
    high: float | None
    count: int
    first: Sequence[Outlier]
    not_given: str | None


class Group(Answer):
    """Spheroids that agree in the factors: described one by one, and by the units that are compared."""

    levels: Mapping[str, Level]
    objects: Summary
    units: Summary
    outliers: Flagged
    unit_outliers: Flagged


class UnitsUsed(Answer):
    """What counted as one observation, why, and what a reader of p-values should know."""

    unit: str
    reason: str
    cautions: Sequence[str]


class Significance(Answer):
    """One test; ``p_holm`` is corrected over all p-values of this test in the answer."""

    name: str
    statistic: float
    p: float
    df: float | None
    df_within: float | None
    p_holm: float | None


class Pair(Answer):
    """Two levels compared; ``difference`` is the mean of ``second`` less that of ``first``."""

    first: Level
    second: Level
    n_first: int
    n_second: int
    difference: float | None
    interval: Interval | None
    welch: Significance | None
    mann_whitney: Significance | None
    hedges_g: float | None
    cliffs_delta: float | None
    not_given: Mapping[str, str]


class Comparison(Answer):
    """Levels of one factor compared, within levels of the others."""

    factor: str
    within: Mapping[str, Level]
    n: Sequence[tuple[Level, int]]
    anova: Significance | None
    welch_anova: Significance | None
    kruskal_wallis: Significance | None
    eta_squared: float | None
    epsilon_squared: float | None
    rank_epsilon_squared: float | None
    pairs: Sequence[Pair]
    not_given: Mapping[str, str]


class Point(Answer):
    """The units at one time in hours, or at one dose."""

    at: float
    n: int
    mean: float
    sd: float | None
    interval: Interval | None


class Growth(Answer):
    """Exponential growth of one group; ``doubling_time_h`` is below 0 for what halves in that time."""

    levels: Mapping[str, Level]
    points: Sequence[Point]
    per_replicate: bool
    n: int
    rate_per_h: float | None
    rate_interval: Interval | None
    start: float | None
    r_squared: float | None
    doubling_time_h: float | None
    doubling_interval: Interval | None
    not_given: Mapping[str, str]


class Parameter(Answer):
    """One parameter of a fit."""

    value: float
    se: float
    interval: Interval


class DoseResponse(Answer):
    """Four-parameter logistic curve, or why there is none: ``refused``."""

    points: Sequence[Point]
    n: int
    lower: Parameter | None
    upper: Parameter | None
    ec50: Parameter | None
    slope: Parameter | None
    residual_sd: float | None
    df: int | None
    no_effect_p: float | None
    lack_of_fit_p: float | None
    refused: str | None
    not_given: Mapping[str, str]


class PlateQuality(Answer):
    """How well a plate parts its controls."""

    plate: Level
    positive: Summary
    negative: Summary
    z_prime: float | None
    not_given: Mapping[str, str]


class Statistics(Answer):
    """What the measures of a project say.

    ``rows`` spheroids, ``missing`` of them without a value; ``measure_unit`` is ``1`` for what has none.
    """

    measure: str
    measure_unit: str
    rows: int
    missing: int
    units: UnitsUsed
    overall: Summary
    groups: Sequence[Group]
    comparisons: Sequence[Comparison]
    growth: Sequence[Growth]
    dose_response: DoseResponse | None
    plates: Sequence[PlateQuality]
    notes: Sequence[str]
    confidence: float
    bootstrap_seed: int


class StatisticsCalls(ExportCalls):
    """Statistics of a project."""

    def statistics(
        self,
        project_id: UUID,
        question: Mapping[str, object] | None = None,
        *,
        image_ids: Iterable[UUID] | None = None,
        pixel_size_um: float | None = None,
        accepted_only: bool = False,
        path: Path | None = None,
    ) -> Statistics:
        """Ask the service for statistics, and wait for them.

        Args:
            question: ``measure``, ``groups``, ``unit``, ``compare``, ``control``, ``growth``, ``doses`` (a list of
                ``condition`` and ``dose``), ``dose_column``, ``positive``, ``negative``, ``outliers``,
                ``inside_only``, as docs/api.md says; what is left away is as usual.
            image_ids, pixel_size_um, accepted_only: As for every export.
            path: Where the archive with the tables and plots is kept; None: nowhere.

        Raises:
            ApiError: no project could answer that.
            WorkFailedError: this one cannot, and why.
        """
        export = self.request_export(
            project_id,
            "statistics",
            image_ids=image_ids,
            pixel_size_um=pixel_size_um,
            accepted_only=accepted_only,
            statistics=question,
        )
        if path is not None:
            self.download_export(export.id, path)
            return read_statistics(path)
        with tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
            archive = Path(folder) / "statistics.zip"
            self.download_export(export.id, archive)
            return read_statistics(archive)


def read_statistics(path: Path) -> Statistics:
    """The statistics in the archive that an export made, or in its ``statistics.json`` alone.

    Raises:
        UnexpectedAnswerError: it holds something else.
    """
    try:
        if path.suffix.lower() == ".json":
            return Statistics.model_validate_json(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            return Statistics.model_validate_json(archive.read(DOCUMENT))
    except (KeyError, ValidationError, zipfile.BadZipFile) as error:
        raise UnexpectedAnswerError(f"{path.name} holds no statistics that this version understands") from error
