"""Requests of the gateway in, answers out; one log line for each."""

from collections.abc import Callable
from typing import Any, cast

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from mangum import Mangum
from mangum.types import LambdaContext as MangumContext

from http_api.app import create_app
from http_api.correlation import correlation_id_of
from http_api.envelope import Answered
from http_api.use_cases import UseCases
from spheroseg.observability import logger, metrics, tracer

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

TEXT_TYPES = ["text/", "application/json", "application/problem+json", "application/geo+json"]
"""What goes back as text; anything else the gateway gets as base64."""


def create_handler(use_cases: UseCases) -> Handler:
    """Serve the HTTP API from behind an API Gateway HTTP API with payload format 2.0."""
    app = create_app(use_cases, _report, _report_unkept)
    # Its lifespan would run at each request.
    serve = Mangum(app, lifespan="off", text_mime_types=TEXT_TYPES)

    @logger.inject_lambda_context(clear_state=True)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
        logger.set_correlation_id(correlation_id_of(event, headers))
        return serve(event, cast("MangumContext", context))

    served: Handler = handler
    return served


def _report_unkept(error: Exception) -> None:
    """An answer that was given and not kept for repeats."""
    metrics.add_metric(name="AnswerNotKept", unit=MetricUnit.Count, value=1)
    logger.error("Answer not kept", exc_info=error)


def _report(answered: Answered) -> None:
    """The log line and the metrics of one answer; ids and templates only, never names, tokens or queries."""
    facts = {
        "method": answered.method,
        "route": answered.route,
        "status": answered.status,
        "duration_ms": round(answered.duration_s * 1000, 1),
        **answered.ids,
    }
    if answered.is_replayed:
        facts["replayed"] = True
        metrics.add_metric(name="RequestReplayed", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="RequestAnswered", unit=MetricUnit.Count, value=1)
    metrics.add_metric(name="RequestDuration", unit=MetricUnit.Milliseconds, value=answered.duration_s * 1000)
    if answered.status >= 500:
        metrics.add_metric(name="RequestFailed", unit=MetricUnit.Count, value=1)
    if answered.error is not None:
        logger.error("Request failed", extra=facts, exc_info=answered.error)
    elif answered.status >= 500:
        logger.error("Request not served", extra=facts)
    else:
        logger.info("Request answered", extra=facts)
