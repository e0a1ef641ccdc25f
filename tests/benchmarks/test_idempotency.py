"""What an idempotency key costs a request, in process over PostgreSQL; and what its record costs in DynamoDB beside it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

import boto3
import httpx
import pytest
from aws_lambda_powertools.utilities.idempotency import DynamoDBPersistenceLayer, IdempotencyConfig

from http_api.app import create_app
from http_api.idempotency import HEADER, REPLAYED, Records
from spheroseg.adapters.postgres.kept_answers import PostgresKeptAnswers
from spheroseg.adapters.postgres.projects import PostgresProjects
from tests.benchmarks.conftest import Record, Sample
from tests.builders import OWNER
from tests.functions.http_api.world import BehindGateway, World
from tests.postgres import Servers

pytestmark = pytest.mark.benchmark

ROUNDS = 100
ANSWER = {"sealed": "A" * 2_000}


def test_the_cost_of_a_key(servers: Servers, record: Record) -> None:
    database = servers.database()
    in_memory = World().use_cases()
    projects = PostgresProjects(database)
    use_cases = replace(
        in_memory,
        create_project=replace(in_memory.create_project, projects=projects),
        kept_answers=PostgresKeptAnswers(database),
    )
    unkept: list[Exception] = []
    app = BehindGateway(create_app(use_cases, lambda _: None, unkept.append), {"sub": OWNER, "token_use": "access"})

    async def measured() -> tuple[Sample, Sample, Sample]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api.invalid") as client:

            async def made(key: str | None) -> httpx.Response:
                answer = await client.post("/v1/projects", json={"name": "a"}, headers={HEADER: key} if key else None)
                assert answer.status_code == 201
                return answer

            first = str(uuid4())
            await made(first)
            assert (await made(first)).headers[REPLAYED] == "true"
            return await sampled(lambda: made(None), lambda: made(str(uuid4())), lambda: made(first))

    plain, keyed, again = asyncio.run(measured())
    assert unkept == []
    baseline = "POST /v1/projects without a key"
    record("POST /v1/projects with a key, p50", keyed.p50_ms, "ms", baseline, plain.p50_ms)
    record("the same again under its key, p50", again.p50_ms, "ms", baseline, plain.p50_ms)
    database.close()


async def sampled(*asks: Callable[[], Awaitable[Any]]) -> tuple[Sample, Sample, Sample]:
    """In turns, so that whatever else the machine does meets all alike."""
    samples = Sample(), Sample(), Sample()
    for _ in range(ROUNDS):
        for ask, sample in zip(asks, samples, strict=True):
            begun = time.perf_counter()
            await ask()
            sample.seconds.append(time.perf_counter() - begun)
    return samples


def test_the_cost_of_a_record(servers: Servers, aws: Mapping[str, str], record: Record) -> None:
    boto3.client("dynamodb").create_table(
        TableName="records",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    in_dynamodb = DynamoDBPersistenceLayer(table_name="records")
    in_dynamodb.configure(
        IdempotencyConfig(event_key_jmespath="key", payload_validation_jmespath="request", hash_function="sha256"),
        key_prefix="http_api",
    )
    database = servers.database()
    layers = {"PostgreSQL": Records(PostgresKeptAnswers(database)), "DynamoDB of the emulator": in_dynamodb}
    samples = {name: Sample() for name in layers}
    for _ in range(ROUNDS):
        for name, layer in layers.items():
            call = {"key": {"key": str(uuid4())}, "request": {"body": "a"}}
            begun = time.perf_counter()
            layer.save_inprogress(call, 10_000)
            layer.save_success(call, ANSWER)
            samples[name].seconds.append(time.perf_counter() - begun)
    database.close()
    ours, theirs = samples.values()
    record("record in PostgreSQL, p50", ours.p50_ms, "ms", "in DynamoDB of the emulator", theirs.p50_ms)
    record("record in PostgreSQL, p95", ours.p95_ms, "ms", "in DynamoDB of the emulator", theirs.p95_ms)
