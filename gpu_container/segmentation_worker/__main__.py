"""The worker's process: ``python -m segmentation_worker``. SIGTERM and SIGINT end it with exit code 0."""

import gc
import sys

from segmentation_worker.memory import keep_giving_back, limit_arenas
from segmentation_worker.settings import Settings
from segmentation_worker.wiring import wire
from spheroseg.until_signal import UntilSignal

SWITCH_INTERVAL_S = 0.0005
"""How long a thread waits for the interpreter, instead of 5 ms: the model's thread wants it often and briefly. A 512²
image beside a thread of pure Python took 195 ms with it, 706 ms without, 118 ms alone (2 cores, November 2026)."""


def main() -> int:
    """Run until a signal comes; 0, or 1 when the worker ended by itself."""
    until_signal = UntilSignal()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    limit_arenas()
    with wire(Settings.from_env()) as consumer:
        keep_giving_back()
        gc.freeze()  # libraries and models stay: looking through them again and again would only cost time
        return until_signal.run(consumer)


if __name__ == "__main__":
    sys.exit(main())
