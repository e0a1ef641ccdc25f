"""The queue: how long it is, and how fast it moves."""

from fastapi import APIRouter
from pydantic import Field

from http_api.rest.answers import Answer, Wired, problems
from http_api.viewer import CurrentViewer
from spheroseg.domain.backlog import Backlog

router = APIRouter(prefix="/v1", tags=["queue"])


class QueueOut(Answer):
    """What waits and runs now, of everybody."""

    queued: int = Field(description="Runs that wait", examples=[40])
    running: int = Field(description="Runs that workers are at", examples=[2])
    finished_recently: int = Field(description="Runs that ended within the window", examples=[310])
    window_s: float = Field(description="Length of the window, in seconds", examples=[600])
    seconds_per_run: float | None = Field(
        description="Measured duration of one run, in seconds; null: nothing ended within the window", examples=[2.1]
    )
    estimated_wait_s: float | None = Field(
        description="Seconds until the queue is empty, by the measured rate; null: nothing was measured lately",
        examples=[42.0],
    )
    reason: str = Field(
        description="Where the estimate comes from, or why there is none",
        examples=["40 runs waiting, 2 running side by side, 2.1 s each over the last 10 min"],
    )

    @classmethod
    def of(cls, backlog: Backlog) -> "QueueOut":
        """The use case's backlog."""
        return cls(
            queued=backlog.queued,
            running=backlog.running,
            finished_recently=backlog.finished_recently,
            window_s=backlog.window_s,
            seconds_per_run=backlog.seconds_per_run,
            estimated_wait_s=backlog.estimated_wait_s,
            reason=wait_reason(backlog),
        )


def wait_reason(backlog: Backlog) -> str:
    """Where an estimate of the wait comes from, in words."""
    window = f"{backlog.window_s / 60:.0f} min"
    count, where = (backlog.queued, "waiting") if backlog.ahead is None else (backlog.ahead, "before it")
    before = f"{count} run{'' if count == 1 else 's'} {where}"
    if backlog.seconds_per_run is None:
        return f"{before}; no run ended within the last {window}, so that no rate is known"
    beside = f"{backlog.running} running side by side" if backlog.running else "none running now, one assumed"
    return f"{before}, {beside}, {backlog.seconds_per_run:.1f} s each over the last {window}"


@router.get(
    "/queue", summary="See the queue", response_description="Counts and the measured rate", responses=problems()
)
async def read_queue(_viewer: CurrentViewer, use_cases: Wired) -> QueueOut:
    """Counts over everybody's runs; they name nobody. A run's own place stands at GET /v1/segmentations/{id}."""
    return QueueOut.of(use_cases.read_queue_status())
