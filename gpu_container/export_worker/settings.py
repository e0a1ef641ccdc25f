"""Environment of the export worker."""

import tempfile
from pathlib import Path

from pydantic import Field

from spheroseg.settings import DatabaseSettings, ExportsSettings, StageSettings, StorageSettings, UpdatesSettings


class Settings(StageSettings, DatabaseSettings, StorageSettings, ExportsSettings, UpdatesSettings):
    """What the export worker reads from its environment."""

    long_poll_s: int = Field(
        default=20, ge=1, le=20, description="Seconds a poll of an empty queue waits; a stop may too"
    )
    scratch_dir: Path = Field(
        default_factory=lambda: Path(tempfile.gettempdir()),
        description="Where files lie that cannot be written front to back, each for that time only, in a folder of "
        "each worker's own; those of killed workers go when one starts",
    )
