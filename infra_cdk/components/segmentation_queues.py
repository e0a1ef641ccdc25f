"""The three queues that workers read, one for each priority."""

from collections.abc import Iterator

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra_cdk.components.queue import Queue
from infra_cdk.config import StageConfig

PRIORITIES = ("high", "normal", "low")
LOAN_S = 30
"""How long a worker may be silent before its message is lent to another; it extends the loan every 10 s while it
computes (docs/decisions.md, the worker's liveness)."""


class SegmentationQueues(Construct):
    """Segmentations to run, by priority."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, dead_letter_visibility_s: int
    ) -> None:
        super().__init__(scope, construct_id)
        self.by_priority = {
            priority: Queue(
                self,
                priority,
                stage=stage,
                visibility_s=LOAN_S,
                dead_letter_visibility_s=dead_letter_visibility_s,
            )
            for priority in PRIORITIES
        }

    def __iter__(self) -> Iterator[Queue]:
        """The queues, the most urgent first."""
        return iter(self.by_priority.values())

    def environment(self) -> dict[str, str]:
        """What ``QueueSettings`` reads."""
        return {
            f"SPHEROSEG_QUEUE_URL_{priority.upper()}": queue.queue.queue_url
            for priority, queue in self.by_priority.items()
        }

    def grant_send(self, grantee: iam.IGrantable) -> None:
        """Let it send to all three, and count what they hold."""
        for queue in self:
            queue.queue.grant_send_messages(grantee)

    def grant_consume(self, grantee: iam.IGrantable) -> None:
        """Let it receive, extend and delete in all three."""
        for queue in self:
            queue.queue.grant_consume_messages(grantee)
