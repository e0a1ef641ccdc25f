"""The worker as it is started in its container, over a real database, queues and bucket.

What takes half a minute because a message is lent for that long is begun early and judged late: it waits beside others.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from spheroseg.domain.segmentation import Priority, Segmentation, SegmentationStatus
from tests.worker.surroundings import WORKER, Surroundings, spheroids_tiff, until

BAD_IMAGES = Path(__file__).parents[3] / "shared" / "bad_images"
SUCCEEDED, RUNNING, QUEUED = SegmentationStatus.SUCCEEDED, SegmentationStatus.RUNNING, SegmentationStatus.QUEUED


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return spheroids_tiff(tmp_path_factory.mktemp("images") / "small.tif", 512)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An image that a worker is busy with for a good while."""
    return spheroids_tiff(tmp_path_factory.mktemp("images") / "large.tif", 3000, objects=12)


@dataclass(frozen=True)
class Begun:
    """Runs that workers are at, and how they stood when something had just happened."""

    around: Surroundings
    runs: Sequence[Segmentation]


@pytest.fixture(scope="module")
def interrupted(surround: Callable[[], Surroundings], large: bytes) -> Begun:
    """A worker was killed in mid-image; another one has begun in its place."""
    around = surround()
    runs = [around.add(large) for _ in range(6)]
    first = around.start()
    until(lambda: SUCCEEDED in around.statuses(runs) and RUNNING in around.statuses(runs), 120)
    first.kill()
    at_death = around.get(runs)
    around.start()
    return Begun(around, at_death)


@pytest.fixture(scope="module")
def copied(surround: Callable[[], Surroundings], small: bytes) -> Begun:
    """Two workers had five copies of each message: every run has ended, and copies wait until they are lent again."""
    around = surround()
    runs = [around.add(small, copies=5) for _ in range(8)]
    around.start()
    around.start(SPHEROSEG_HEALTH_FILE=str(around.folder / "progress-2"))
    until(lambda: all(status is SUCCEEDED for status in around.statuses(runs)), 120)
    return Begun(around, around.get(runs))


def test_images_of_all_queues_come_back_segmented_and_the_worker_ends_on_sigterm(
    around: Surroundings, small: bytes
) -> None:
    runs = [around.add(small, priority) for priority in Priority for _ in range(3)]
    bad = around.add(b"<html>no image</html>")
    worker = around.start()
    around.empty(120)
    around.require_whole(runs)
    assert all(run.attempt == 1 and run.result and run.result.spheroid_count == 3 for run in around.get(runs))
    (failed,) = around.get([bad])
    assert failed.failure is not None
    assert failed.failure.code in {"undecodable-image", "unsupported-image"}
    health = subprocess.run(
        [*WORKER[:2], "segmentation_worker.health"], env=around.environment(), capture_output=True, check=False
    )
    assert health.returncode == 0
    assert worker.stop() == 0
    assert not (around.folder / "progress").exists()
    ended = [line for line in worker.lines() if line["message"] == "Segmentation ended"]
    assert {line["segmentation_id"] for line in ended} == {str(run.id) for run in [*runs, bad]}
    assert {line["correlation_id"] for line in ended} == {run.correlation_id for run in [*runs, bad]}


@pytest.mark.usefixtures("copied", "interrupted")
def test_a_low_priority_is_served_while_urgent_work_waits_also_by_a_worker_that_makes_batches(
    around: Surroundings, small: bytes
) -> None:
    urgent = [around.add(small, Priority.HIGH) for _ in range(24)]
    low = [around.add(small, Priority.LOW) for _ in range(2)]
    worker = around.start(SPHEROSEG_STREAMS="4", SPHEROSEG_MODEL_BATCH="4")
    around.empty(120)
    around.require_whole([*urgent, *low])
    (told,) = [line for line in worker.lines() if line["message"] == "Models measured"]
    assert (told["streams"], told["batch"]) == (4, 4)
    assert not [line for line in worker.lines() if line["message"] == "Batch failed"]
    finished = {run.id: run.finished_at for run in around.get([*urgent, *low])}
    last_urgent = max(finished[run.id] or run.queued_at for run in urgent)
    assert all((finished[run.id] or last_urgent) < last_urgent for run in low)


def test_a_worker_killed_in_mid_image_is_replaced_and_nothing_comes_twice(interrupted: Begun) -> None:
    around, at_death = interrupted.around, interrupted.runs
    assert any(run.status is RUNNING for run in at_death)
    around.empty(120)
    around.require_whole(at_death)
    for before, after in zip(at_death, around.get(at_death), strict=True):
        assert after.attempt == (2 if before.status is RUNNING else 1)
        if before.status is SUCCEEDED:
            assert after == before
    around.end()


