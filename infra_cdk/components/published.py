"""Metrics that our own code publishes, by name and by the function or worker that does."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

NAMESPACE = "SpheroSeg"
"""``METRICS_NAMESPACE`` in ``spheroseg/observability.py``."""


def published(
    name: str, service: str, *, period: Duration, statistic: str = "Sum", label: str | None = None
) -> cloudwatch.Metric:
    """The metric of that name; ``service`` is what its publisher finds in ``POWERTOOLS_SERVICE_NAME``."""
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={"service": service},
        statistic=statistic,
        period=period,
        label=label,
    )


def share_of_hits(service: str, *, period: Duration) -> cloudwatch.MathExpression:
    """Reads that the cache answered, in percent of those that it was asked for."""
    return cloudwatch.MathExpression(
        label="Hits, %",
        expression="100 * FILL(hits, 0) / (FILL(hits, 0) + FILL(misses, 0))",
        using_metrics={
            "hits": published("CacheHit", service, period=period),
            "misses": published("CacheMiss", service, period=period),
        },
        period=period,
    )
