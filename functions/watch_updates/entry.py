"""Socket events in, one use case each."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.errors import UnknownTicketError
from spheroseg.observability import logger, tracer
from spheroseg.use_cases.watch_updates import WatchUpdates

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, int]]


def create_handler(watch_updates: WatchUpdates) -> Handler:
    """Let in whoever brings a ticket; what a client says afterwards only keeps its connection from idling."""

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
        request = event["requestContext"]
        connection_id: str = request["connectionId"]
        match request["routeKey"]:
            case "$connect":
                ticket = (event.get("queryStringParameters") or {}).get("ticket", "")
                try:
                    watch_updates.connect(connection_id, ticket)
                except UnknownTicketError as error:
                    logger.warning("Socket refused", extra={"connection_id": connection_id, "code": error.code})
                    return {"statusCode": 403}
            case "$disconnect":
                watch_updates.disconnect(connection_id)
        logger.info("Socket event", extra={"connection_id": connection_id, "route": request["routeKey"]})
        return {"statusCode": 200}

    return handler
