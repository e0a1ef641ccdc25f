"""Environment of the health check; the worker reads the same."""

import tempfile
from pathlib import Path

from pydantic import Field

from spheroseg.settings import Settings


class HealthSettings(Settings):
    """Where the worker notes that it makes progress, and how long it may make none."""

    health_file: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()) / "segmentation-worker.progress",
        description="Touched while the worker makes progress; one for each worker on a machine",
    )
    stuck_after_s: float = Field(
        default=300,
        gt=0,
        description="Seconds without progress after which it counts as stuck: above the slowest image and its retries",
    )