def test_two_workers_and_five_copies_of_each_message_give_one_result_each(copied: Begun) -> None:
    copied.around.empty(120)
    copied.around.require_whole(copied.runs)
    assert all(run.attempt == 1 for run in copied.around.get(copied.runs))
    copied.around.end()


def test_sigterm_finishes_what_is_nearly_done_and_gives_the_rest_back_at_once(
    around: Surroundings, large: bytes
) -> None:
    runs = [around.add(large) for _ in range(10)]
    worker = around.start()
    until(lambda: SUCCEEDED in around.statuses(runs) and RUNNING in around.statuses(runs), 60)
    assert worker.stop() == 0
    statuses = around.statuses(runs)
    assert set(statuses) == {SUCCEEDED, QUEUED}
    assert around.depth(around.queues[Priority.NORMAL]) == (statuses.count(QUEUED), 0)
    around.require_whole([run for run in around.get(runs) if run.status is SUCCEEDED])


def test_a_run_cancelled_while_it_is_worked_on_leaves_nothing(around: Surroundings, large: bytes) -> None:
    runs = [around.add(large) for _ in range(6)]
    around.start()
    until(lambda: RUNNING in around.statuses(runs), 60)
    cancelled: list[Segmentation] = []
    for run in around.get(runs):
        if run.status is RUNNING:
            around.rows.replace(run, run.cancelled(run.queued_at))
            cancelled.append(run)
    around.empty(120)
    for run in cancelled:
        assert around.result_keys(run) == []
        assert around.spheroid_rows(run) == 0
    assert around.statuses(cancelled) == [SegmentationStatus.CANCELLED] * len(cancelled)
    around.require_whole([run for run in runs if run.id not in {other.id for other in cancelled}])


def test_an_outage_of_the_database_loses_nothing_and_is_survived(around: Surroundings, large: bytes) -> None:
    runs = [around.add(large) for _ in range(8)]
    worker = around.start()
    until(lambda: SUCCEEDED in around.statuses(runs), 60)
    around.servers.pair.stop_primary()
    time.sleep(8)
    around.servers.pair.start_primary()
    back = time.monotonic()
    done = around.statuses(runs).count(SUCCEEDED)
    until(lambda: around.statuses(runs).count(SUCCEEDED) > done, 12)
    assert time.monotonic() - back < 12
    around.empty(120)
    around.require_whole(runs)
    assert worker.child.poll() is None
    assert worker.stop() == 0


def test_malformed_and_odd_files_end_with_a_status_and_the_worker_lives(around: Surroundings, small: bytes) -> None:
    if not BAD_IMAGES.is_dir():
        pytest.skip(f"The malformed files are not at {BAD_IMAGES}")
    files = sorted(path for path in BAD_IMAGES.iterdir() if path.suffix not in {".json", ".md"})
    runs = [around.add(path.read_bytes()) for path in files]
    worker = around.start()
    peak_bytes, asked_at = [0], [0.0]

    def watch() -> bool:
        used = 0
        for process in (whole := psutil.Process(worker.child.pid), *whole.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a decoder that was replaced just now
                used += process.memory_info().rss
        peak_bytes[0] = max(peak_bytes[0], used)
        if time.monotonic() - asked_at[0] < 0.5:
            return False
        asked_at[0] = time.monotonic()
        return around.is_empty()

    until(watch, 240, pause_s=0.02)
    good = around.add(small)
    around.empty(30)
    assert around.depth(around.dead_letters) == (0, 0)
    for path, run in zip(files, around.get(runs), strict=True):
        assert run.status in {SUCCEEDED, SegmentationStatus.FAILED}, path.name
        assert run.attempt == 1, path.name
        assert run.started_at is not None
        assert run.finished_at is not None
        assert (run.finished_at - run.started_at).total_seconds() < 15, path.name
        if run.failure is not None:
            assert len(run.failure.detail) > 10, path.name
    assert around.statuses([good]) == [SUCCEEDED]
    assert peak_bytes[0] < 2 * 2**30  # the worker, its model and two decoders, each file within 1 GB
    assert worker.child.poll() is None


def test_a_worker_without_its_settings_says_what_is_missing(tmp_path: Path) -> None:
    ended = subprocess.run(list(WORKER), env={"PATH": "/usr/bin"}, cwd=tmp_path, capture_output=True, check=False)
    assert ended.returncode != 0
    said = ended.stderr.decode()
    for name in ("bucket", "queue_url_low", "database_secret_arn", "updates_queue_url"):
        assert name in said
