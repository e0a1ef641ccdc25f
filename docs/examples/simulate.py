"""Draws the tables that docs/statistics.md shows: simulated spheroids, the same ones at each run.

python docs/examples/simulate.py
"""

import csv
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
RATES = {"vehicle": 0.0105, "1 µM": 0.0070, "10 µM": 0.0005}
"""Growth of the diameter per hour, by condition."""


def growth(rng: np.random.Generator) -> list[dict[str, object]]:
    """Three conditions, four replicates, five times, three spheroids an image."""
    rows: list[dict[str, object]] = []
    for condition, rate in RATES.items():
        for replicate in range(1, 5):
            start, own_rate = 300 * rng.lognormal(0, 0.05), rate + rng.normal(0, 0.0005)
            for time in (0, 24, 48, 72, 96):
                for number in (1, 2, 3):
                    diameter = start * np.exp(own_rate * time) * rng.lognormal(0, 0.05)
                    rows.append(
                        {
                            "name": f"{condition.replace(' ', '')}_r{replicate}_{time}h",
                            "spheroid": number,
                            "condition": condition,
                            "replicate": replicate,
                            "time_point_h": time,
                            "equivalent_diameter_um": f"{diameter:.1f}",
                        }
                    )
    return rows


def doses(rng: np.random.Generator) -> list[dict[str, object]]:
    """Six doses, three replicates, four spheroids each; the response is half way at 1.5 µM."""
    rows: list[dict[str, object]] = []
    for dose in (0, 0.01, 0.1, 1, 10, 100):
        for replicate in (1, 2, 3):
            for number in (1, 2, 3, 4):
                diameter = 150 + 350 / (1 + (dose / 1.5) ** 1.2) + 8 * (replicate - 2) + rng.normal(0, 20)
                rows.append(
                    {
                        "name": f"{dose:g}uM_r{replicate}",
                        "spheroid": number,
                        "dose_um": f"{dose:g}",
                        "replicate": replicate,
                        "equivalent_diameter_um": f"{diameter:.1f}",
                    }
                )
    return rows


def main() -> None:
    """Write both tables beside this file."""
    rng = np.random.default_rng(2026)
    for name, rows in (("growth.csv", growth(rng)), ("doses.csv", doses(rng))):
        with (HERE / name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
