"""Exit code 0 while the worker makes progress, else 1."""

import sys

from segmentation_worker.health.progress import is_alive
from segmentation_worker.health.settings import HealthSettings

settings = HealthSettings.from_env()
if not is_alive(settings.health_file, settings.stuck_after_s):
    sys.exit(f"No progress was noted in {settings.health_file} for {settings.stuck_after_s:g} s")
