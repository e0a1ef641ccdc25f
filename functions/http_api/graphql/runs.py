"""Many runs at once: the batches that they are started in, and the mutations that start, cancel and repeat them."""

from typing import Annotated, Any

import strawberry
from pydantic import TypeAdapter

from http_api.graphql.context import Context, Info
from http_api.graphql.costs import AWAY, WRITES
from http_api.graphql.deriving import Told, derived, input_argument, type_of, validated
from http_api.graphql.ids import id_of
from http_api.rest.pages import PageRunsOut, PagesIn
from http_api.rest.runs import BatchOut, CancelledOut, Key, ProgressOut, RunsIn, SelectionIn
from spheroseg.domain.run_batch import RunBatch

ProjectId = Annotated[strawberry.ID, strawberry.argument(description="The project: a node's id, or the plain one")]
ImageId = Annotated[strawberry.ID, strawberry.argument(description="The image: a node's id, or the plain one")]
IdempotencyKey = Annotated[
    str | None,
    strawberry.argument(
        name="idempotencyKey",
        description="Any text of your own, new for each new request: the same request with the same key again starts "
        "nothing and gives the same batch",
    ),
]


@derived(BatchOut)
class Batch(Told):
    """The runs that one call started."""

    record: strawberry.Private[RunBatch]

    @classmethod
    def of(cls, record: RunBatch) -> "Batch":
        """The domain's batch."""
        return cls(answer=BatchOut.of(record), record=record)

    @strawberry.field(
        description="How far the runs are that it started; those that were there before are not counted",
        directives=[AWAY],
        graphql_type=type_of(ProgressOut) | None,
    )
    def progress(self, info: Info) -> ProgressOut:
        """Its runs by status, with an estimate."""
        context = info.context
        return ProgressOut.of(context.use_cases.read_runs.batch(context.viewer, self.record.id)[1])


@strawberry.type
class RunMutations:
    """Runs over many images, or over many pages of one."""

    @strawberry.field(
        description="Start a run over each of some images of a project, or over all of them. What waits, runs or is "
        "done with the same model and parameters is told, not repeated",
        directives=[WRITES],
    )
    def start_runs(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(RunsIn, "What is to be run, over which images", priority=int),  # type: ignore[valid-type]
        key: IdempotencyKey = None,
    ) -> Batch | None:
        """What was started."""
        context, asked = info.context, validated(RunsIn, body)
        use_cases = context.use_cases
        batch = use_cases.start_runs(
            context.viewer,
            id_of("Project", project_id),
            asked.image_ids,
            asked.order(use_cases.models),
            context.correlation_id,
            urgency=asked.urgency,
            again=asked.again,
            key=_checked(key),
        )
        return _written(context, batch)

    @strawberry.field(
        description="Stop runs that wait or work: of some images, of a batch, or of the whole project",
        directives=[WRITES],
        graphql_type=type_of(CancelledOut) | None,
    )
    def cancel_runs(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(SelectionIn, "Which runs are meant"),  # type: ignore[valid-type]
    ) -> CancelledOut:
        """How many were cancelled."""
        context = info.context
        selection = validated(SelectionIn, body).selection()
        cancelled = context.use_cases.cancel_runs(context.viewer, id_of("Project", project_id), selection)
        context.wrote()
        return CancelledOut.of(cancelled)

    @strawberry.field(
        description="Start a new run after each that failed, with the same model and parameters; the failed ones stay "
        "in the history",
        directives=[WRITES],
    )
    def retry_runs(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(SelectionIn, "Which runs are meant"),  # type: ignore[valid-type]
        key: IdempotencyKey = None,
    ) -> Batch | None:
        """What was started."""
        context = info.context
        selection = validated(SelectionIn, body).selection()
        id_ = id_of("Project", project_id)
        batch = context.use_cases.retry_runs(context.viewer, id_, selection, context.correlation_id, _checked(key))
        return _written(context, batch)

    @strawberry.field(
        description="Start a run for each of some pages of a multi-page TIFF, z-stack or time series. A repeat gives "
        "the same runs",
        directives=[WRITES],
        graphql_type=type_of(PageRunsOut) | None,
    )
    def request_pages(
        self,
        info: Info,
        image_id: ImageId,
        body: input_argument(PagesIn, "What is to be run over which pages", pages=str),  # type: ignore[valid-type]
    ) -> Any:
        """A run for each page."""
        context, asked = info.context, validated(PagesIn, body)
        use_cases = context.use_cases
        order = asked.order(use_cases.models)
        runs = use_cases.request_pages(
            context.viewer, id_of("Image", image_id), asked.choice, asked.channel, order, context.correlation_id
        )
        context.wrote()
        return PageRunsOut.of(runs)


def _checked(key: str | None) -> str | None:
    return TypeAdapter(Key | None).validate_python(key)


def _written(context: Context, batch: RunBatch) -> Batch:
    context.wrote()
    return Batch.of(batch)
