"""Imports in the graph: those into a project, and the mutations that ask for one, start it or cancel it."""

from abc import ABC, abstractmethod
from typing import Annotated
from uuid import UUID

import strawberry

from http_api.graphql.connections import DEFAULT_FIRST, After, Connection, First
from http_api.graphql.context import Info
from http_api.graphql.costs import PAGE, WRITES
from http_api.graphql.deriving import Told, derived, input_argument, validated
from http_api.graphql.ids import id_of
from http_api.rest.imports import AnnouncedImport as AnnouncedImportOut
from http_api.rest.imports import ImportIn, ImportOut
from spheroseg.domain.outline_import import Import as ImportRecord
from spheroseg.domain.paging import PageKey

ProjectId = Annotated[strawberry.ID, strawberry.argument(description="The project: a node's id, or the plain one")]
ImportId = Annotated[UUID, strawberry.argument(description="What `requestImport` gave")]


@derived(ImportOut)
class Import(Told):
    """Outlines in a file of another program."""

    @classmethod
    def of(cls, record: ImportRecord) -> "Import":
        """The domain's import."""
        return cls(answer=ImportOut.of(record))


@derived(AnnouncedImportOut)
class AnnouncedImport(Told):
    """An import with the form for its file."""


@strawberry.type
class ImportedProject(ABC):
    """What a project tells of imports into it."""

    @abstractmethod
    def plain_id(self) -> UUID:
        """What REST calls the id."""

    @strawberry.field(
        description="Imports into it that you asked for in the last thirty days, the newest first",
        directives=[PAGE],
    )
    def imports(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> Connection[Import] | None:
        """A page of imports."""
        context = info.context
        asked = context.page(after, first, "imports", self.plain_id())
        key = asked.cursors.page_key(after)
        found = context.use_cases.read_imports.of_project(context.viewer, self.plain_id(), key, first)
        return asked.connection(found.items, Import.of, _key, has_next=found.next is not None)


@strawberry.type
class ImportQueries:
    """One import."""

    @strawberry.field(
        name="import",
        description="An import that you asked for: how far it is, what it changed, or why it did not",
    )
    def import_(self, info: Info, id: ImportId) -> Import | None:
        """One import."""
        return Import.of(info.context.use_cases.read_imports.one(info.context.viewer, id))


@strawberry.type
class ImportMutations:
    """Asking for imports, starting them, and taking it back."""

    @strawberry.field(
        description="Get a form for a file of outlines, as new revisions or as new results that you drew",
        directives=[WRITES],
    )
    def request_import(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(ImportIn, "What is to be imported, and where to"),  # type: ignore[valid-type]
    ) -> AnnouncedImport | None:
        """The import, which waits for its file."""
        context, asked = info.context, validated(ImportIn, body)
        id_ = id_of("Project", project_id)
        found = context.use_cases.request_import(context.viewer, id_, asked.options(), context.correlation_id)
        context.wrote()
        return AnnouncedImport(answer=AnnouncedImportOut.with_form(*found))

    @strawberry.field(
        description="Read the file of an import, which must be there by now, in the background", directives=[WRITES]
    )
    def start_import(self, info: Info, import_id: ImportId) -> Import | None:
        """The import, which waits for its turn."""
        context = info.context
        import_ = context.use_cases.request_import.start(context.viewer, import_id)
        context.wrote()
        return Import.of(import_)

    @strawberry.field(description="Stop an import that waits or is read; nothing of it is left", directives=[WRITES])
    def cancel_import(self, info: Info, import_id: ImportId) -> Import | None:
        """The import after it."""
        context = info.context
        import_ = context.use_cases.cancel_import(context.viewer, import_id)
        context.wrote()
        return Import.of(import_)


def _key(import_: ImportRecord) -> PageKey:
    return PageKey(import_.created_at, import_.id)
