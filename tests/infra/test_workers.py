"""The workers of production: what one is given, and how many there are."""

from math import ceil
from typing import Any

import pytest
from aws_cdk.assertions import Match, Template

from infra_cdk.config import PRODUCTION
from tests.infra.stages import Synthesised, texts


def test_a_worker_holds_one_gpu_and_is_given_time_to_stop(production: Synthesised) -> None:
    Template.from_json(production.templates["segmentation"]).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "NetworkMode": "awsvpc",
            "ContainerDefinitions": [
                Match.object_like(
                    {
                        "ResourceRequirements": [{"Type": "GPU", "Value": "1"}],
                        "StopTimeout": 120,
                        "HealthCheck": Match.object_like(
                            {"Command": ["CMD", "python", "-m", "segmentation_worker.health"]}
                        ),
                    }
                )
            ],
        },
    )


def test_workers_scale_on_backlog_per_task_from_zero(production: Synthesised) -> None:
    assert PRODUCTION.gpu is not None
    segmentation = Template.from_json(production.templates["segmentation"])
    segmentation.has_resource_properties(
        "AWS::AutoScaling::AutoScalingGroup", {"MinSize": "0", "MaxSize": str(PRODUCTION.gpu.max_tasks)}
    )
    segmentation.has_resource_properties(
        "AWS::ApplicationAutoScaling::ScalableTarget",
        {"MinCapacity": 0, "MaxCapacity": PRODUCTION.gpu.max_tasks, "ScalableDimension": "ecs:service:DesiredCount"},
    )
    for _, _, service in production.resources("AWS::ECS::Service"):
        assert "DesiredCount" not in service, "a deployment would set it against the backlog"
    policies = {
        properties["PolicyType"]: properties
        for stack, _, properties in production.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
        if stack == "segmentation"
    }
    tracked = policies["TargetTrackingScaling"]["TargetTrackingScalingPolicyConfiguration"]
    assert tracked["TargetValue"] == PRODUCTION.gpu.backlog_per_task
    metrics = {it["Id"]: it for it in tracked["CustomizedMetricSpecification"]["Metrics"]}
    (result,) = (it for it in metrics.values() if it["ReturnData"])
    assert set(metrics) - {result["Id"]} == {
        *(f"{kind}{n}" for kind in ("waiting", "lent") for n in range(3)),
        "held",
        "tasks",
    }
    assert all(name in result["Expression"] for name in metrics if name != result["Id"])
    assert policies["StepScaling"]["StepScalingPolicyConfiguration"]["StepAdjustments"] == [
        {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}
    ]


def backlog_per_task(expression: str, values: dict[str, float]) -> float:
    """The value of a CloudWatch expression, by Python's own arithmetic."""
    source = expression.replace("FILL(", "fill(").replace("IF(", "choose(").replace(" AND ", " and ")
    known: dict[str, Any] = {"fill": lambda value, _: value, "choose": lambda test, yes, no: yes if test else no}
    return float(eval(source, {"__builtins__": {}}, known | values))


@pytest.mark.parametrize(
    ("waiting", "lent", "held", "tasks", "expected"),
    [
        (0, 0, 0, 0, 0),
        (9, 0, 0, 0, 9),
        (9, 3, 0, 1, 12),
        (90, 10, 0, 4, 25),
        (0, 2, 0, 2, 1),
        (180, 20, 9_800, 4, 2_500),
    ],
)
def test_the_backlog_counts_what_waits_what_is_lent_and_what_is_in_turn(
    production: Synthesised, waiting: int, lent: int, held: int, tasks: int, expected: float
) -> None:
    (policy,) = (
        properties["TargetTrackingScalingPolicyConfiguration"]
        for _, _, properties in production.resources("AWS::ApplicationAutoScaling::ScalingPolicy")
        if properties["PolicyType"] == "TargetTrackingScaling"
    )
    (result,) = (it for it in policy["CustomizedMetricSpecification"]["Metrics"] if it["ReturnData"])
    values = {f"waiting{n}": waiting / 3 for n in range(3)} | {f"lent{n}": lent / 3 for n in range(3)}
    assert backlog_per_task(result["Expression"], values | {"held": held, "tasks": tasks}) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("waiting", "tasks", "rings"), [(0, 0, False), (1, 0, True), (500, 0, True), (500, 1, False), (0, 3, False)]
)
def test_the_first_task_starts_when_messages_wait_and_none_runs(
    production: Synthesised, waiting: int, tasks: int, rings: bool
) -> None:
    (alarm,) = (
        properties for stack, _, properties in production.resources("AWS::CloudWatch::Alarm") if stack == "segmentation"
    )
    (result,) = (it for it in alarm["Metrics"] if it.get("Expression"))
    values = {f"waiting{n}": float(waiting if n == 2 else 0) for n in range(3)}
    value = backlog_per_task(result["Expression"], values | {"tasks": tasks})
    assert (value >= alarm["Threshold"]) is rings
    assert any("firsttask" in text for text in texts(alarm["AlarmActions"]))


def test_exports_are_written_on_fargate_by_as_many_tasks_as_wait_and_never_by_fewer_while_they_do(
    production: Synthesised,
) -> None:
    assert PRODUCTION.exports is not None
    exports = Template.from_json(production.templates["exports"])
    exports.has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "RequiresCompatibilities": ["FARGATE"],
            "Cpu": str(PRODUCTION.exports.cpu_units),
            "Memory": str(PRODUCTION.exports.memory_mib),
            "ContainerDefinitions": [Match.object_like({"StopTimeout": PRODUCTION.exports.stop_timeout_s})],
        },
    )
    exports.has_resource_properties("AWS::ECS::Service", {"LaunchType": "FARGATE"})
    steps = [
        step
        for _, policy in sorted(exports.find_resources("AWS::ApplicationAutoScaling::ScalingPolicy").items())
        for step in policy["Properties"]["StepScalingPolicyConfiguration"]["StepAdjustments"]
    ]
    assert [step["ScalingAdjustment"] for step in steps] == [0, *range(1, PRODUCTION.exports.max_tasks + 1)]
    expressions = {
        metric["Expression"]
        for alarm in exports.find_resources("AWS::CloudWatch::Alarm").values()
        for metric in alarm["Properties"]["Metrics"]
        if metric.get("Expression", "").startswith("IF(")
    }
    (wanted,) = expressions
    for held, tasks, expected in ((0, 3, 0), (1, 0, 1), (3, 0, 1), (4, 0, 2), (1, 3, 3), (99, 1, 33)):
        known: dict[str, Any] = {
            "FILL": lambda value, _: value,
            "IF": lambda test, yes, no: yes if test else no,
            "MAX": max,
            "CEIL": ceil,
        }
        assert eval(wanted, {"__builtins__": {}}, known | {"held": held, "tasks": tasks}) == expected
