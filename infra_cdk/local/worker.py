"""The workers as child processes: the containers' own entry points, on the CPU."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra_cdk.local.errors import LocalCloudError
from infra_cdk.local.processes import end_child, start_child

MODULE = "segmentation_worker"

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
HEALTHY_AFTER_S = 60.0
"""A worker that ran for so long before it ended is started again without the longer pause of its predecessors."""

STOP_PATIENCE_S = 30.0
START_TIMEOUT_S = 60.0
LONG_POLL_S = 1
"""A stop may have to wait for so long; asking the emulator more often costs nothing."""

PROGRESS = "progress"
"""The file that a worker touches when it is ready, and from then on."""

PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LD_LIBRARY_PATH",
    "CUDA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS",
    "SPHEROSEG_MODEL_DIR",
)
"""What a worker takes from the user's environment; anything else could point it at a real account."""


EXPORT_MODULE = "export_worker"

NOT_FOR_EXPORTS = frozenset(
    {
        "SPHEROSEG_QUEUE_URL_HIGH",
        "SPHEROSEG_QUEUE_URL_NORMAL",
        "SPHEROSEG_QUEUE_URL_LOW",
        "SPHEROSEG_HEALTH_FILE",
    }
)
"""What only the segmentation worker reads."""


def worker_environment(
    folder: Path, outputs: Mapping[str, str], database: Mapping[str, str], emulator: Mapping[str, str]
) -> dict[str, str]:
    """The worker's whole environment.

    Args:
        folder: Where it may leave files.
        outputs: Outputs of the stacks.
        database: Values of the stacks' parameters, which say where the database is.
        emulator: What an SDK needs to find the emulator.
    """
    return {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **emulator,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "POWERTOOLS_SERVICE_NAME": MODULE,
        "POWERTOOLS_METRICS_NAMESPACE": "SpheroSeg",
        "POWERTOOLS_LOG_LEVEL": "INFO",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "SPHEROSEG_STAGE": "local",
        "SPHEROSEG_DATABASE_WRITER_HOST": database["DatabaseWriterHost"],
        "SPHEROSEG_DATABASE_WRITER_PORT": database["DatabaseWriterPort"],
        "SPHEROSEG_DATABASE_READER_HOST": database["DatabaseReaderHost"],
        "SPHEROSEG_DATABASE_READER_PORT": database["DatabaseReaderPort"],
        "SPHEROSEG_DATABASE_NAME": database["DatabaseName"],
        "SPHEROSEG_DATABASE_SECRET_ARN": database["DatabaseSecretArn"],
        "SPHEROSEG_DATABASE_TLS": "disable",
        "SPHEROSEG_BUCKET": outputs["BucketName"],
        "SPHEROSEG_QUEUE_URL_HIGH": outputs["QueueUrlHigh"],
        "SPHEROSEG_QUEUE_URL_NORMAL": outputs["QueueUrlNormal"],
        "SPHEROSEG_QUEUE_URL_LOW": outputs["QueueUrlLow"],
        "SPHEROSEG_UPDATES_QUEUE_URL": outputs["UpdatesQueueUrl"],
        "SPHEROSEG_HEALTH_FILE": str(folder / PROGRESS),
        "SPHEROSEG_SCRATCH_DIR": str(folder),
        "SPHEROSEG_LONG_POLL_S": str(LONG_POLL_S),
    }


def export_worker_environment(
    folder: Path, outputs: Mapping[str, str], database: Mapping[str, str], emulator: Mapping[str, str]
) -> dict[str, str]:
    """The same for the worker that writes exports."""
    shared = worker_environment(folder, outputs, database, emulator)
    own = {name: value for name, value in shared.items() if name not in NOT_FOR_EXPORTS}
    return own | {
        "POWERTOOLS_SERVICE_NAME": EXPORT_MODULE,
        "SPHEROSEG_EXPORTS_QUEUE_URL": outputs["ExportsQueueUrl"],
    }


@dataclass
class Worker:
    """One worker that is there until it is stopped: if it ends by itself it is started again, ever more slowly.

    Args:
        folder: Where it runs and logs.
        environment: Its whole environment.
        on_start: Told of each new process: its number, and how many came before it.
        module: What is run, as `python -m` does.
    """

    folder: Path
    environment: Mapping[str, str]
    on_start: Callable[[int, int], None]
    module: str = MODULE
    _child: "subprocess.Popen[bytes] | None" = field(default=None, init=False, repr=False)
    _keeper: threading.Thread | None = field(default=None, init=False, repr=False)
    _stopping: threading.Event = field(default_factory=threading.Event, init=False, repr=False)
    _changing: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process, while one runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def log(self) -> Path:
        """What it said."""
        return self.folder / "worker.log"

    def start(self) -> None:
        """Start it, and keep it running from a thread of its own."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.folder / PROGRESS).unlink(missing_ok=True)
        self._start_process(0)
        self._keeper = threading.Thread(target=self._keep_running, name="worker-keeper", daemon=True)
        self._keeper.start()

    def wait_until_ready(self) -> None:
        """Return when it has loaded its model and looks for work.

        Raises:
            LocalCloudError: it did not come so far in time.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        while not (self.folder / PROGRESS).exists():
            if time.monotonic() > deadline:
                tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])
                raise LocalCloudError(f"The worker does not start, see {self.log}:\n{tail}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to give back what it works on and end."""
        self._stopping.set()
        with self._changing:
            if self._child:
                end_child(self._child, STOP_PATIENCE_S)
        if self._keeper:
            self._keeper.join()

    def _keep_running(self) -> None:
        pause_s, starts, began = FIRST_PAUSE_S, 1, time.monotonic()
        while self._child:
            self._child.wait()
            if time.monotonic() - began > HEALTHY_AFTER_S:
                pause_s = FIRST_PAUSE_S
            if self._stopping.wait(pause_s):
                return
            pause_s, began = min(2 * pause_s, LONGEST_PAUSE_S), time.monotonic()
            self._start_process(starts)
            starts += 1

    def _start_process(self, earlier: int) -> None:
        with self._changing:
            if self._stopping.is_set():
                return
            if self._child and self._child.stdin:
                self._child.stdin.close()
            self._child = start_child(
                [sys.executable, "-m", "infra_cdk.local.lifeline", self.module],
                environment=self.environment,
                log=self.log,
                folder=self.folder,
            )
            self.on_start(self._child.pid, earlier)
