"""The export worker's process: ``python -m export_worker``. SIGTERM and SIGINT end it with exit code 0."""

import os
import sys
import tempfile

from export_worker.reports import Reports
from export_worker.scratch import own_scratch
from export_worker.settings import Settings
from export_worker.wiring import wire
from spheroseg.until_signal import UntilSignal

NICENESS = 10
"""Where it shares a machine with the segmentation worker, somebody waits for an image sooner than for an export."""


def main() -> int:
    """Run until a signal comes; 0, or 1 when the worker ended by itself."""
    until_signal = UntilSignal()
    os.nice(NICENESS)
    settings = Settings.from_env()
    with own_scratch(settings.scratch_dir) as scratch:
        Reports().cleared(scratch.left, scratch.kept)
        tempfile.tempdir = str(scratch.folder)  # what libraries put aside lies there, too
        with wire(settings.model_copy(update={"scratch_dir": scratch.folder})) as consumer:
            return until_signal.run(consumer)


if __name__ == "__main__":
    sys.exit(main())
