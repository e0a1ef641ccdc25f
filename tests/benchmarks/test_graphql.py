"""GraphQL beside REST, and what hot routes cost, in process over PostgreSQL; and how soon a hostile query is refused."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import httpx
import orjson
import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from http_api.app import create_app
from http_api.entry import create_handler
from http_api.graphql.context import Context
from http_api.graphql.known_queries import FOLDER
from http_api.graphql.serving import Server
from http_api.use_cases import UseCases
from spheroseg.adapters.hot_reads import CachedHotReads
from spheroseg.adapters.in_process import InProcessCache
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.accounts import PostgresAccounts
from spheroseg.adapters.postgres.batches import PostgresBatches
from spheroseg.adapters.postgres.connections import PooledConnection
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.images import PostgresImages
from spheroseg.adapters.postgres.projects import PostgresProjects
from spheroseg.adapters.postgres.revisions import PostgresRevisions
from spheroseg.adapters.postgres.run_batches import PostgresRunBatches
from spheroseg.adapters.postgres.segmentations import PostgresSegmentations
from spheroseg.adapters.postgres.stamps import PostgresStamps
from spheroseg.adapters.postgres.statistics import PostgresProjectStatistics
from spheroseg.domain.project import Project
from spheroseg.domain.segmentation import SegmentationStatus
from spheroseg.observability import logger
from spheroseg.ports import HotReads
from spheroseg.use_cases.read_account import ReadAccount
from spheroseg.use_cases.read_afresh import ReadAfresh
from spheroseg.use_cases.read_images import ReadImages
from spheroseg.use_cases.read_projects import ReadProjects
from spheroseg.use_cases.read_together import ReadTogether
from tests.benchmarks.conftest import Record, Sample
from tests.builders import NOW, OWNER, a_project, a_segmentation, a_spheroid, a_viewer, an_image
from tests.events import RecordedContext, recorded
from tests.functions.http_api.test_graphql_limits import REFUSED
from tests.functions.http_api.world import BehindGateway, World
from tests.postgres import running_servers

pytestmark = pytest.mark.benchmark

IMAGES, ROUNDS = 100, 30
QUERY = """query ($id: ID!) { project(id: $id) { name images(first: 100) { nodes { uuid name status createdAt sizeBytes
    latestSegmentation { uuid status model result { spheroidCount pixelSizeUm } } } pageInfo { endCursor } } } }"""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with running_servers() as servers:
        database = servers.database()
        yield database
        database.close()


@pytest.fixture(scope="module")
def project(database: Database) -> Project:
    project = a_project()
    PostgresProjects(database).add(project)
    images = [an_image(project, created_at=NOW + timedelta(seconds=number)) for number in range(IMAGES)]
    PostgresImages(database).add_many(images)
    segmentations = PostgresSegmentations(database)
    for image in images:
        running = a_segmentation(image, status=SegmentationStatus.RUNNING)
        segmentations.add(running)
        done = a_segmentation(image, status=SegmentationStatus.SUCCEEDED, queued_at=running.queued_at)
        segmentations.finish(running, done, [a_spheroid()])
    return project


def use_cases_on(database: Database, hot: HotReads | None = None) -> UseCases:
    """The use cases of the hot routes over PostgreSQL.

    Args:
        hot: The cache before them; None for none.
    """
    in_memory, hot = World().use_cases(), hot or ReadAfresh()
    projects, segmentations = PostgresProjects(database), PostgresSegmentations(database)
    return replace(
        in_memory,
        close_account=replace(in_memory.close_account, closings=PostgresAccountClosings(database)),
        read_projects=ReadProjects(projects, PostgresProjectStatistics(database), hot),
        read_images=ReadImages(projects, PostgresImages(database), segmentations, hot),
        read_segmentations=replace(
            in_memory.read_segmentations,
            images=PostgresImages(database),
            segmentations=segmentations,
            revisions=PostgresRevisions(database),
        ),
        read_runs=replace(in_memory.read_runs, projects=projects, batches=PostgresRunBatches(database)),
        read_account=ReadAccount(PostgresAccounts(database)),
        read_together=ReadTogether(PostgresBatches(database), segmentations),
    )


@pytest.fixture
def event_loop() -> Iterator[None]:
    """The thread's own, which the handler's adapter takes."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


