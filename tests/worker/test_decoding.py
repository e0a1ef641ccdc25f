import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import tifffile

from spheroseg.domain.pages import Pages
from spheroseg.errors import ImageTooLargeError, InvalidInputError, PageNotFoundError, UndecodableImageError
from spheroseg.imaging import decoder_pool
from spheroseg.imaging.decode import decode
from spheroseg.imaging.decoder_pool import DecoderPool
from spheroseg.ports import DecodedImage

ROOT = Path(__file__).parents[2]
BAD_IMAGES = ROOT.parent / "shared/bad_images"
MISBEHAVING = "tests.worker.misbehaving_decoder"
BAD_FILES = sorted(
    path for path in BAD_IMAGES.glob("*") if path.name not in {"README.md", "manifest.json"} and path.is_file()
)


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2) as decoder:
        yield decoder


@pytest.fixture(scope="module")
def fragile() -> Iterator[DecoderPool]:
    """A pool whose children misbehave over files of certain names."""
    with DecoderPool(1, time_limit_s=1.0, program=MISBEHAVING) as decoder:
        yield decoder


def an_image(folder: Path, stem: str = "image") -> Path:
    path = folder / f"{stem}.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (60, 80)).astype(np.uint8))
    return path


def children() -> list[psutil.Process]:
    return psutil.Process().children()


