"""How the loss fell, as a picture."""

import csv
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

SMOOTHED = 20
"""Notes that a line's point is the mean of: single batches jump."""


def draw_curves(folder: Path) -> Path:
    """Draw ``curve.csv`` of every training below a folder into ``curves.png`` there.

    Raises:
        FileNotFoundError: there is no training.
    """
    files = sorted(folder.glob("*/curve.csv"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no training: no */curve.csv")
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for file in files:
        with file.open(newline="", encoding="utf-8") as opened:
            rows = [(int(row["step"]), float(row["loss"])) for row in csv.DictReader(opened)]
        steps, losses = np.array(rows).T
        (line,) = axes.plot(steps, losses, alpha=0.2)
        width = min(SMOOTHED, len(losses))
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.plot(steps[width - 1 :], smooth, color=line.get_color(), label=file.parent.name)
    axes.set_xlabel("step")
    axes.set_ylabel("loss")
    axes.set_yscale("log")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    written = folder / "curves.png"
    figure.savefig(written, dpi=120)
    return written
