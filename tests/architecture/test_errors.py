"""Every error has one code that stays, one of the five kinds, and a page that explains it."""

import re
from collections import Counter

from http_api.catalogue import CATALOGUE
from spheroseg import errors
from spheroseg.errors import SpherosegError

KINDS = {
    errors.NotFoundError,
    errors.ConflictError,
    errors.InvalidInputError,
    errors.ForbiddenError,
    errors.UnavailableError,
}


def leaves() -> list[type[SpherosegError]]:
    """Every public error, the root left out."""
    return [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, SpherosegError) and error is not SpherosegError
    ]


def test_every_error_is_of_one_of_the_five_kinds() -> None:
    for error in leaves():
        assert len(KINDS & set(error.__mro__)) == 1, error
    assert set(SpherosegError.__subclasses__()) == KINDS


def test_codes_are_unique_and_in_kebab_case() -> None:
    assert [code for code, times in Counter(error.code for error in leaves()).items() if times > 1] == []
    for error in leaves():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", error.code), error
        assert "code" in vars(error), f"{error.__name__} has no code of its own"


def test_names_say_the_code() -> None:
    for error in leaves():
        words = re.findall(r"[A-Z][a-z]*", error.__name__.removesuffix("Error"))
        assert "-".join(words).lower() == error.code


def test_every_error_says_what_is_wrong_and_is_explained_to_clients() -> None:
    for error in leaves():
        assert error.__doc__, error
        assert error.code in CATALOGUE, f"functions/http_api/problem_texts.py does not explain {error.code}"
