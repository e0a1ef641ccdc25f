"""A deployment in, the schema's revision out."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.observability import logger, tracer

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, str]]


def create_handler(migrate: Callable[[], str]) -> Handler:
    """Run the migrations that are missing; running them again changes nothing."""

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, str]:
        revision = migrate()
        logger.info("Database migrated", extra={"revision": revision, "request": event.get("RequestType", "invoke")})
        return {"revision": revision}

    return handler
