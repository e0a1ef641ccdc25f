"""Queues, each with its dead letters."""

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.config import MAX_RECEIVES, StageConfig

RETENTION = Duration.days(4)
DEAD_LETTER_RETENTION = Duration.days(14)


class Queue(Construct):
    """A queue that gives a message up after it was delivered three times.

    A message keeps its age when it is given up, hence dead letters are kept ten days longer than others.

    Args:
        visibility_s: How long a message is lent: six times its function's timeout, or what a worker renews.
        dead_letter_visibility_s: The same for the reader of the dead letters.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        visibility_s: int,
        dead_letter_visibility_s: int = 30,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = self._queue("dead-letters", stage, dead_letter_visibility_s, DEAD_LETTER_RETENTION)
        self.queue = self._queue(
            "queue",
            stage,
            visibility_s,
            RETENTION,
            sqs.DeadLetterQueue(max_receive_count=MAX_RECEIVES, queue=self.dead_letters),
        )

    def _queue(
        self,
        construct_id: str,
        stage: StageConfig,
        visibility_s: int,
        retention: Duration,
        dead_letters: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            construct_id,
            visibility_timeout=Duration.seconds(visibility_s),
            retention_period=retention,
            receive_message_wait_time=Duration.seconds(20),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=stage.enforce_tls,
            dead_letter_queue=dead_letters,
            removal_policy=RemovalPolicy.DESTROY,
        )
