"""Changes of many images; a part of the graph's writing half."""

from typing import Annotated

import strawberry

from http_api.graphql.context import Info
from http_api.graphql.costs import WRITES, ListSize
from http_api.graphql.deriving import input_argument, type_of, validated
from http_api.graphql.ids import id_of
from http_api.graphql.runs import ProjectId
from http_api.rest.image_changes import DeletedImage, DeletedImages, ImagesToDelete, NamesRead, PatternIn, TableTaken


@strawberry.type
class ImageMutations:
    """What is said of many images, and their end."""

    @strawberry.field(
        description="Remove up to 1,000 images with all that was made of them; each is told of, none stops the others",
        directives=[WRITES, ListSize(assumed_size=1, slicing_argument="input")],
        graphql_type=list[type_of(DeletedImage)] | None,  # type: ignore[misc]
    )
    def delete_images(
        self,
        info: Info,
        body: input_argument(ImagesToDelete, "Which images"),  # type: ignore[valid-type]
    ) -> list[DeletedImage]:
        """What became of each."""
        context, asked = info.context, validated(ImagesToDelete, body)
        outcomes = context.use_cases.delete_images(context.viewer, list(dict.fromkeys(asked.ids)))
        context.wrote()
        return DeletedImages.of(outcomes).items

    @strawberry.field(
        description="Take a CSV table of what images show, all of it or nothing",
        directives=[WRITES],
        graphql_type=type_of(TableTaken) | None,
    )
    def take_samples(
        self,
        info: Info,
        project_id: ProjectId,
        table: Annotated[
            str,
            strawberry.argument(
                description="Comma, semicolon or tab; a heading with `id` or `name`, then any of `plate`, `well`, "
                "`condition`, `time_point_h`, `replicate`, `tags` (separated by `;`) and `pixel_size_um`"
            ),
        ],
    ) -> TableTaken:
        """How many were changed."""
        context = info.context
        changed = context.use_cases.change_images.by_table(context.viewer, id_of("Project", project_id), table)
        context.wrote()
        return TableTaken(changed=len(changed))

    @strawberry.field(
        description="Read plate, well, condition, time point and replicate from the names of all images of a project",
        directives=[WRITES],
        graphql_type=type_of(NamesRead) | None,
    )
    def read_names(
        self,
        info: Info,
        project_id: ProjectId,
        body: input_argument(PatternIn, "How names are read"),  # type: ignore[valid-type]
    ) -> NamesRead:
        """What the names tell."""
        context, asked = info.context, validated(PatternIn, body)
        id_ = id_of("Project", project_id)
        read = context.use_cases.change_images.by_names(context.viewer, id_, asked.pattern, dry_run=asked.dry_run)
        context.wrote()
        return NamesRead.of(read)
