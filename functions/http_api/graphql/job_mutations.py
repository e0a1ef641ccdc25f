"""What is done to whole projects in the background; a part of the graph's writing half."""

from typing import Annotated
from uuid import UUID

import strawberry

from http_api.graphql.context import Info
from http_api.graphql.costs import WRITES
from http_api.graphql.deriving import type_of, validated
from http_api.graphql.ids import id_of
from http_api.graphql.queries import Id
from http_api.rest.account import ClosingOut
from http_api.rest.jobs import JobOut
from http_api.rest.projects import DuplicateIn

Name = Annotated[
    str | None,
    strawberry.argument(description="Of the new project; left away: the old one's with «(copy)» behind it"),
]
JobId = Annotated[UUID, strawberry.argument(description="What the mutation gave that asked for the job")]


@strawberry.type
class JobMutations:
    """Duplicating, and taking it back."""

    @strawberry.field(
        description="Make a project of your own out of one that you may read, with its images and results, in the "
        "background; nobody finds it before the job has succeeded",
        directives=[WRITES],
        graphql_type=type_of(JobOut) | None,
    )
    def duplicate_project(self, info: Info, project_id: Id, name: Name = None) -> JobOut:
        """The job that copies."""
        context, asked = info.context, validated(DuplicateIn, {"name": name})
        id_ = id_of("Project", project_id)
        job = context.use_cases.duplicate_project(context.viewer, id_, asked.name, context.correlation_id)
        context.wrote()
        return JobOut.of(job)

    @strawberry.field(
        description="Close your account and have all your data deleted; it cannot be undone, and your tokens are worth "
        "nothing from then on",
        directives=[WRITES],
        graphql_type=type_of(ClosingOut) | None,
    )
    def close_account(
        self, info: Info, confirm: Annotated[str, strawberry.argument(description="Your own user id")]
    ) -> ClosingOut:
        """The closing."""
        context = info.context
        closing = context.use_cases.close_account(context.viewer, confirm, context.correlation_id)
        context.wrote()
        return ClosingOut.of(closing)

    @strawberry.field(
        description="Stop a duplication that you asked for; what it has copied is removed",
        directives=[WRITES],
        graphql_type=type_of(JobOut) | None,
    )
    def cancel_job(self, info: Info, job_id: JobId) -> JobOut:
        """The job after it."""
        context = info.context
        job = context.use_cases.duplicate_project.cancel(context.viewer, job_id)
        context.wrote()
        return JobOut.of(job)
