"""Messages in, finished exports, imports and brightness out, one at a time; and what happens when one of them fails."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any, Protocol
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from export_worker.reports import Reports, Request
from spheroseg.domain.export import Export
from spheroseg.domain.outline_import import Import
from spheroseg.errors import HeldElsewhereError
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested
from spheroseg.ports import Delivery, Receiver
from spheroseg.use_cases.measure_brightness import BrightnessWork, MeasureBrightness
from spheroseg.use_cases.prepare_import import ImportWork
from spheroseg.use_cases.run_export import RunExport, StoppedError, Work
from spheroseg.use_cases.run_import import RunImport

VISIBILITY_S = 30
"""For how long a message is lent: above SILENT_EXPORTER_AFTER, so that whoever is lent it next finds its row free."""
HEARTBEAT_S = 2.0
"""So often progress is written, and a cancelled export noticed."""
FIRST_DELAY_S = 30
"""Until an export that failed is lent again the first time; the next time twice as long."""
PAUSE_S = 5.0
"""Before a queue that did not answer is asked again."""
STUCK_AFTER_S = 1800.0
"""Without an image, a spheroid or a byte for so long, an export counts as stuck: a workbook's end takes a minute."""


Job = Export | Import | BrightnessWork
AnyWork = Work | ImportWork | BrightnessWork
AnyRequest: TypeAdapter[Request] = TypeAdapter(Request)


class Runner(Protocol):
    """What works on jobs of one kind: exports, imports, or brightness."""

    def take(self, job_id: UUID, /) -> AnyWork | None:
        """The job, started by this worker; None when there is nothing to do."""

    def make(self, work: Any, /) -> Job | None:  # noqa: ANN401 - what its own ``take`` gave
        """The job after its end; None when it is no longer this worker's, or raise ``StoppedError``."""

    def keep_alive(self, work: Any, /) -> bool:  # noqa: ANN401
        """Say that it is still worked on; False when it is no longer this worker's."""

    def give_back(self, work: Any, /) -> None:  # noqa: ANN401
        """Let it wait again, for another worker."""


class Consumer:
    """Works until ``stop`` is called; no single message, job or outage ends it."""

    def __init__(
        self,
        run_export: RunExport,
        run_import: RunImport,
        measure_brightness: MeasureBrightness,
        receiver: Receiver,
        reports: Reports,
        *,
        long_poll_s: int,
        heartbeat_s: float = HEARTBEAT_S,
        exit_: Callable[[int], None] = os._exit,
    ) -> None:
        """Nothing runs before ``run``.

        Args:
            exit_: Ends the process when a job is stuck: nothing else ends a thread.
        """
        self._run_export: Runner = run_export
        self._run_import: Runner = run_import
        self._measure_brightness: Runner = measure_brightness
        self._receiver = receiver
        self._reports = reports
        self._long_poll_s = long_poll_s
        self._heartbeat_s = heartbeat_s
        self._exit = exit_
        self._stop = Event()
        self._work: AnyWork | None = None

    def run(self) -> None:
        """Take and finish jobs until ``stop``; afterwards nothing is in hand."""
        while not self._stop.is_set():
            try:
                deliveries = self._receiver.receive(1, self._long_poll_s)
            except Exception as error:  # noqa: BLE001 - whatever it is, the worker lives
                self._reports.not_taking(error)
                self._stop.wait(PAUSE_S)
                continue
            for delivery in deliveries:
                self._serve(delivery)

    def stop(self) -> None:
        """Take nothing more, and give back what is in hand; may be called from any thread."""
        self._stop.set()
        work = self._work
        if work is not None:
            work.stop.set()

    def _serve(self, delivery: Delivery) -> None:
        request: Request | None = None
        try:
            request = AnyRequest.validate_json(delivery.body)
            if self._is_done(delivery, request):
                self._receiver.acknowledge([delivery.receipt])
        except ValidationError as error:
            self._reports.unreadable(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next job has its turn
            self._reports.failed(request, error, delivery.receive_count)
            self._try_later(delivery, FIRST_DELAY_S * 2 ** (delivery.receive_count - 1))

    def _is_done(self, delivery: Delivery, request: Request) -> bool:
        """Whether the message needs nothing more."""
        began_s = time.monotonic()
        runner, job_id = self._runner_of(request)
        try:
            work = runner.take(job_id)
        except HeldElsewhereError:
            work = None  # its own message is with whoever is at it; the sweep sends another if that one dies
        if work is None:
            self._reports.dropped(request)
            return True
        self._work = work
        try:
            with self._beating(runner, work, delivery):
                ended = runner.make(work)
        except StoppedError:
            if not self._stop.is_set():
                self._reports.dropped(request)
                return True
            runner.give_back(work)
            self._reports.given_back(request)
            self._try_later(delivery, 0)
            return False
        except Exception:
            runner.give_back(work)  # whoever tries next need not wait until this one counts as dead
            raise
        finally:
            self._work = None
        if ended is None:
            self._reports.dropped(request)
        else:
            self._reports.ended(ended, began_s)
        return True

    def _runner_of(self, request: Request) -> tuple[Runner, UUID]:
        match request:
            case ExportRequested():
                return self._run_export, request.export_id
            case ImportRequested():
                return self._run_import, request.import_id
            case BrightnessRequested():
                return self._measure_brightness, request.segmentation_id

    def _try_later(self, delivery: Delivery, delay_s: int) -> None:
        try:
            delivery.give_back(delay_s)
        except Exception as error:  # noqa: BLE001 - its loan ends by itself
            self._reports.not_taking(error)

    @contextmanager
    def _beating(self, runner: Runner, work: AnyWork, delivery: Delivery) -> Iterator[None]:
        ended = Event()
        thread = Thread(target=self._beat, args=(runner, work, delivery, ended), name="heartbeat", daemon=True)
        if self._stop.is_set():
            work.stop.set()
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _beat(self, runner: Runner, work: AnyWork, delivery: Delivery, ended: Event) -> None:
        seen, since_s = (0, 0), time.monotonic()
        while not ended.wait(self._heartbeat_s):
            now_s = time.monotonic()
            if (work.done, work.spheroids) != seen:
                seen, since_s = (work.done, work.spheroids), now_s
            if now_s - since_s > STUCK_AFTER_S:
                self._reports.stuck(_job_of(work), now_s - since_s)
                self._exit(1)
            try:
                if not runner.keep_alive(work):
                    work.stop.set()
                    return
                delivery.extend(VISIBILITY_S)
            except Exception as error:  # noqa: BLE001 - the job goes on, the next beat may get through
                self._reports.heartbeat_failed(_job_of(work), error)


def _job_of(work: AnyWork) -> Job:
    match work:
        case Work():
            return work.export
        case ImportWork():
            return work.job
        case BrightnessWork():
            return work
