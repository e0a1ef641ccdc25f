"""Where log lines go."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra_cdk.config import StageConfig

RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_group(scope: Construct, construct_id: str, stage: StageConfig, name: str) -> logs.LogGroup:
    """A log group that keeps its lines as long as the stage says.

    It goes with its stack: a kept one would stand in the way when a stateless stack is made again.

    Args:
        name: What comes after ``/spheroseg/<stage>/``, or a whole name, which starts with a slash.
    """
    return logs.LogGroup(
        scope,
        construct_id,
        log_group_name=name if name.startswith("/") else f"/spheroseg/{stage.name}/{name}",
        retention=RETENTION[stage.log_retention_days],
        removal_policy=RemovalPolicy.DESTROY,
    )
