"""Every method on every image, several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

from spheroseg.errors import InvalidInputError
from spheroseg.imaging.boundaries import Labels
from spheroseg.imaging.decode import decode
from spheroseg.imaging.label_files import read_labels
from spheroseg.imaging.windowing import Grey
from training.evaluation.assurance import assurance_of
from training.evaluation.judging import ImageFigures, Judgement, judge_image
from training.evaluation.methods import Method
from training.evaluation.sources import Case, Failure, sources_of


@dataclass(frozen=True)
class Judged:
    """One method on one source.

    Args:
        cases: The images, in the order of the judgement.
    """

    method: str
    source: str
    cases: tuple[Case, ...]
    judgement: Judgement


def evaluate(
    cases: Sequence[Case], methods: Sequence[Method], jobs: int, on_done: Callable[[], None] = lambda: None
) -> tuple[list[Judged], list[Failure]]:
    """Judge every method on every image.

    An image counts when every method gave an answer, so that all of them are judged on the same images; the others are
    given back with the reason.

    Args:
        jobs: Images at a time, each in a thread.
        on_done: Called after every image, in order of completion.

    Returns:
        By source, then by method; sources without an image that counts are left out.
    """
    answers: dict[Case, list[ImageFigures] | Failure] = {}
    executor = ThreadPoolExecutor(jobs)
    try:
        waiting = {executor.submit(_judged, case, methods): case for case in cases}
        for future in as_completed(waiting):
            answers[waiting[future]] = future.result()
            on_done()
    finally:
        executor.shutdown(cancel_futures=True)
    results = []
    for source in sources_of(cases):
        counted = [(case, answers[case]) for case in cases if case.source == source]
        kept = [(case, answer) for case, answer in counted if not isinstance(answer, Failure)]
        if kept:
            results += [
                Judged(
                    method=method.name,
                    source=source,
                    cases=tuple(case for case, _ in kept),
                    judgement=Judgement(tuple(answer[place] for _, answer in kept)),
                )
                for place, method in enumerate(methods)
            ]
    return results, [answer for answer in (answers[case] for case in cases) if isinstance(answer, Failure)]


def pixels_of(case: Case) -> Grey:
    """The image as the worker decodes it: its first page.

    Raises:
        InvalidInputError: one of its leaves says what is wrong with the file.
    """
    return decode(case.image).pixels


def _judged(case: Case, methods: Sequence[Method]) -> list[ImageFigures] | Failure:
    try:
        pixels = pixels_of(case)
    except (InvalidInputError, OSError) as error:
        return Failure(case.source, case.name, f"{case.image.name}: {error}")
    try:
        drawn = read_labels(case.mask)
    except (InvalidInputError, OSError) as error:
        return Failure(case.source, case.name, f"{case.mask.name}: {error}")
    if pixels.shape != drawn.shape:
        sizes = " and ".join(f"{width} × {height} px" for height, width in (pixels.shape, drawn.shape))
        return Failure(case.source, case.name, f"image and mask differ in size: {sizes}")
    figures = []
    for method in methods:
        try:
            figures.append(_figures(case.name, method, pixels, drawn))
        except InvalidInputError as error:
            return Failure(case.source, case.name, f"{method.name} gave no answer: {error}")
    return figures


def _figures(name: str, method: Method, pixels: Grey, drawn: Labels) -> ImageFigures:
    if method.segment is None:
        return judge_image(name, drawn, method.find(pixels))
    found = method.segment(pixels)
    card = found.chosen.card if found.chosen else None
    chosen = None if card is None else f"{card.name}@{card.version}"
    return replace(judge_image(name, drawn, found.labels), chosen=chosen, assurance=assurance_of(drawn, found))
