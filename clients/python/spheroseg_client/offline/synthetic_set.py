"""A folder of synthetic images, their masks, and a list of them. The work behind ``spheroseg synthesize``."""

import csv
import io
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile

from spheroseg.imaging.labels import labels_tiff
from spheroseg_client.errors import ClientError, LocalFileError
from spheroseg_client.offline.files import write_whole
from training.synthesis import Kind, SyntheticImage, synthesize

COLUMNS = (
    "file",
    "mask",
    "seed",
    "kind",
    "objects",
    "width",
    "height",
    "dtype",
    "bits",
    "optics",
    "cell_px",
    "blur_px",
    "jpeg_quality",
    "parts",
)

WORTH_A_PROCESS = 16
"""Images of 512 × 512 px that take about as long to draw as a process takes to start (a second)."""

AHEAD = 8
"""Images that a process has waiting at most: the memory of a set does not depend on its size."""


@dataclass(frozen=True)
class Order:
    """What is to be drawn.

    Args:
        out: New or empty folder.
        count: Images.
        seed: Of the set; image ``number`` is drawn with a seed of its own that follows from it.
        kind: None for a mixture.
    """

    out: Path
    count: int
    seed: int
    height_px: int
    width_px: int
    kind: str | None

    def image_seed(self, number: int) -> int:
        """The seed of one image, below 2⁴⁸: sets of different seeds have no images in common."""
        state = np.random.SeedSequence([self.seed, number]).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(16))

    def name(self, number: int) -> str:
        """Of the files of one image, from 0001."""
        return f"{number:0{max(4, len(str(self.count)))}d}"


@dataclass(frozen=True)
class Drawn:
    """What was drawn."""

    manifest: Path
    objects: int
    without_objects: int


Row = dict[str, object]


def write(order: Order, jobs: int, advance: Callable[[], None]) -> Drawn:
    """Draw a set into its folder: images, masks, and a row of the manifest for each once both are there.

    Args:
        jobs: Processes at work at most; a small set is drawn in this one.
        advance: Called after each image.

    Raises:
        LocalFileError: the folder is not empty, is no folder, or cannot be written.
    """
    manifest = order.out / "manifest.csv"
    objects = without = 0
    try:
        _make_room(order.out)
        with manifest.open("x", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
            writer.writeheader()
            with closing(_rows(order, min(jobs, -(-order.count // WORTH_A_PROCESS)))) as rows:
                for row in rows:
                    writer.writerow(row)
                    stream.flush()
                    found = int(str(row["objects"]))
                    objects += found
                    without += found == 0
                    advance()
    except OSError as error:
        name = error.filename or order.out
        raise LocalFileError(f"{name} cannot be written: {error.strerror or error}", "unwritable-file") from error
    return Drawn(manifest, objects, without)


def _make_room(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise LocalFileError(f"{out} is a file; --out names a folder", "not-a-folder")
    out.mkdir(parents=True, exist_ok=True)
    if any(out.iterdir()):
        raise LocalFileError(f"{out} is not empty: give a new folder, or empty this one", "folder-not-empty")
    for part in ("images", "masks"):
        (out / part).mkdir()


def _rows(order: Order, processes: int) -> Generator[Row]:
    """Rows in order of their numbers, whoever draws them."""
    numbers = range(1, order.count + 1)
    if processes == 1:
        for number in numbers:
            yield draw(order, number)
        return
    waiting: deque[Future[Row]] = deque()
    # Not forked: threads of OpenCV and of the terminal's display would be copied halfway through their work.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        try:
            for number in numbers:
                waiting.append(pool.submit(draw, order, number))
                if len(waiting) >= AHEAD * processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise ClientError(
                "A process that drew images was ended from outside, perhaps for want of memory"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def draw(order: Order, number: int) -> Row:
    """Draw one image, write it and its mask, and tell the manifest's row."""
    kind = None if order.kind is None else Kind(order.kind)
    image = synthesize(order.image_seed(number), height_px=order.height_px, width_px=order.width_px, kind=kind)
    suffix, content = _file_of(image)
    file, mask = f"images/{order.name(number)}{suffix}", f"masks/{order.name(number)}.tif"
    write_whole(order.out / file, content)
    write_whole(order.out / mask, labels_tiff(image.labels))
    recipe = image.recipe
    return {
        "file": file,
        "mask": mask,
        "seed": recipe.seed,
        "kind": recipe.kind.value,
        "objects": recipe.objects,
        "width": order.width_px,
        "height": order.height_px,
        "dtype": image.pixels.dtype.name,
        "bits": recipe.camera.bits,
        "optics": recipe.optics.value,
        "cell_px": round(recipe.cell_px, 2),
        "blur_px": round(recipe.blur_px, 2),
        "jpeg_quality": "" if recipe.camera.jpeg_quality is None else recipe.camera.jpeg_quality,
        "parts": " ".join(part.replace(" ", "-") for part in recipe.parts),
    }


def _file_of(image: SyntheticImage) -> tuple[str, bytes]:
    """Suffix and content: PNG for 8 bits, deflate-compressed TIFF for 16."""
    if image.pixels.dtype == np.uint8:
        written, content = cv2.imencode(".png", image.pixels)
        if not written:
            raise ClientError("OpenCV could not write a PNG")
        return ".png", content.tobytes()
    file = io.BytesIO()
    tifffile.imwrite(
        file, image.pixels, photometric="minisblack", compression="zlib", metadata=None, software="spheroseg"
    )
    return ".tif", file.getvalue()