class Statements:
    """How many statements went to PostgreSQL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        execute = PooledConnection.execute

        def counted(connection: PooledConnection, query: Any, *arguments: Any, **more: Any) -> Any:
            self.count += bool(query)
            return execute(connection, query, *arguments, **more)

        monkeypatch.setattr(PooledConnection, "execute", counted)


async def sampled(ask: Callable[[], Awaitable[Any]]) -> Sample:
    """Processor time of this process: what else runs on the machine does not count, nor does PostgreSQL."""
    sample = Sample()
    for _ in range(ROUNDS + 3):
        begun = time.process_time()
        await ask()
        sample.seconds.append(time.process_time() - begun)
    sample.seconds = sample.seconds[3:]
    return sample


def test_the_same_list_by_graphql_and_by_rest(
    database: Database, project: Project, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = BehindGateway(
        create_app(use_cases_on(database), lambda _: None, lambda _: None), {"sub": OWNER, "token_use": "access"}
    )
    statements = Statements(monkeypatch)

    async def measured() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.invalid") as client:

            async def by_rest() -> httpx.Response:
                await client.get(f"/v1/projects/{project.id}")
                return await client.get(f"/v1/projects/{project.id}/images?limit={IMAGES}")

            async def by_graphql() -> httpx.Response:
                return await client.post("/graphql", json={"query": QUERY, "variables": {"id": str(project.id)}})

            rest, graph = await by_rest(), await by_graphql()
            names = [item["name"] for item in rest.json()["items"]]
            assert [node["name"] for node in graph.json()["data"]["project"]["images"]["nodes"]] == names
            counts = []
            for ask in (by_rest, by_graphql):
                before = statements.count
                await ask()
                counts.append(statements.count - before)
            rest_time, graph_time = await sampled(by_rest), await sampled(by_graphql)
            baseline = f"REST, project and list of {IMAGES} in two requests"
            record("GraphQL, the same in one, p50", graph_time.p50_ms, "ms", baseline, rest_time.p50_ms)
            record("GraphQL, the same in one, p95", graph_time.p95_ms, "ms", baseline, rest_time.p95_ms)
            record("GraphQL, statements", counts[1], "", "REST, statements", counts[0])
            record("GraphQL, bytes", len(graph.content), "B", "REST, bytes of the list", len(rest.content))

    asyncio.run(measured())


@pytest.mark.usefixtures("event_loop")
def test_what_each_hot_route_costs(
    database: Database,
    project: Project,
    record: Record,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Through the function's own handler, from the gateway's event to its answer; the time is the processor's."""
    monkeypatch.setattr(logger.registered_handler, "stream", io.StringIO())
    monkeypatch.setattr("sys.stdout", io.StringIO())  # metrics are printed
    hot = CachedHotReads(PostgresStamps(database), InProcessCache())
    plain, cached = create_handler(use_cases_on(database)), create_handler(use_cases_on(database, hot))
    statements = Statements(monkeypatch)
    (image, *_) = PostgresImages(database).page(a_viewer(), project.id, None, 1)
    (run,) = PostgresSegmentations(database).of_image(a_viewer(), image.id)
    base = f"/v1/projects/{project.id}"
    routes = {
        "health": ("/health", ""),
        "get a project": (base, ""),
        "list 50 images": (f"{base}/images", "limit=50"),
        "list 50 images, three fields": (f"{base}/images", "limit=50&fields=id,name,status"),
        "list 50 images, from the cache": (f"{base}/images", "limit=50"),
        "statistics of a project": (f"{base}/statistics", ""),
        "statistics of a project, from the cache": (f"{base}/statistics", ""),
        "get an image": (f"/v1/images/{image.id}", ""),
        "list an image's segmentations": (f"/v1/images/{image.id}/segmentations", ""),
        "get a segmentation": (f"/v1/segmentations/{run.id}", ""),
        "list spheroids": (f"/v1/segmentations/{run.id}/spheroids", ""),
        "progress of a project": (f"{base}/runs/progress", ""),
        "usage": ("/v1/me/usage", ""),
    }
    baseline = 0.0
    for what, (path, query) in routes.items():
        event = recorded("http_api_aws")
        event |= {"rawPath": path, "rawQueryString": query}
        event["requestContext"]["http"]["path"] = path
        event["requestContext"]["authorizer"]["jwt"]["claims"] |= {"sub": OWNER, "token_use": "access"}
        handler = cached if what.endswith("from the cache") else plain
        sample, before = Sample(), 0
        for number in range(ROUNDS + 3):
            before, begun = statements.count, time.process_time()
            answer = handler(event, cast("LambdaContext", RecordedContext()))
            if number >= 3:
                sample.seconds.append(time.process_time() - begun)
            assert answer["statusCode"] == 200, answer
        baseline = baseline or sample.p50_ms
        record(f"{what}, statements", statements.count - before, "", "none", 0)
        record(f"{what}, processor time p50", sample.p50_ms, "ms", "health", baseline)
        record(f"{what}, requests/s of one core", 1000 / sample.p50_ms, "1/s", "health", 1000 / baseline)


def test_hostile_queries_are_refused_soon(record: Record) -> None:
    server, use_cases = Server(introspection=False), World().use_cases()

    async def measured(query: str) -> Sample:
        async def ask() -> None:
            answer = await server(Context(use_cases, a_viewer(), "benchmark"), query, {})
            assert "data" not in orjson.loads(answer.content)

        return await sampled(ask)

    for name, (query, _) in REFUSED.items():
        sample = asyncio.run(measured(query))
        record(f"refused: {name}, p95", sample.p95_ms, "ms", "goal", 20.0)


def test_counting_costs_little(record: Record) -> None:
    """Against answering the same query: parse, count and validation of a known query are skipped but for the count."""
    server, use_cases = Server(introspection=False), World().use_cases()
    query = (FOLDER / "account.graphql").read_text()

    async def fresh() -> None:
        server.kept.clear()
        await server(Context(use_cases, a_viewer(), "benchmark"), query, {})

    async def kept() -> None:
        await server(Context(use_cases, a_viewer(), "benchmark"), query, {})

    first, again = asyncio.run(sampled(fresh)), asyncio.run(sampled(kept))
    record("a validated query again, p50", again.p50_ms, "ms", "parsed and validated anew", first.p50_ms)
