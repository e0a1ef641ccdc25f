"""The export worker's process: ``python -m export_worker``. SIGTERM and SIGINT end it with exit code 0."""

import os
import signal
import sys
from queue import SimpleQueue
from threading import Thread

from export_worker.consumer import Consumer
from export_worker.settings import Settings
from export_worker.wiring import wire

NICENESS = 10
"""Where it shares a machine with the segmentation worker, somebody waits for an image sooner than for an export."""


def main() -> int:
    """Run until a signal comes; 0, or 1 when the worker ended by itself."""
    ended: SimpleQueue[str] = SimpleQueue()  # its ``put`` may be called in a signal handler, an event's ``set`` may not
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.put("signal"))
    os.nice(NICENESS)
    with wire(Settings.from_env()) as consumer:
        thread = Thread(target=_run, args=(consumer, ended), name="consumer")
        thread.start()
        reason = ended.get()
        consumer.stop()
        thread.join()
    return 0 if reason == "signal" else 1


def _run(consumer: Consumer, ended: SimpleQueue[str]) -> None:
    try:
        consumer.run()
    finally:
        ended.put("by itself")


if __name__ == "__main__":
    sys.exit(main())
