"""Environment of the worker."""

import os
import tempfile
from pathlib import Path

from pydantic import Field

from segmentation_worker.health.settings import HealthSettings
from spheroseg.settings import DatabaseSettings, QueueSettings, StageSettings, StorageSettings, UpdatesSettings

MODEL_DIR = Path(__file__).parent / "models"


class Settings(StageSettings, DatabaseSettings, StorageSettings, QueueSettings, UpdatesSettings, HealthSettings):
    """What the worker reads from its environment."""

    model_dir: Path = Field(default=MODEL_DIR, description="Folder of model cards and their ONNX files")
    model_threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads of one model run on the CPU; measured at the start unless given",
    )
    prefetch: int = Field(
        default=2, ge=1, le=8, description="Images that are downloaded and decoded ahead of the model"
    )
    streams: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Images that are looked at at a time; 2 on a CPU and 8 on a GPU unless given",
    )
    model_batch: int | None = Field(
        default=None,
        ge=1,
        le=16,
        description="Views of several images in one run of a model at most; measured at the start unless given",
    )
    finishers: int = Field(
        default_factory=lambda: default_finishers(os.cpu_count() or 1),
        ge=1,
        le=8,
        description="Images that are measured and stored at a time",
    )
    long_poll_s: int = Field(
        default=5, ge=1, le=20, description="Seconds a poll of an empty queue waits; a stop may too"
    )
    grace_s: float = Field(
        default=20,
        ge=0,
        description="Seconds from SIGTERM until what is not done is given back; below the stop timeout",
    )
    retry_for_s: float = Field(default=60, ge=0, description="Seconds a step is tried again while a service is away")
    scratch_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()),
        description="Where files lie while they are decoded, each for that time only",
    )


def default_finishers(cores: int) -> int:
    """As many as there are cores, 4 at most: each waits for store and database half of its time."""
    return max(1, min(4, cores))
