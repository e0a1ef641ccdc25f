"""``python -m training.folds``: every source judged by networks that never learnt from it.

A source that no training may learn from is judged by the models that ship; one that they learnt from, by the trainings
that left it out. Networks run in float32, each seed by itself and then all of them as one.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from training.cards import CARDS
from training.evaluation.methods import Method, of_card
from training.evaluation.report import Circumstances, Group, Table, groups_of, markdown
from training.evaluation.running import Judged, evaluate
from training.evaluation.sources import find_cases, sources_of
from training.package import card_of

SHOWN = {
    "foreground_iou": "IoU",
    "object_iou": "object IoU",
    "boundary_f1_2px": "BF 2 px",
    "boundary_f1_diagonal": "BF 0.5 %",
    "ap50": "AP50",
    "ap75": "AP75",
}


@dataclass(frozen=True)
class Trained:
    """A finished training, or an ensemble of several.

    Args:
        model: Name of the model that it is, or would be.
        seeds: One, or those of the members.
        learnt_from: Real sources.
    """

    folder: Path
    model: str
    seeds: tuple[int, ...]
    without: tuple[str, ...]
    learnt_from: frozenset[str]

    @classmethod
    def all_in(cls, out: Path) -> list["Trained"]:
        """What ``training.run`` left in a folder, without what is unfinished."""
        found = []
        for file in sorted(out.glob("*/training.json")):
            told = json.loads(file.read_text(encoding="utf-8"))
            learnt_from = frozenset(told["recipe"]["real_shares"])
            seeds, without = tuple(told["seeds"]), tuple(told["without"])
            found.append(cls(file.parent, told["model"], seeds, without, learnt_from))
        return found

    def method(self) -> Method:
        """It, with the looks of its model."""
        told = json.loads((self.folder / "training.json").read_text(encoding="utf-8"))
        card = card_of(self.model, told, self.folder / f"{self.model}.onnx", ())
        seeds = "seed" if len(self.seeds) == 1 else "seeds"
        return replace(of_card(card, self.folder), name=f"{self.model}, {seeds} {' '.join(map(str, self.seeds))}")


def never_saw(source: str, trained: Sequence[Trained]) -> list[Trained]:
    """Those that did not learn from a source, and left out no more than that asks for."""
    unaware = [one for one in trained if source not in one.learnt_from]
    fewest = min((len(one.without) for one in unaware), default=0)
    return [one for one in unaware if len(one.without) == fewest]


def judge_folds(out: Path, data: Path, jobs: int) -> Path:
    """Judge every source by what never learnt from it, and write ``folds.md``, which is returned.

    Args:
        out: Folder of ``training.run``.
        data: Folder of sources.
        jobs: Images at a time.

    Raises:
        ValueError: there is no training, or an image cannot be judged.
    """
    trained = [one for one in Trained.all_in(out) if one.model in CARDS]
    cases, failures = find_cases(data)
    results: list[Judged] = []
    groups: list[Group] = []
    about: dict[str, str] = {}
    for source in sources_of(cases):
        methods = [one.method() for one in never_saw(source, trained)]
        if not methods:
            raise ValueError(f"{out} holds no training that left out {source}: training.run --folds makes them")
        judged, failed = evaluate([case for case in cases if case.source == source], methods, jobs)
        failures += failed
        results += judged
        groups += groups_of(judged)
        about |= {method.name: method.about.split(", SHA")[0] for method in methods}
    if failures:
        raise ValueError(f"{failures[0].source}/{failures[0].name}: {failures[0].reason}")
    circumstances = Circumstances("python -m training.folds", datetime.now(UTC), "each source by networks without it")
    text = markdown(results, groups, about, [], circumstances, {})
    written = out / "folds.md"
    written.write_text(seed_table(groups).markdown() + "\n" + text, encoding="utf-8")
    return written


def seed_table(groups: Sequence[Group]) -> Table:
    """Each model on each source: mean over seeds, and their standard deviation where there are several."""
    rows = [
        (
            key,
            model,
            str(len(members)),
            str(members[0].summary.images),
            *(_over_seeds(members, figure) for figure in SHOWN),
            _told([one.summary.spreads["foreground_iou"].tail for one in members]),
        )
        for key, model, members in _by_model(groups)
    ]
    header = ("images", "model", "seeds", "n", *SHOWN.values(), "IoU p10")
    return Table("Sources that were not learnt from: mean ± standard deviation over seeds", header, tuple(rows))


def _by_model(groups: Sequence[Group]) -> Iterator[tuple[str, str, list[Group]]]:
    wanted = dict.fromkeys((group.title, group.method.split(",")[0]) for group in groups)
    for title, model in wanted:
        yield title, model, [one for one in groups if (one.title, one.method.split(",")[0]) == (title, model)]


def _over_seeds(members: Sequence[Group], figure: str) -> str:
    return _told([one.summary.spreads[figure].mean for one in members if figure in one.summary.spreads])


def _told(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{spread}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge the trainings of one folder."""
    parser = argparse.ArgumentParser(prog="python -m training.folds", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of sources")
    parser.add_argument("--out", type=Path, default=Path("training-run"), help="folder of training.run")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    print(judge_folds(chosen.out, chosen.data, chosen.jobs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
