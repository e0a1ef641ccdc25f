"""Whether the worker makes progress, for the container's health check: ``python -m segmentation_worker.health``."""
