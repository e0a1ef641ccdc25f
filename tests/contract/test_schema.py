"""Whatever fits the API's document or just misses it, in process over PostgreSQL: no 5xx, no answer that it does not tell.

Through the gateway of the local cloud the same is done on demand, by tests/flow/test_schema.py. `SPHEROSEG_SCHEMA_EXAMPLES=100`
sends more requests to each operation than the few of the usual run.
"""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.imports import PostgresImports
from spheroseg.adapters.postgres.kept_answers import PostgresKeptAnswers
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.run_batches import PostgresRunBatches
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.sharing import PostgresSharing
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.adapters.postgres.watchers import PostgresWatchers
from spheroseg.domain.image import ImageStatus
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.use_cases.read_together import ReadTogether
from tests.api_cases import operations, the_schema, tried
from tests.builders import a_project, a_segmentation, a_spheroid, an_image, an_import, an_order
from tests.functions.http_api.world import BehindGateway, Client, World

EXAMPLES = int(os.environ.get("SPHEROSEG_SCHEMA_EXAMPLES", "2"))


@pytest.fixture(scope="module")
def schema() -> Any:
    return the_schema()


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    own = asyncio.new_event_loop()
    asyncio.set_event_loop(own)
    yield
    asyncio.set_event_loop(None)
    own.close()


def over(database: Database) -> tuple[Any, Client]:
    """A world that keeps its rows in PostgreSQL, and the API over it as its owner sees it."""
    from http_api.app import create_app

    world: Any = World()
    world.position = None
    for name, kind in {
        "projects": PostgresProjects,
        "images": PostgresImages,
        "segmentations": PostgresSegmentations,
        "revisions": PostgresRevisions,
        "batches": PostgresRunBatches,
        "watchers": PostgresWatchers,
        "accounts": PostgresAccounts,
        "jobs": PostgresProjectJobs,
        "copies": PostgresProjectCopies,
        "sharing": PostgresSharing,
        "kept_answers": PostgresKeptAnswers,
        "imports": PostgresImports,
    }.items():
        setattr(world, name, kind(database))
    in_memory = world.use_cases()
    use_cases = replace(
        in_memory,
        read_together=ReadTogether(PostgresBatches(database), world.segmentations),
        read_measurements=replace(in_memory.read_measurements, measurements=PostgresMeasurements(database)),
        read_projects=replace(in_memory.read_projects, counts=PostgresProjectStatistics(database)),
    )
    app = create_app(use_cases, world.answered.append, world.unkept.append)
    return world, Client(BehindGateway(app, {"sub": a_project().owner_id, "token_use": "access"}))


def what_is_there(world: Any) -> dict[str, str]:
    """Ids of a project, an announced image, a run that succeeded and an import whose file is there."""
    project = a_project()
    world.projects.add(project)
    stored, announced = an_image(project), an_image(project, status=ImageStatus.AWAITING_UPLOAD, order=an_order())
    world.images.add_many([stored, announced])
    running = a_segmentation(stored, status=SegmentationStatus.RUNNING)
    world.segmentations.add(running)
    done = a_segmentation(stored, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
    world.segmentations.finish(running, done, [a_spheroid(1), a_spheroid(2)])
    import_ = an_import(project, upload_until=world.clock.now() + timedelta(hours=1))
    world.imports.add(import_)
    world.store.put(import_.key, b"{}", "application/json")
    return {
        "project_id": str(project.id),
        "image_id": str(announced.id),
        "segmentation_id": str(done.id),
        "other_id": str(done.id),
        "import_id": str(import_.id),
    }


@pytest.mark.parametrize("operation", operations(), ids=" ".join)
def test_every_answer_is_one_that_the_document_tells(
    database: Database, schema: Any, operation: tuple[str, str]
) -> None:
    world, client = over(database)
    own = what_is_there(world)
    try:
        tried(schema, operation, own, lambda method, path, request: client.request(method, path, **request), EXAMPLES)
    finally:
        if (failed := world.answered and world.answered[-1].error) is not None:
            print(repr(failed))
