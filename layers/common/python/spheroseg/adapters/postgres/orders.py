"""Orders and failures as columns, the same in images and segmentations."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from psycopg.types.json import Jsonb

from spheroseg.adapters.postgres.database import Row
from spheroseg.domain.segmentation import Failure, Order, Parameters, Priority


def order_values(order: Order) -> dict[str, Any]:
    """The columns of an order."""
    return {
        "model": order.model,
        "model_version": order.model_version,
        "parameters": Jsonb(asdict(order.parameters)),
        "priority": order.priority.value,
    }


def order_of(row: Row) -> Order:
    """The order in a row; rows of before objects out of focus could be left out kept them."""
    return Order(
        model=row["model"],
        model_version=row["model_version"],
        parameters=Parameters(**{"out_of_focus": True, **row["parameters"]}),
        priority=Priority(row["priority"]),
    )


def failure_values(failure: Failure | None) -> dict[str, Any]:
    """The columns of a failure, all null when there is none."""
    return {
        "failure_code": failure.code if failure else None,
        "failure_detail": failure.detail if failure else None,
    }


def failure_of(row: Row) -> Failure | None:
    """The failure in a row."""
    if row["failure_code"] is None:
        return None
    return Failure(code=row["failure_code"], detail=row["failure_detail"])


def utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC: the server answers in the time zone of its session."""
    return moment.astimezone(UTC) if moment else None
