"""What is judged: models as the worker runs them, and the baseline."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from segmentation_worker.models import in_best_precision, load_segmenters
from segmentation_worker.settings import MODEL_DIR
from spheroseg.domain.model_card import ModelCard
from spheroseg.domain.model_choice import ChoosingModel
from spheroseg.domain.segmentation import Order, Parameters
from spheroseg.errors import ModelNotFoundError, ModelUnusableError
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.windowing import Grey
from spheroseg.model_registry import ModelRegistry
from spheroseg.ports import SegmentedPixels, Segmenter
from training.evaluation import baseline
from training.evaluation.sources import EvaluationError


@dataclass(frozen=True)
class Method:
    """One way from pixels to objects.

    Args:
        name: Unique among those that are judged together.
        find: Grey pixels (h, w) to labels (h, w) int32; called from several threads at a time.
        about: What it is, in words; for a model with the SHA-256 of its file.
        segment: As ``find``, with what the model says of its answer; None for a method that says nothing of it.
    """

    name: str
    find: Callable[[Grey], Labels]
    about: str
    segment: Callable[[Grey], SegmentedPixels] | None = None


def registered(model: str) -> Method:
    """A model of the registry, or a rule that chooses between models, with the parameters of a user who sets none.

    Args:
        model: NAME or NAME@VERSION; without a version the latest.

    Raises:
        EvaluationError: there is no such model, or its file is not what its card says.
    """
    name, _, version = model.partition("@")
    try:
        selected = ModelRegistry.packaged().select(name, version or None)
    except ModelNotFoundError as error:
        raise EvaluationError(str(error)) from error
    return of_choice(selected, MODEL_DIR) if isinstance(selected, ChoosingModel) else of_card(selected, MODEL_DIR)


def unregistered(file: Path, card_file: Path) -> Method:
    """A model file with its card, which need not be registered; the card's own file name does not matter.

    Raises:
        EvaluationError: one of the two cannot be read, or they do not belong together.
    """
    try:
        card = ModelCard.model_validate_json(card_file.read_bytes())
    except OSError as error:
        raise EvaluationError(f"{card_file}: {error.strerror or error}") from error
    except ValidationError as error:
        raise EvaluationError(f"{card_file} is no model card: {error}") from error
    return of_card(card.model_copy(update={"file": file.name}), file.parent)


def otsu() -> Method:
    """Otsu's threshold with morphology."""
    return Method(baseline.NAME, baseline.find_by_otsu, "Otsu's threshold, morphology, watershed; nothing learnt")


BASELINES: dict[str, Callable[[], Method]] = {baseline.NAME: otsu}


def of_choice(model: ChoosingModel, folder: Path) -> Method:
    """A rule that chooses between models, each in the precision that suits this machine.

    Raises:
        EvaluationError: a file is not what its card says.
    """
    registry = in_best_precision(ModelRegistry(model.members, (model.choice,)))
    segmenter = _loaded(folder, registry, model.name, model.version)

    limits = ", ".join(f"{name} {value:g}" for name, value in model.choice.thresholds.items())
    members = "; ".join(
        f"{card.name}@{card.version} {card.precision}, SHA-256 {card.sha256}" for card in registry.all()
    )
    alone = "" if model.thorough else f"; {model.choice.thorough} is not registered, so there is no choice"
    return Method(
        f"{model.name}@{model.version}",
        lambda pixels: segmenter.segment(pixels, Parameters()).labels,
        f"{model.choice.title}: {limits}; {members}{alone}",
        lambda pixels: segmenter.segment(pixels, Parameters()),
    )


def of_card(card: ModelCard, folder: Path) -> Method:
    """A model by its card, in the precision that suits this machine; named with it where it is not float32.

    Raises:
        EvaluationError: a file is not what the card says.
    """
    (chosen,) = in_best_precision(ModelRegistry((card,))).all()
    segmenter = _loaded(folder, ModelRegistry((chosen,)), chosen.name, chosen.version)
    precision = "" if chosen.precision == "float32" else f" {chosen.precision}"
    return Method(
        f"{chosen.name}@{chosen.version}{precision}",
        lambda pixels: segmenter.segment(pixels, Parameters()).labels,
        f"{chosen.title}, {chosen.parameter_count / 1e6:.2f} M parameters, {chosen.file}, SHA-256 {chosen.sha256}",
        lambda pixels: segmenter.segment(pixels, Parameters()),
    )


def _loaded(folder: Path, registry: ModelRegistry, name: str, version: str) -> Segmenter:
    try:
        segmenters = load_segmenters(folder, registry=registry)
    except ModelUnusableError as error:
        raise EvaluationError(str(error)) from error
    return segmenters.of(Order(model=name, model_version=version))
