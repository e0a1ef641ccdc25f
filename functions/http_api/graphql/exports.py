"""Exports in the graph: those of a project, and the mutations that ask for one or cancel it."""

from abc import ABC, abstractmethod
from typing import Annotated
from uuid import UUID

import strawberry

from http_api.graphql.connections import DEFAULT_FIRST, After, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import PAGE, WRITES
from http_api.graphql.deriving import Told, derived, input_argument, validated
from http_api.graphql.ids import id_of
from http_api.rest.exports import ExportIn, ExportOut
from spheroseg.domain.export import Export as ExportRecord
from spheroseg.domain.paging import PageKey

ProjectId = Annotated[strawberry.ID, strawberry.argument(description="The project: a node's id, or the plain one")]
ExportId = Annotated[UUID, strawberry.argument(description="What `requestExport` gave")]


@derived(ExportOut)
class Export(Told):
    """Results of a project as one file for other programs."""

    @classmethod
    def of(cls, record: ExportRecord) -> "Export":
        """The domain's export, without the address of its file."""
        return cls(answer=ExportOut.of(record))


@strawberry.type
class ExportedProject(ABC):
    """What a project tells of its exports."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="Exports of it that you asked for in the last thirty days, the newest first",
        directives=[PAGE],
    )
    def exports(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> Connection[Export] | None:
        """A page of exports."""
        context = info.context
        asked = context.page(after, first, "exports", self.plain_id())
        key = asked.cursors.page_key(after)
        found = context.use_cases.read_exports.of_project(context.viewer, self.plain_id(), key, first)
        return asked.connection(found.items, Export.of, _key, has_next=found.next is not None)


@strawberry.type
class ExportQueries:
    """One export."""

    @strawberry.field(description="An export that you asked for, with a link to its file once it succeeded")
    def export(self, info: Info, id: ExportId) -> Export | None:
        """One export."""
        read = info.context.use_cases.read_exports
        return Export(answer=ExportOut.full(read.one(info.context.viewer, id), read))


@strawberry.type
class ExportMutations:
    """Asking for exports, and taking it back."""

    @strawberry.field(
        description="Write results of a project as a file for other programs, in the background", directives=[WRITES]
    )
    def request_export(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(ExportIn, "What is to be exported, and how"),  # type: ignore[valid-type]
    ) -> Export | None:
        """The export, which waits for its turn."""
        context, asked = info.context, validated(ExportIn, body)
        id_ = id_of("Project", project_id)
        export = context.use_cases.request_export(
            context.viewer, id_, asked.format, asked.options(), context.correlation_id
        )
        context.wrote()
        return Export.of(export)

    @strawberry.field(description="Stop an export that waits or is made; nothing of it is left", directives=[WRITES])
    def cancel_export(self, info: Info, export_id: ExportId) -> Export | None:
        """The export after it."""
        context = info.context
        export = context.use_cases.cancel_export(context.viewer, export_id)
        context.wrote()
        return Export.of(export)


def _key(export: ExportRecord) -> PageKey:
    return PageKey(export.created_at, export.id)
