"""How well models find objects: ``judge`` for predictions at hand, ``spheroseg evaluate`` for files and models."""

from training.evaluation.judging import ImageFigures, Judgement, judge
from training.evaluation.summaries import Agreement, Spread, Summary, summary

__all__ = ["Agreement", "ImageFigures", "Judgement", "Spread", "Summary", "judge", "summary"]
