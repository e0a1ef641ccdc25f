"""Runs a module as `python -m` would, and ends it when the process that started it is gone.

    python -m infra_cdk.local.lifeline segmentation_worker

The starting process holds the other end of our standard input. However it dies, the system closes that end.
"""

import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable


def on_end_of_starter(action: Callable[[], None]) -> None:
    """Call ``action`` in a thread of its own as soon as nobody holds our standard input any more."""

    def wait() -> None:
        while os.read(stdin, 4096):
            pass
        action()

    stdin = sys.stdin.fileno()
    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def terminate_myself() -> None:
    """End as if asked to by SIGTERM, so that what is under way is given back or saved."""
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    on_end_of_starter(terminate_myself)
    module = sys.argv.pop(1)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