def test_edges_of_a_pixel_that_differ_come_back_instead_of_a_pixel_size(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "oblong.bin"
    tifffile.imwrite(path, np.ones((4, 5), np.uint8), resolution=(1e4 / 0.5, 1e4 / 0.8), resolutionunit="CENTIMETER")
    decoded = pool.decode(path, 1)
    assert decoded.pixel_size_um is None
    assert decoded.unequal_edges_um == pytest.approx((0.5, 0.8))


def test_pixels_and_all_else_come_back_as_decoded(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "stack.bin"
    stack = np.random.default_rng(0).integers(0, 4095, (5, 40, 50)).astype(np.uint16)
    tifffile.imwrite(path, stack, resolution=(1e4 / 0.5, 1e4 / 0.5), resolutionunit="CENTIMETER", compression="zlib")
    decoded = pool.decode(path, 2)
    assert np.array_equal(decoded.pixels, stack[1])
    assert decoded.pixels.dtype == np.uint16
    assert (decoded.pixel_type, decoded.pages) == ("uint16", Pages(5))
    assert decoded.pixel_size_um == pytest.approx(0.5)
    with pytest.raises(PageNotFoundError, match="5 pages"):
        pool.decode(path, 6)


@pytest.mark.parametrize("path", BAD_FILES, ids=lambda path: path.name)
def test_a_bad_file_is_read_or_refused_in_time_and_memory(pool: DecoderPool, path: Path) -> None:
    before = {child.pid for child in children()}
    begun = time.monotonic()
    outcome: DecodedImage | InvalidInputError
    try:
        outcome = pool.decode(path, 1)
    except InvalidInputError as refusal:
        outcome = refusal
    if isinstance(outcome, InvalidInputError):
        assert len(str(outcome)) > 10
    else:
        assert outcome.pixels.ndim == 2
        assert np.isfinite(outcome.pixels).all()
    assert time.monotonic() - begun < 10
    assert {child.pid for child in children()} == before  # none of them crashed, so limits were checked in time


def test_the_bad_files_took_little_memory(pool: DecoderPool) -> None:
    if not BAD_FILES:
        pytest.skip(f"the malformed images are not beside the repository: {BAD_IMAGES}")
    for child in children():
        peak = Path(f"/proc/{child.pid}/status").read_text().split("VmHWM:")[1].split()[0]
        assert int(peak) * 1024 < 2**30


def test_every_odd_but_valid_file_is_read_or_refused_for_what_it_is() -> None:
    if not BAD_FILES:
        pytest.skip(f"the malformed images are not beside the repository: {BAD_IMAGES}")
    kinds = {entry["file"]: entry["kind"] for entry in json.loads((BAD_IMAGES / "manifest.json").read_text())}
    refused = {}
    for path in BAD_FILES:
        if kinds[path.name] == "odd-but-valid":
            try:
                decode(path)
            except InvalidInputError as refusal:
                refused[path.name] = refusal.code
    assert refused == {"made__float32_nan.tif": "invalid-pixels", "made__float32_inf_mixed.tif": "invalid-pixels"}


@pytest.mark.parametrize(
    ("stem", "error", "reason"),
    [
        ("crash", UndecodableImageError, "crashed"),
        ("abort", UndecodableImageError, "crashed"),
        ("hang", UndecodableImageError, "after 1 s"),
        ("hoard", ImageTooLargeError, "memory"),
        ("killed-always", ImageTooLargeError, "memory"),
    ],
)
def test_a_decoder_that_dies_refuses_the_file_and_the_pool_lives(
    fragile: DecoderPool, tmp_path: Path, stem: str, error: type[InvalidInputError], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        fragile.decode(an_image(tmp_path, stem))
    assert fragile.decode(an_image(tmp_path)).pixels.shape == (60, 80)


def test_a_decoder_killed_from_outside_is_no_reason_to_refuse_the_file(fragile: DecoderPool, tmp_path: Path) -> None:
    assert fragile.decode(an_image(tmp_path, "killed-once")).pixels.shape == (60, 80)


def test_the_memory_budget_counts_from_what_the_process_has_anyway(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.zeros((4000, 4000), np.uint16), compression="zlib")
    with DecoderPool(1, memory_bytes=20_000_000) as small, pytest.raises(ImageTooLargeError, match="memory"):
        small.decode(path)
    with DecoderPool(1, memory_bytes=200_000_000) as enough:
        assert enough.decode(path).pixels.shape == (4000, 4000)


def test_a_large_image_comes_back_in_a_file_that_nobody_sees(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    pixels = np.arange(4100 * 4200, dtype=np.uint32).astype(np.uint8).reshape(4100, 4200)
    tifffile.imwrite(path, pixels, compression="zlib", tile=(256, 256))
    decoded = pool.decode(path)
    assert isinstance(decoded.pixels, np.memmap)
    assert [left.name for left in tmp_path.iterdir()] == ["large.tif"]
    assert np.array_equal(decoded.pixels, pixels)
    path.write_bytes(path.read_bytes()[:-200_000])
    with pytest.raises(UndecodableImageError):
        pool.decode(path)
    assert [left.name for left in tmp_path.iterdir()] == ["large.tif"]


def test_a_large_file_may_take_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = an_image(tmp_path, "hang")
    monkeypatch.setattr(decoder_pool, "BYTES_PER_S", path.stat().st_size)
    patient = DecoderPool(1, time_limit_s=0.5, program=MISBEHAVING)
    with patient, pytest.raises(UndecodableImageError, match=r"after 1\.5 s"):
        patient.decode(path)


def test_many_threads_share_a_pool(pool: DecoderPool, tmp_path: Path) -> None:
    paths = []
    for number in range(12):
        paths.append(tmp_path / f"{number}.tif")
        tifffile.imwrite(paths[-1], np.full((30 + number, 40), number, np.uint8))
    with ThreadPoolExecutor(6) as threads:
        for _ in range(5):
            for number, decoded in enumerate(threads.map(pool.decode, paths)):
                assert decoded.pixels.shape == (30 + number, 40)
                assert (decoded.pixels == number).all()


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    def left_behind() -> tuple[int, int]:
        return psutil.Process().num_fds(), len(children())

    path = an_image(tmp_path)
    before = left_behind()
    with DecoderPool(2, time_limit_s=1.0, program=MISBEHAVING) as pool:
        for _ in range(5):
            pool.decode(path)
        with pytest.raises(UndecodableImageError):
            pool.decode(an_image(tmp_path, "crash"))
    assert left_behind() == before
    with pytest.raises(RuntimeError, match="closed"):
        pool.decode(path)


def test_children_end_with_a_killed_parent_even_while_they_work(tmp_path: Path) -> None:
    program = f"""
import threading, time, psutil
from pathlib import Path
from spheroseg.imaging.decoder_pool import DecoderPool
pool = DecoderPool(2, program={MISBEHAVING!r})
pool.decode(Path({str(an_image(tmp_path))!r}))
threading.Thread(target=pool.decode, args=(Path({str(an_image(tmp_path, "hang"))!r}),), daemon=True).start()
time.sleep(1)
print(*[child.pid for child in psutil.Process().children()], flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert parent.stdout is not None
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)], timeout=5)
    assert alive == []


def test_a_pool_costs_little_on_top_of_decoding(pool: DecoderPool, tmp_path: Path) -> None:
    path = tmp_path / "plain.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 255, (1000, 1000)).astype(np.uint8))

    def fastest(run: object) -> float:
        times = []
        for _ in range(15):
            begun = time.perf_counter()
            assert callable(run)
            run(path)
            times.append(time.perf_counter() - begun)
        return min(times)

    assert fastest(pool.decode) < fastest(decode) + 0.01
