"""Choices that docstrings call the faster ones, each against what it was chosen over."""

import asyncio
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import tifffile
from fastapi import FastAPI
from scipy import ndimage
from skimage.measure import regionprops

from spheroseg.adapters.aws import s3_client
from spheroseg.adapters.s3 import S3ImageStore
from spheroseg.adapters.system import SystemClock
from spheroseg.imaging.certainty import View, certainty_of
from spheroseg.imaging.labels import labels_tiff
from spheroseg.imaging.measures import spheroids_of
from tests.benchmarks.baselines import SKIMAGE_MEASURES
from tests.benchmarks.conftest import Record, Sample

pytestmark = pytest.mark.benchmark

RUNS = 30


def timed(work: Callable[[], object]) -> Sample:
    work()
    sample = Sample()
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        sample.seconds.append(time.perf_counter() - begun)
    return sample


def fifty_objects(side_px: int = 1024) -> Any:
    """Fifty ragged blobs, (side, side) int32."""
    rng = np.random.default_rng(7)
    seeds = np.zeros((side_px, side_px), bool)
    step = side_px // 8
    for number in range(50):
        row, column = divmod(number, 8)
        seeds[row * step + step // 2, column * step + step // 2] = True
    distance = ndimage.distance_transform_edt(~seeds) + ndimage.gaussian_filter(rng.normal(size=seeds.shape), 4) * 40
    labels, count = ndimage.label(ndimage.binary_opening(distance < step / 3))
    assert count >= 50
    return labels.astype(np.int32)


def test_outlines_and_measures(record: Record) -> None:
    labels = fifty_objects()
    view = View(np.full(labels.shape, 0.9, np.float32), covered=(labels.shape[0], labels.shape[1]))
    ours = timed(lambda: spheroids_of(labels, certainty_of(labels, view)))
    theirs = timed(lambda: [[getattr(region, name) for name in SKIMAGE_MEASURES] for region in regionprops(labels)])  # type: ignore[no-untyped-call]
    what = f"outlines and all measures of {labels.max()} objects in 1024², p50"
    record(what, ours.p50_ms, "ms", "scikit-image, 10 of the measures, no outlines", theirs.p50_ms)


def test_label_files(record: Record) -> None:
    labels = np.kron(fifty_objects(), np.ones((2, 2), np.int32))

    def by_tifffile() -> None:
        tifffile.imwrite(io.BytesIO(), labels.astype(np.uint16), compression="zlib")

    record(
        "label TIFF of 2048², p50",
        timed(lambda: labels_tiff(labels)).p50_ms,
        "ms",
        "tifffile's own zlib",
        timed(by_tifffile).p50_ms,
    )


@pytest.mark.parametrize("size_bytes", [500_000, 8_000_000])
def test_downloads(aws: Mapping[str, str], tmp_path: Path, size_bytes: int, record: Record) -> None:
    client = s3_client()
    client.create_bucket(Bucket="downloads")
    client.put_object(Bucket="downloads", Key="image", Body=np.random.default_rng(1).bytes(size_bytes))
    store = S3ImageStore(client, "downloads", SystemClock())

    def processor_time(work: Callable[[], object]) -> float:
        work()
        begun = time.process_time()
        for _ in range(RUNS):
            work()
        return 1000 * (time.process_time() - begun) / RUNS

    plain = processor_time(lambda: store.download("image", tmp_path / "plain"))
    managed = processor_time(lambda: client.download_file("downloads", "image", str(tmp_path / "managed")))
    what = f"download of {size_bytes / 1e6:g} MB, processor time"
    record(what, plain, "ms", "boto3's download_file", managed)


def test_routes(record: Record) -> None:
    app = FastAPI()

    @app.get("/async")
    async def in_the_loop() -> dict[str, int]:
        return {"answer": 42}

    @app.get("/sync")
    def in_a_thread() -> dict[str, int]:
        return {"answer": 42}

    async def asked(path: str) -> Sample:
        sample = Sample()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
            for _ in range(20 * RUNS):
                begun = time.perf_counter()
                await client.get(path)
                sample.seconds.append(time.perf_counter() - begun)
        return sample

    quick, threaded = asyncio.run(asked("/async")), asyncio.run(asked("/sync"))
    record("a route as `async def`, p50", quick.p50_ms, "ms", "the same as `def`", threaded.p50_ms)
