"""The program ``spheroseg``, which Ctrl-C ends quietly from the start, also while its libraries are loaded."""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130
"""The exit code; here, because it is needed before anything else is loaded."""


def main() -> None:
    """Load the command line and run it."""
    if (before := signal.getsignal(signal.SIGINT)) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _end)
    from spheroseg_client import command_line  # noqa: PLC0415 - takes most of a second

    try:
        signal.signal(signal.SIGINT, before)
        command_line.main()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End at once: nothing was begun, and some libraries swallow what is raised while they are loaded."""
    os._exit(INTERRUPTED)
