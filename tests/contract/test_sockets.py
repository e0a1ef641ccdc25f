"""The sending side of the socket, in memory and on API Gateway (the emulator here)."""

import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from time import sleep
from typing import Any

import boto3
import pytest
from websockets.sync.client import ClientConnection, connect

from infra_cdk.local.emulator import ACCOUNT
from spheroseg.adapters import aws as clients
from spheroseg.adapters.sockets import ApiGatewaySockets
from spheroseg.errors import ConnectionGoneError, SocketsUnavailableError
from spheroseg.ports import WatcherSockets
from tests.builders import an_id
from tests.fakes import InMemoryWatcherSockets

WHO_AM_I = """
def handler(event, context):
    print("asked")
    return {"statusCode": 200, "body": event["requestContext"]["connectionId"]}
"""


@pytest.fixture
def api(aws: Mapping[str, str]) -> tuple[str, str]:
    """A WebSocket API that tells each connection its id: where clients connect, and where we push."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("index.py", WHO_AM_I)
    function = boto3.client("lambda").create_function(
        FunctionName=f"who-{an_id()}",
        Runtime="python3.11",
        Role=f"arn:aws:iam::{ACCOUNT}:role/test",
        Handler="index.handler",
        Code={"ZipFile": archive.getvalue()},
    )["FunctionArn"]
    gateway: Any = boto3.client("apigatewayv2")  # type: ignore[call-overload, unused-ignore]
    api_id = gateway.create_api(
        Name="sockets", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )["ApiId"]
    integration = gateway.create_integration(ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=function)
    gateway.create_route(ApiId=api_id, RouteKey="$default", Target=f"integrations/{integration['IntegrationId']}")
    gateway.create_stage(ApiId=api_id, StageName="live", AutoDeploy=True)
    address = f"{aws['AWS_ENDPOINT_URL'].removeprefix('http://')}/_aws/execute-api/{api_id}/live"
    return f"ws://{address}", f"http://{address}"


@pytest.fixture
def connection(api: tuple[str, str]) -> Iterator[tuple[ClientConnection, str]]:
    """An open connection and its id."""
    with connect(api[0]) as socket:
        socket.send("who am I?")
        yield socket, str(socket.recv(timeout=20))


@pytest.fixture(params=["in_memory", "api_gateway"])
def sockets_and_seen(
    request: pytest.FixtureRequest,
) -> tuple[WatcherSockets, str, Callable[[], str], Callable[[], None]]:
    """The sockets, an open connection's id, what it was sent last, and how it is closed."""
    if request.param == "in_memory":
        fake = InMemoryWatcherSockets()
        return fake, "A=", lambda: fake.sent[-1][1], lambda: fake.gone.add("A=")
    socket, connection_id = request.getfixturevalue("connection")
    sockets = ApiGatewaySockets(clients.sockets_client(request.getfixturevalue("api")[1]))
    return sockets, connection_id, lambda: socket.recv(timeout=5), socket.close


def test_text_is_pushed_until_the_connection_is_closed(
    sockets_and_seen: tuple[WatcherSockets, str, Callable[[], str], Callable[[], None]],
) -> None:
    sockets, connection_id, seen, close = sockets_and_seen
    sockets.send(connection_id, '{"status": "µ ✓"}')
    assert seen() == '{"status": "µ ✓"}'
    close()
    assert is_gone_soon(sockets, connection_id)


def is_gone_soon(sockets: WatcherSockets, connection_id: str) -> bool:
    """Whether a closed connection is reported as gone, a moment later at most: the gateway has to notice."""
    for _ in range(100):
        try:
            sockets.send(connection_id, "still there?")
        except ConnectionGoneError:
            return True
        sleep(0.02)
    return False


def test_a_connection_that_never_was_is_gone(api: tuple[str, str]) -> None:
    with pytest.raises(ConnectionGoneError):
        ApiGatewaySockets(clients.sockets_client(api[1])).send("bm9ib2R5", "{}")


def test_a_gateway_that_cannot_be_reached_is_unavailable(aws: Mapping[str, str]) -> None:
    with pytest.raises(SocketsUnavailableError):
        ApiGatewaySockets(clients.sockets_client("http://127.0.0.1:9/live")).send("bm9ib2R5", "{}")
