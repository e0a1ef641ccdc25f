"""The sending side of the socket, on API Gateway's ``@connections``."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from spheroseg.errors import ConnectionGoneError, SocketsUnavailableError

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient

GONE = frozenset({"GoneException", "410", "BadRequestException"})
"""A connection that was closed; an id that never was one is answered with BadRequestException."""


class ApiGatewaySockets:
    """The connections of one WebSocket API."""

    def __init__(self, client: "ApiGatewayManagementApiClient") -> None:
        self._client = client

    def send(self, connection_id: str, content: str) -> None:
        """Push text to one connection.

        Raises:
            ConnectionGoneError: the connection was closed.
            SocketsUnavailableError: API Gateway does not answer, or refuses.
        """
        try:
            self._client.post_to_connection(ConnectionId=connection_id, Data=content.encode())
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if code in GONE:
                raise ConnectionGoneError(f"Connection {connection_id} was closed") from error
            raise SocketsUnavailableError(f"The socket refuses: {code}") from error
        except BotoCoreError as error:
            raise SocketsUnavailableError("The socket does not answer") from error
