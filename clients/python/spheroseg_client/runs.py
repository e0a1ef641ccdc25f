"""Many segmentations at once, as Python calls; a part of ``Client``."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from spheroseg_client.answers import Found, parsed
from spheroseg_client.models import Answer, Parameters
from spheroseg_client.transport import Session, Transport


class ToldImage(Answer):
    """An image for which nothing was started.

    ``outcome`` is ``already_active``, ``already_done``, ``not_stored`` or ``not_found``; ``segmentation_id`` names the
    run that is there, if one is.
    """

    image_id: UUID
    outcome: str
    segmentation_id: UUID | None


class RunProgress(Answer):
    """How far some runs are: ``counts`` by status; ``in_turn`` of the queued ones wait for their turn.

    ``estimated_s`` are seconds until the last of them ends, None when nothing was measured lately; ``reason`` tells
    where the number comes from, or why there is none.
    """

    total: int
    ended: int
    counts: dict[str, int]
    in_turn: int
    estimated_s: float | None
    reason: str


class RunBatch(Answer):
    """What one call started: ``counts`` are its images by what was done for them, ``told`` the first for which nothing
    was started. ``progress`` is there where the batch was read."""

    id: UUID
    project_id: UUID
    created_at: datetime
    images: int
    counts: dict[str, int]
    told: Sequence[ToldImage]
    progress: RunProgress | None = None


class CancelledRuns(Answer):
    """What one call cancelled; ``left`` of the meant ones have not ended: call again."""

    cancelled: int
    left: int


class RunPair(Answer):
    """A spheroid of each run, by its number, that are the same one."""

    first: int
    second: int
    iou: float


class RunComparison(Answer):
    """Two runs over the same pixels: pairs with an IoU above ``threshold``, and numbers without partner.

    ``lost`` spheroids are in the first run alone, ``added`` ones in the second. ``mean_iou`` is None without a pair.
    The revisions say which outlines were compared; 0 are the model's own.
    """

    first_id: UUID
    first_revision: int
    second_id: UUID
    second_revision: int
    threshold: float
    mean_iou: float | None
    matched: int
    pairs: Sequence[RunPair]
    lost: Sequence[int]
    added: Sequence[int]


class RunCalls:
    """What can be done to many segmentations at once."""

    _transport: Transport
    _session: Session

    def start_runs(
        self,
        project_id: UUID,
        image_ids: Iterable[UUID] | None = None,
        *,
        model: str | None = None,
        model_version: str | None = None,
        parameters: Parameters | None = None,
        priority: int = 5,
        again: bool = False,
        key: str | None = None,
    ) -> RunBatch:
        """Start a run over each of some images of a project, or over all of them.

        Args:
            image_ids: Up to 10,000; None: all whose file has arrived.
            model: None: the service's default; ``auto``: what each image needs.
            priority: 0 to 10; among your own runs the most urgent are next.
            again: Repeat what has succeeded with the same model and parameters.
            key: An idempotency key of your own; a second call with it starts nothing and gives the same batch.
        """
        body: dict[str, object] = {
            "parameters": (parameters or Parameters()).model_dump(),
            "priority": priority,
            "again": again,
        }
        if image_ids is not None:
            body["image_ids"] = [str(id_) for id_ in image_ids]
        if model is not None:
            body["model"] = model
        if model_version is not None:
            body["model_version"] = model_version
        return self._run_call(f"/v1/projects/{project_id}/runs", RunBatch, body, key or str(uuid4()))

    def cancel_runs(
        self,
        project_id: UUID,
        *,
        image_ids: Iterable[UUID] | None = None,
        segmentation_ids: Iterable[UUID] | None = None,
        batch_id: UUID | None = None,
    ) -> CancelledRuns:
        """Stop runs that have not ended: of some images, some runs, a batch, or of the whole project."""
        body = _selection(image_ids, segmentation_ids, batch_id)
        return self._run_call(f"/v1/projects/{project_id}/runs/cancel", CancelledRuns, body)

    def retry_runs(
        self,
        project_id: UUID,
        *,
        image_ids: Iterable[UUID] | None = None,
        segmentation_ids: Iterable[UUID] | None = None,
        batch_id: UUID | None = None,
        key: str | None = None,
    ) -> RunBatch:
        """Start a new run after each that failed; the failed ones stay in the history."""
        body = _selection(image_ids, segmentation_ids, batch_id)
        return self._run_call(f"/v1/projects/{project_id}/runs/retry", RunBatch, body, key or str(uuid4()))

    def run_progress(self, project_id: UUID) -> RunProgress:
        """How far all runs of a project are."""
        return self._run_call(f"/v1/projects/{project_id}/runs/progress", RunProgress)

    def run_batch(self, batch_id: UUID) -> RunBatch:
        """A batch with the progress of its runs."""
        return self._run_call(f"/v1/batches/{batch_id}", RunBatch)

    def compare_runs(
        self,
        first_id: UUID,
        second_id: UUID,
        threshold: float = 0.5,
        first_revision: int | None = None,
        second_revision: int | None = None,
    ) -> RunComparison:
        """What became of one run's spheroids in another run over the same page of an image.

        Args:
            threshold: Partners have an IoU above it, 0.5 to below 1.
            first_revision, second_revision: Of their outlines; None: the newest, 0: the model's own.
        """
        path = f"/v1/segmentations/{first_id}/comparison/{second_id}?threshold={threshold}"
        for name, revision in (("revision", first_revision), ("other_revision", second_revision)):
            path += "" if revision is None else f"&{name}={revision}"
        return self._run_call(path, RunComparison)

    def _run_call(self, path: str, kind: type[Found], body: object = None, key: str | None = None) -> Found:
        """Every one of these calls may be repeated: those that start something carry a key."""
        answer = self._transport.request(
            "GET" if body is None else "POST",
            path,
            session=self._session,
            repeatable=True,
            json=body,
            headers={"Idempotency-Key": key} if key else None,
        )
        return parsed(kind, answer, path)


def _selection(
    image_ids: Iterable[UUID] | None, segmentation_ids: Iterable[UUID] | None, batch_id: UUID | None
) -> dict[str, object]:
    meant: dict[str, object] = {}
    if image_ids is not None:
        meant["image_ids"] = [str(id_) for id_ in image_ids]
    if segmentation_ids is not None:
        meant["segmentation_ids"] = [str(id_) for id_ in segmentation_ids]
    if batch_id is not None:
        meant["batch_id"] = str(batch_id)
    return meant
