"""GraphQL types made of what REST takes and gives, so that both faces say the same, each in its own words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from inspect import cleandoc, get_annotations
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, dataclass_transform, get_args, get_origin

import strawberry
from annotated_types import MaxLen
from pydantic import AwareDatetime, BaseModel
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from http_api.graphql.costs import ListSize

Model = TypeVar("Model", bound=BaseModel)
Class = TypeVar("Class")

BigInt = NewType("BigInt", int)
"""Bytes pass 2^31 - 1, which is where GraphQL's own Int ends."""

SvgPath = NewType("SvgPath", str)

MAX_SAFE = 2**53 - 1
"""The largest whole number that JSON readers with float64 numbers get right."""


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > MAX_SAFE:
        raise ValueError(f"A whole number of at most 2^53 - 1 is needed, not {value!r:.50}")
    return value


SCALARS: dict[object, ScalarDefinition] = {
    BigInt: strawberry.scalar(
        name="BigInt", description="A whole number up to 2^53 - 1.", serialize=_whole, parse_value=_whole
    ),
    SvgPath: strawberry.scalar(
        name="SvgPath",
        description="Closed rings as the data of an SVG path, to be filled by the even-odd rule; in px, x to the "
        "right, y down.",
        serialize=str,
    ),
}


@dataclass_transform(kw_only_default=True, field_specifiers=(strawberry.field,))
def derived(
    model: type,
    *,
    name: str | None = None,
    without: Sequence[str] = (),
    is_input: bool = False,
    narrowed: Mapping[str, type] | None = None,
) -> Callable[[type[Class]], type[Class]]:
    """Add the fields of a REST model to a class, and make it a GraphQL type.

    An instance needs the fields' values as attributes; a field that the class has itself stays as it is.

    Args:
        model: A pydantic model, or a dataclass whose names say enough.
        name: Of the GraphQL type; that of the class where left away.
        without: Fields that the type does not get.
        narrowed: The form that a field takes which REST takes in several; GraphQL knows no unions of plain values.
    """

    def make(class_: type[Class]) -> type[Class]:
        annotations = get_annotations(class_)
        for field_name, annotation, description, is_required in _fields_of(model):
            if field_name in without or hasattr(class_, field_name):
                continue
            taken = (narrowed or {}).get(field_name, annotation)
            annotations[field_name] = _annotation(field_name, taken, is_input=is_input)
            if is_input:
                default: dict[str, Any] = {} if is_required else {"default": strawberry.UNSET}
                if not is_required:
                    annotations[field_name] = annotations[field_name] | None
                setattr(class_, field_name, strawberry.field(description=description, **default))
            else:
                told: Any = strawberry.field(description=description, directives=_size_of(model, field_name))
                told.init = False  # its value is the answer's, see ``Told``
                setattr(class_, field_name, told)
        class_.__annotations__ = annotations
        description = cleandoc(class_.__doc__ or model.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        if is_input:
            return strawberry.input(class_, name=name, description=description)
        return strawberry.type(class_, name=name, description=description)

    return make


@dataclass
class Told:
    """The base of types whose values another object tells.

    Args:
        answer: What REST would say, or a record whose attributes have the fields' names.
    """

    answer: strawberry.Private[Any]

    def __getattr__(self, name: str) -> Any:
        """A derived field's value."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.answer, name)


@cache
def type_of(model: type) -> type:
    """The GraphQL type of a REST answer that needs no fields of its own; its values are the answer's attributes."""
    name = model.__name__.removesuffix("Out")
    return derived(model, name=name)(type(name, (), {"__doc__": model.__doc__}))


def input_of(model: type, **narrowed: type) -> type:
    """The GraphQL input of a REST body."""
    return _input_of(model, tuple(narrowed.items()))


@cache
def _input_of(model: type, narrowed: tuple[tuple[str, type], ...]) -> type:
    name = model.__name__.removesuffix("In") + "Input"
    make = derived(model, name=name, is_input=True, narrowed=dict(narrowed))
    return make(type(name, (), {"__doc__": model.__doc__}))


def input_argument(model: type, description: str, **narrowed: type) -> Any:
    """The argument `input` of a mutation."""
    return Annotated[input_of(model, **narrowed), strawberry.argument(name="input", description=description)]


def filter_argument(model: type) -> Any:
    """The argument `filter` of a list."""
    argument = strawberry.argument(name="filter", description="Which ones; left away: all")
    return Annotated[input_of(model) | None, argument]


def validated(model: type[Model], given: object) -> Model:
    """What was sent by GraphQL, checked as REST checks it.

    Raises:
        ValidationError: pydantic's, with what is wrong.
    """
    return model.model_validate(_plain(given))


def _plain(given: Any) -> Any:
    if is_dataclass(given) and not isinstance(given, type):
        values = {field.name: getattr(given, field.name) for field in fields(given)}
        return {name: _plain(value) for name, value in values.items() if value is not strawberry.UNSET}
    return [_plain(each) for each in given] if isinstance(given, list) else given


def _fields_of(model: type) -> list[tuple[str, Any, str | None, bool]]:
    if issubclass(model, BaseModel):
        found = model.model_fields.items()
        return [(name, field.annotation, field.description, field.is_required()) for name, field in found]
    return [(field.name, field.type, None, True) for field in fields(model)]  # type: ignore[arg-type]


def _size_of(model: type, name: str) -> list[ListSize]:
    """What a list of objects costs whose length REST tells; others are short."""
    if not issubclass(model, BaseModel):
        return []
    field = model.model_fields[name]
    longest = [limit.max_length for limit in field.metadata if isinstance(limit, MaxLen)]
    inner = get_args(field.annotation)
    has_objects = bool(inner) and isinstance(inner[0], type) and issubclass(inner[0], BaseModel)
    return [ListSize(assumed_size=longest[0])] if longest and has_objects else []


def _annotation(name: str, annotation: Any, *, is_input: bool) -> Any:
    """What strawberry is told for a pydantic annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    made: Any = annotation
    if origin is Annotated:
        made = _annotation(name, arguments[0], is_input=is_input)
    elif origin in {Union, UnionType}:
        (one,) = (argument for argument in arguments if argument is not NoneType)
        made = _annotation(name, one, is_input=is_input) | None
    elif origin in {list, tuple, frozenset, Sequence}:
        made = list[_annotation(name, arguments[0], is_input=is_input)]  # type: ignore[misc]
    elif origin in {dict, Mapping}:
        made = JSON
    elif origin is Literal:
        made = str
    elif annotation is AwareDatetime:
        made = datetime
    elif annotation is int and (name.endswith("_bytes") or name in {"size_from", "size_to"}):
        made = BigInt
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        made = enum_of(annotation)
    elif isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        made = input_of(annotation) if is_input else type_of(annotation)
    return made


@cache
def enum_of(kind: type[Enum]) -> Any:
    """The GraphQL enum of one of ours: its names are in capitals."""
    return strawberry.enum(kind, description=cleandoc(kind.__doc__ or "").split("\n\n")[0].replace("\n", " "))
