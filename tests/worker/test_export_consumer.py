"""The export worker: messages in, what is acknowledged, given back, or left; nothing ends it but a stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest

from export_worker import consumer as consumer_module
from export_worker.consumer import FIRST_DELAY_S, Consumer
from export_worker.reports import Reports
from spheroseg.domain.export import Export, ExportedRun, ExportStatus
from spheroseg.domain.image import original_key
from spheroseg.domain.operations import Replace
from spheroseg.domain.outline_import import Base, ImportFormat, ImportStatus
from spheroseg.domain.spheroid import Polygon
from spheroseg.errors import QueueUnavailableError, StorageUnavailableError
from spheroseg.messages import BrightnessRequested, ExportRequested, ImportRequested
from spheroseg.ports import SpheroidsOf
from spheroseg.use_cases.measure_brightness import MeasureBrightness
from tests.builders import a_viewer
from tests.fakes.brightness import InMemoryBrightness
from tests.unit.use_cases.importing import World as WorldOfImports
from tests.unit.use_cases.importing import feature, geojson, square
from tests.unit.use_cases.test_exports import World

SOON_S = 10.0


@dataclass
class SomeDelivery:
    body: str
    receiver: "SomeReceiver"
    receive_count: int = 1
    receipt: str = "receipt"
    extended: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)

    def extend(self, seconds: int) -> None:
        self.extended.append(seconds)

    def give_back(self, delay_s: int) -> None:
        self.given_back.append(delay_s)


@dataclass
class SomeReceiver:
    """Gives each delivery once, then says that it is empty."""

    waiting: list[SomeDelivery | Exception] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    polls: int = 0

    def receive(self, max_messages: int, wait_s: int) -> Sequence[SomeDelivery]:
        self.polls += 1
        if not self.waiting:
            time.sleep(0.01)
            return []
        first = self.waiting.pop(0)
        if isinstance(first, Exception):
            raise first
        return [first]

    def acknowledge(self, receipts: Sequence[str]) -> None:
        self.acknowledged.extend(receipts)


class Bench:
    def __init__(self, scratch: Path) -> None:
        self.world, self.receiver = World(), SomeReceiver()
        self.imports = WorldOfImports(scratch)
        self.exits: list[int] = []
        imports = self.imports
        self.brightness = InMemoryBrightness(imports.revisions)
        self.measure_brightness = MeasureBrightness(
            imports.runs,
            imports.images,
            imports.revisions,
            self.brightness,
            imports.store,
            imports.decoder,
            imports.clock,
            scratch,
        )
        self.consumer = Consumer(
            self.world.run_export,
            self.imports.run_import,
            self.measure_brightness,
            self.receiver,
            Reports(),
            long_poll_s=1,
            heartbeat_s=0.01,
            exit_=self.exits.append,
        )

    def export(self) -> Export:
        self.world.image()
        return self.world.asked()

    def sent(self, export: Export, receive_count: int = 1) -> SomeDelivery:
        delivery = SomeDelivery(ExportRequested.of(export).model_dump_json(), self.receiver, receive_count)
        self.receiver.waiting.append(delivery)
        return delivery

    def status(self, export: Export) -> ExportStatus:
        return self.world.exports.get(export.id).status

    def run_until(self, condition: Callable[[], bool]) -> None:
        thread = Thread(target=self.consumer.run)
        thread.start()
        until(condition)
        self.consumer.stop()
        thread.join(SOON_S)
        assert not thread.is_alive()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    monkeypatch.setattr(consumer_module, "PAUSE_S", 0.01)
    return Bench(tmp_path)


def slowly(bench: Bench) -> list[Export]:
    """The format takes until its export is stopped; the list fills when it has begun."""
    begun: list[Export] = []

    def write(export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, target: Any) -> None:
        first = next(runs)
        begun.append(export)
        while True:
            time.sleep(0.01)
            list(spheroids(first))

    bench.world.maker.write = write  # type: ignore[method-assign]
    return begun


def test_a_message_is_acknowledged_when_its_export_has_ended(bench: Bench) -> None:
    export = bench.export()
    delivery = bench.sent(export)
    bench.run_until(lambda: bool(bench.receiver.acknowledged))
    assert bench.status(export) is ExportStatus.SUCCEEDED
    assert delivery.given_back == []


def test_a_repeated_message_of_what_has_ended_is_done_with(bench: Bench) -> None:
    export = bench.export()
    bench.sent(export)
    bench.sent(export)
    bench.run_until(lambda: len(bench.receiver.acknowledged) == 2)
    assert bench.world.exports.get(export.id).attempt == 1


def test_the_loan_is_extended_while_an_export_is_made_and_a_cancelled_one_stops(bench: Bench) -> None:
    export = bench.export()
    delivery, begun = bench.sent(export), slowly(bench)

    def cancelled() -> bool:
        if begun and delivery.extended and bench.status(export) is ExportStatus.RUNNING:
            bench.world.cancel(a_viewer(), export.id)
        return bool(bench.receiver.acknowledged)

    bench.run_until(cancelled)
    assert bench.status(export) is ExportStatus.CANCELLED
    assert not bench.world.store.objects


def test_a_stop_gives_back_what_is_in_hand_at_once(bench: Bench) -> None:
    export = bench.export()
    delivery, begun = bench.sent(export), slowly(bench)
    bench.run_until(lambda: bool(begun))
    assert bench.status(export) is ExportStatus.QUEUED
    assert delivery.given_back == [0]
    assert bench.receiver.acknowledged == []


@pytest.mark.parametrize("error", [StorageUnavailableError("The object store does not answer"), RuntimeError("a bug")])
def test_what_fails_for_another_reason_than_the_export_s_own_is_tried_later(bench: Bench, error: Exception) -> None:
    export = bench.export()
    bench.world.maker.error = error
    delivery = bench.sent(export, receive_count=2)
    bench.run_until(lambda: bool(delivery.given_back))
    assert delivery.given_back == [2 * FIRST_DELAY_S]
    assert bench.status(export) is ExportStatus.QUEUED
    assert bench.receiver.acknowledged == []


def test_no_message_and_no_outage_ends_the_worker(bench: Bench) -> None:
    export = bench.export()
    garbage = SomeDelivery("{", bench.receiver)
    bench.receiver.waiting += [garbage, QueueUnavailableError("The queue does not answer"), RuntimeError("a bug")]
    bench.sent(export)
    bench.run_until(lambda: bool(bench.receiver.acknowledged))
    assert bench.status(export) is ExportStatus.SUCCEEDED
    assert garbage.given_back == []  # its loan ends, until it is a dead letter


def test_a_message_of_an_export_that_is_gone_is_done_with(bench: Bench) -> None:
    export = bench.export()
    bench.world.exports.rows.clear()
    bench.sent(export)
    bench.run_until(lambda: bool(bench.receiver.acknowledged))


def test_an_export_that_is_stuck_ends_the_process(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "STUCK_AFTER_S", 0.05)
    export = bench.export()
    bench.sent(export)

    def write(export: Export, runs: Iterator[ExportedRun], spheroids: SpheroidsOf, target: Any) -> None:
        until(lambda: bool(bench.exits))
        list(runs)

    bench.world.maker.write = write  # type: ignore[method-assign]
    bench.run_until(lambda: bool(bench.receiver.acknowledged))
    assert set(bench.exits) == {1}


def test_imports_come_by_the_same_queue(bench: Bench) -> None:
    run = bench.imports.result()
    content = geojson(feature(square(1, 1)))
    import_ = bench.imports.asked(content, ImportFormat.GEOJSON, "a.geojson", bases=(Base(run.id, 0),))
    for _ in range(2):
        message = ImportRequested.of(import_).model_dump_json()
        bench.receiver.waiting.append(SomeDelivery(message, bench.receiver))
    bench.run_until(lambda: len(bench.receiver.acknowledged) == 2)
    done = bench.imports.imports.get(import_.id)
    assert (done.status, done.attempt) == (ImportStatus.SUCCEEDED, 1)
    assert bench.imports.runs.rows[run.id].revision == 1


def test_an_import_that_is_cancelled_stops_and_leaves_nothing(bench: Bench) -> None:
    imports = bench.imports
    image = imports.image()
    content = geojson(feature(square(1, 1)))
    import_ = imports.asked(content, ImportFormat.GEOJSON, "a.geojson", image_id=image.id)
    put = imports.store.put

    def slowly(key: str, content: bytes, content_type: str) -> None:
        put(key, content, content_type)
        if imports.imports.get(import_.id).status is ImportStatus.RUNNING:
            imports.cancel(a_viewer(), import_.id)
            until(lambda: bench.consumer._work is not None and bench.consumer._work.stop.is_set())

    imports.store.put = slowly  # type: ignore[method-assign]
    bench.receiver.waiting.append(SomeDelivery(ImportRequested.of(import_).model_dump_json(), bench.receiver))
    bench.run_until(lambda: bool(bench.receiver.acknowledged))
    assert imports.imports.get(import_.id).status is ImportStatus.CANCELLED
    assert imports.runs.rows == {}
    assert list(imports.store.objects) == [original_key(image.id)]


def test_brightness_of_what_was_corrected_is_measured_between_exports(bench: Bench) -> None:
    imports = bench.imports
    run = imports.result(None, Polygon(square(10, 10, 20)), Polygon(square(50, 20, 9)))
    imports.edit.save(a_viewer(), run.id, 0, [Replace(2, (Polygon(square(50, 20, 12)),))])
    request = BrightnessRequested.of(run).model_dump_json()
    bench.receiver.waiting += [SomeDelivery(request, bench.receiver), SomeDelivery(request, bench.receiver)]
    bench.run_until(lambda: len(bench.receiver.acknowledged) == 2)
    _, second = imports.revisions.page(a_viewer(), run.id, None, 0, 9).spheroids
    ramp = np.arange(64 * 96).reshape(64, 96)
    assert second.brightness is not None
    assert second.brightness.intensity_mean == ramp[20:32, 50:62].mean()
    assert second.brightness_due_since is None


def test_an_image_that_cannot_be_read_just_now_is_measured_later(bench: Bench) -> None:
    imports = bench.imports
    run = imports.result(None, Polygon(square(10, 10, 20)))
    imports.edit.save(a_viewer(), run.id, 0, [Replace(1, (Polygon(square(10, 10, 12)),))])
    imports.decoder.error = StorageUnavailableError("not now")
    delivery = SomeDelivery(BrightnessRequested.of(run).model_dump_json(), bench.receiver)
    bench.receiver.waiting.append(delivery)
    bench.run_until(lambda: bool(delivery.given_back))
    assert bench.receiver.acknowledged == []
    assert bench.brightness.due(run.id, 9) == {1: [1]}
