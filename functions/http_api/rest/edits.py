"""What an edit of outlines is asked with: operations as data, one after the other."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from http_api.rest.answers import Body
from spheroseg.domain import operations as done
from spheroseg.domain.operations import MAX_OPERATIONS, MAX_TOUCHED
from spheroseg.domain.revision import MAX_NOTE
from spheroseg.domain.spheroid import Polygon

MAX_NUMBER = 2**31 - 1
MAX_POLYGONS = 1_000

Number = Annotated[int, Field(ge=1, le=MAX_NUMBER, description="Of a spheroid in the image")]
Numbers = Annotated[list[Number], Field(min_length=1, max_length=MAX_TOUCHED, description="Of spheroids in the image")]
Point = Annotated[tuple[float, float], Field(description="x to the right, y down, in px; rounded to quarter pixels")]
Ring = Annotated[list[Point], Field(min_length=3, description="Corners in order; the first need not be repeated")]


class EditPolygonIn(Body):
    """One connected area."""

    exterior: Ring
    holes: list[Ring] = Field(default_factory=list, description="Inner rings, inside of the outer one")

    def polygon(self) -> Polygon:
        """The same for the domain."""
        return Polygon(tuple(self.exterior), tuple(tuple(hole) for hole in self.holes))


Polygons = Annotated[
    list[EditPolygonIn],
    Field(min_length=1, max_length=MAX_POLYGONS, description="What the spheroid is made of; several: it is in pieces"),
]


class AddIn(Body):
    """A new spheroid; it gets the number after the highest that the run ever had."""

    kind: Literal["add"] = Field(description="Which operation this is")
    polygons: Polygons

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Add(tuple(one.polygon() for one in self.polygons))


class DeleteIn(Body):
    """Spheroids that are none."""

    kind: Literal["delete"] = Field(description="Which operation this is")
    numbers: Numbers

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Delete(tuple(self.numbers))


class ReplaceIn(Body):
    """Another outline for a spheroid."""

    kind: Literal["replace"] = Field(description="Which operation this is")
    number: Number
    polygons: Polygons

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Replace(self.number, tuple(one.polygon() for one in self.polygons))


class SplitIn(Body):
    """A spheroid cut along a line from side to side; the largest part keeps the number."""

    kind: Literal["split"] = Field(description="Which operation this is")
    number: Number
    line: list[Point] = Field(min_length=2, description="Where to cut; it begins and ends outside of the spheroid")

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Split(self.number, tuple(self.line))


class MergeIn(Body):
    """Several spheroids that are one; it keeps the first number."""

    kind: Literal["merge"] = Field(description="Which operation this is")
    numbers: Annotated[Numbers, Field(min_length=2, description="Of the spheroids that are one")]
    allow_pieces: bool = Field(default=False, description="They may be apart; else they must touch along outlines")

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Merge(tuple(self.numbers), self.allow_pieces)


class AddHoleIn(Body):
    """A hole in a spheroid."""

    kind: Literal["add_hole"] = Field(description="Which operation this is")
    number: Number
    ring: Ring

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.AddHole(self.number, tuple(self.ring))


class FillHoleIn(Body):
    """No hole where there is one."""

    kind: Literal["fill_hole"] = Field(description="Which operation this is")
    number: Number
    at: Point | None = Field(default=None, description="A place in the hole; null: all holes")

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.FillHole(self.number, self.at)


class SimplifyIn(Body):
    """Fewer corners, none of which was farther than the tolerance from the new outline."""

    kind: Literal["simplify"] = Field(description="Which operation this is")
    numbers: Numbers
    tolerance_px: float = Field(gt=0, le=1_000, description="Largest distance, in pixels", examples=[1.0])

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Simplify(tuple(self.numbers), self.tolerance_px)


class SmoothIn(Body):
    """Without bumps and bays into which a disk of that radius does not fit."""

    kind: Literal["smooth"] = Field(description="Which operation this is")
    numbers: Numbers
    radius_px: float = Field(gt=0, le=1_000, description="Of the disk, in pixels", examples=[3.0])

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Smooth(tuple(self.numbers), self.radius_px)


class RelabelIn(Body):
    """Another number, which must be free."""

    kind: Literal["relabel"] = Field(description="Which operation this is")
    number: Number
    to: Number

    def operation(self) -> done.Operation:
        """The same for the domain."""
        return done.Relabel(self.number, self.to)


OperationIn: TypeAlias = Annotated[
    AddIn | DeleteIn | ReplaceIn | SplitIn | MergeIn | AddHoleIn | FillHoleIn | SimplifyIn | SmoothIn | RelabelIn,
    Field(discriminator="kind"),
]

Base = Annotated[
    int, Field(ge=0, le=MAX_NUMBER, description="The revision that it starts from; 0: the segmenter's own")
]
Note = Annotated[str | None, Field(max_length=MAX_NOTE, description="What there is to say about it")]


class EditIn(Body):
    """Operations on the outlines of a revision, done one after the other, all or none."""

    base: Base
    operations: list[OperationIn] = Field(
        min_length=1,
        max_length=MAX_OPERATIONS,
        description="What is done, in this order",
        examples=[[{"kind": "split", "number": 3, "line": [[10, 40], [90, 42.5]]}, {"kind": "delete", "numbers": [7]}]],
    )
    note: Note = None


class RestoreIn(Body):
    """An earlier revision that is to come back."""

    base: Annotated[int, Field(ge=0, le=MAX_NUMBER, description="The newest revision that you know")]
    note: Note = None
