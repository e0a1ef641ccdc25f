"""The export worker's process: ``python -m export_worker``. SIGTERM and SIGINT end it with exit code 0."""

import os
import sys

from export_worker.settings import Settings
from export_worker.wiring import wire
from spheroseg.until_signal import UntilSignal

NICENESS = 10
"""Where it shares a machine with the segmentation worker, somebody waits for an image sooner than for an export."""


def main() -> int:
    """Run until a signal comes; 0, or 1 when the worker ended by itself."""
    until_signal = UntilSignal()
    os.nice(NICENESS)
    with wire(Settings.from_env()) as consumer:
        return until_signal.run(consumer)


if __name__ == "__main__":
    sys.exit(main())
