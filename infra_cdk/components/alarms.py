"""Alarms that ring in one place."""

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra_cdk.components.function import Function
from infra_cdk.components.queue import Queue
from infra_cdk.config import StageConfig

FIVE_MINUTES = Duration.minutes(5)


class Alarms(Construct):
    """A topic, and what rings on it; whoever is to hear it subscribes to the topic.

    Each alarm says what is wrong and what to do about it. Missing points are no fault: nothing happened then.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id)
        self.topic = sns.Topic(
            self, "topic", display_name=f"SpheroSeg {stage.name} alarms", enforce_ssl=stage.enforce_tls
        )
        self.all: list[cloudwatch.Alarm] = []

    def when(
        self,
        name: str,
        metric: cloudwatch.IMetric,
        threshold: float,
        *,
        periods: int = 1,
        description: str,
    ) -> cloudwatch.Alarm:
        """Ring while a metric is at or above a threshold for that many of its periods on end."""
        alarm = cloudwatch.Alarm(
            self,
            name,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.topic))
        self.all.append(alarm)
        return alarm

    def when_dead_letters_come(self, name: str, queue: Queue) -> None:
        """Ring when a message was given up, whether a function takes it out at once or it lies there."""
        self.when(
            f"{name}-dead-letters-read",
            queue.dead_letters.metric_number_of_messages_received(statistic="Sum", period=FIVE_MINUTES),
            1,
            description=f"Messages of {name} failed three times; the log of dead_letters names them",
        )
        self.when(
            f"{name}-dead-letters-left",
            queue.dead_letters.metric_approximate_number_of_messages_visible(statistic="Maximum", period=FIVE_MINUTES),
            1,
            periods=3,
            description=f"Dead letters of {name} lie unread: read them, mend the cause, then move them back",
        )

    def when_messages_grow_old(self, name: str, queue: Queue, after_s: int) -> None:
        """Ring when the oldest message waits longer than it may."""
        self.when(
            f"{name}-oldest-message",
            queue.queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=Duration.minutes(1)),
            after_s,
            periods=3,
            description=f"The oldest message of {name} waits for {after_s} s: its reader fails or is too slow",
        )

    def when_function_fails(self, function: Function, name: str, errors: int) -> None:
        """Ring when calls end in an error, or are refused because too many run at once."""
        self.when(
            f"{name}-errors",
            function.metric_errors(statistic="Sum", period=FIVE_MINUTES),
            errors,
            description=f"{name} failed {errors} times in 5 minutes; its log says why",
        )
        self.when(
            f"{name}-throttles",
            function.metric_throttles(statistic="Sum", period=FIVE_MINUTES),
            errors,
            periods=3,
            description=f"{name} is called more often at once than it may run",
        )
