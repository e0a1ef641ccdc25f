"""What a query of the graph costs PostgreSQL: statements are counted where they are sent."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from http_api.graphql.context import Context
from http_api.graphql.serving import Server
from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.connections import PooledConnection
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.measurements import PostgresMeasurements
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.use_cases.read_measurements import ReadMeasurements
from spheroseg.use_cases.read_together import ReadTogether
from tests.builders import NOW, OWNER, a_project, a_segmentation, a_spheroid, a_viewer, an_image
from tests.functions.http_api.world import World

IMAGES = 100
LATEST = """query ($id: ID!, $first: Int!) { project(id: $id) { name images(first: $first) { nodes { name status
    segmentationCount latestSegmentation { status result { spheroidCount } } } } } }"""
SPHEROIDS = """query ($id: ID!) { project(id: $id) { images(first: 20) { nodes { segmentations(first: 2) { nodes {
    spheroids(first: 10) { nodes { number outline } } } } } } } }"""
UPWARDS = """query ($id: ID!) { project(id: $id) { images(first: 50) { nodes { project { name }
    latestSegmentation { image { name project { name } } } } } } }"""


@pytest.fixture
def filled(database: Database) -> Project:
    """A project with 100 images, each with two runs, one of them finished."""
    project = a_project()
    PostgresProjects(database).add(project)
    images = [an_image(project, created_at=NOW + timedelta(seconds=number)) for number in range(IMAGES)]
    PostgresImages(database).add_many(images)
    segmentations = PostgresSegmentations(database)
    for image in images:
        running = a_segmentation(image, status=SegmentationStatus.RUNNING)
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
        segmentations.add(running)
        segmentations.finish(running, done, [a_spheroid(1), a_spheroid(2)])
    return project


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    sent: list[str] = []
    execute = PooledConnection.execute

    def counted(self: PooledConnection, query: Any, *arguments: Any, **more: Any) -> Any:
        if query:  # the pool's sign of life is an empty one
            sent.append(str(query))
        return execute(self, query, *arguments, **more)

    monkeypatch.setattr(PooledConnection, "execute", counted)
    return sent


def answered(database: Database, query: str, user_id: str = OWNER, **variables: Any) -> dict[str, Any]:
    world = World()
    segmentations = PostgresSegmentations(database)
    in_memory = world.use_cases()
    use_cases = replace(
        in_memory,
        read_projects=replace(in_memory.read_projects, projects=PostgresProjects(database)),
        read_together=ReadTogether(PostgresBatches(database), segmentations),
        read_measurements=ReadMeasurements(PostgresProjects(database), PostgresMeasurements(database)),
    )
    context = Context(use_cases, a_viewer(user_id), "correlation")
    answer = asyncio.run(Server(introspection=False)(context, query, variables))
    found: dict[str, Any] = orjson.loads(answer.content)
    assert "errors" not in found, found
    return found


def test_100_images_with_their_latest_segmentations_and_counts_take_four_statements(
    database: Database, filled: Project, statements: list[str]
) -> None:
    found = answered(database, LATEST, id=str(filled.id), first=IMAGES)["data"]["project"]["images"]["nodes"]
    assert len(statements) <= 4, statements
    assert len(found) == IMAGES
    assert {node["segmentationCount"] for node in found} == {1}
    assert {node["latestSegmentation"]["status"] for node in found} == {"SUCCEEDED"}


def test_each_level_takes_one_statement_however_many_parents_it_has(
    database: Database, filled: Project, statements: list[str]
) -> None:
    found = answered(database, SPHEROIDS, id=str(filled.id))
    assert len(statements) == 4, statements
    runs = [run for image in found["data"]["project"]["images"]["nodes"] for run in image["segmentations"]["nodes"]]
    assert [len(run["spheroids"]["nodes"]) for run in runs] == [2] * 20


def test_what_lies_above_is_read_once(database: Database, filled: Project, statements: list[str]) -> None:
    answered(database, UPWARDS, id=str(filled.id))
    assert len(statements) == 5, statements


def test_measures_of_a_project_take_no_more_statements_than_in_rest(
    database: Database, filled: Project, statements: list[str]
) -> None:
    query = "query ($id: ID!) { project(id: $id) { measurements(first: 150) { value images { name } } } }"
    found = answered(database, query, id=str(filled.id))["data"]["project"]["measurements"]
    assert len(statements) <= 3, statements
    assert (len(found["value"]), len(found["images"])) == (150, 75)
