"""The one logger, tracer and metrics, by AWS Powertools; imported by entry points and adapters only.

Service name and level come from ``POWERTOOLS_SERVICE_NAME`` and ``POWERTOOLS_LOG_LEVEL``. Lines are JSON on standard
output, metrics are lines too (CloudWatch's embedded metric format), and traces need Lambda's daemon: the worker uses
the first two alike and the tracer stays silent there.
"""

from aws_lambda_powertools import Logger, Metrics, Tracer

METRICS_NAMESPACE = "SpheroSeg"

logger = Logger(utc=True, use_rfc3339=True)

metrics = Metrics(namespace=METRICS_NAMESPACE)

# Left to itself the X-Ray SDK imports and wraps every library that it knows: SQLAlchemy, which only migrations use, and
# the pool of database connections, whose connections would then no longer be ours.
tracer = Tracer(patch_modules=("botocore",))
