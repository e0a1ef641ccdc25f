"""What a refused edit or decision is told: the place of a fault, or what somebody else changed meanwhile."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from spheroseg.errors import InvalidEditError, ResultSupersededError, SpherosegError, StaleRevisionError


class EditFaultOut(BaseModel):
    """Where an edit is wrong; null: it concerns the whole of what stands before it."""

    operation: int | None = Field(default=None, description="Place among the operations, from 0", examples=[0])
    number: int | None = Field(default=None, description="The spheroid's number", examples=[12])
    polygon: int | None = Field(default=None, description="Place among its polygons, from 0", examples=[0])
    ring: int | None = Field(default=None, description="0: its outer ring; from 1: its holes", examples=[0])
    vertex: int | None = Field(default=None, description="Corner of the ring as it was given, from 0", examples=[17])
    detail: str = Field(description="What is wrong", examples=["the outline crosses or touches itself at (10, 12.5)"])


class LaterChangeOut(BaseModel):
    """A revision that was saved after the one that an edit starts from."""

    revision: int = Field(description="Its number", examples=[4])
    author_id: str = Field(description="Who saved it")
    created_at: datetime = Field(description="When, in UTC")
    added: list[int] = Field(description="Numbers of spheroids that it added", examples=[[]])
    changed: list[int] = Field(description="Numbers of spheroids that it changed", examples=[[12]])
    removed: list[int] = Field(description="Numbers of spheroids that it removed", examples=[[]])


class EditDetails(BaseModel):
    """What a problem tells of a refused edit."""

    edit: EditFaultOut | None = Field(default=None, description="What is wrong where; only with `invalid-edit`")
    newest_revision: int | None = Field(default=None, description="The newest; only with `stale-revision`")
    later: list[LaterChangeOut] | None = Field(
        default=None, description="What changed since, the newest first; only with `stale-revision`"
    )
    newest_run: UUID | None = Field(
        default=None, description="The run that counts now; null: its image is gone; only with `result-superseded`"
    )


def edit_details(error: SpherosegError) -> dict[str, Any]:
    """The fields of a problem for this error; empty for others."""
    if isinstance(error, InvalidEditError) and error.fault is not None:
        return {"edit": EditFaultOut(**vars(error.fault))}
    if isinstance(error, StaleRevisionError):
        later = [
            LaterChangeOut(
                **{**vars(one), "added": list(one.added), "changed": list(one.changed), "removed": list(one.removed)}
            )
            for one in error.later
        ]
        return {"newest_revision": error.newest, "later": later}
    if isinstance(error, ResultSupersededError):
        return {"newest_run": error.newest}
    return {}
