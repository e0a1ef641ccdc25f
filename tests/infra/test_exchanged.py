"""The local stage is production but for what ``EXCHANGED`` names."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra_cdk.exchanged import EXCHANGED, Exchange
from tests.infra.stages import Synthesised, Template

HASHED_NAME = re.compile(r"spheroseg(?:production|local)(\w*?)[0-9A-F]{8,}$")


@dataclass(frozen=True)
class Difference:
    """One thing that is not alike in both stages.

    Args:
        kind: Which field of ``Exchange`` may name it.
        names: What it is called there; one of these must match.
        where: For people.
    """

    kind: str
    names: tuple[str, ...]
    where: str

    def is_named_by(self, exchange: Exchange) -> bool:
        """Whether the exchange lists it."""
        listed: tuple[str, ...] = getattr(exchange, self.kind)
        if self.kind in {"variables", "actions"}:
            return any(name.startswith(entry) for entry in listed for name in self.names)
        if self.kind == "resources":
            return any(_matches(entry, name) for entry in listed for name in self.names)
        return bool(set(listed) & set(self.names))


def _matches(entry: str, name: str) -> bool:
    kind, _, beginning = entry.partition("/")
    actual, _, logical_id = name.partition("/")
    return (actual == kind or (kind.endswith("::") and actual.startswith(kind))) and logical_id.startswith(beginning)


def same_names(stage: Synthesised, stack: str) -> dict[str, Any]:
    """A template's resources with the stage's name taken out of values and logical ids."""
    text = json.dumps(stage.templates[stack])
    for written in (f"spheroseg-{stage.name}", f"/spheroseg/{stage.name}/", f"SpheroSeg {stage.name}"):
        text = text.replace(written, written.replace(stage.name, "STAGE"))
    template: Template = json.loads(text)
    return {HASHED_NAME.sub("STAGE", logical_id): it for logical_id, it in template["Resources"].items()}


def differences(production: Synthesised, local: Synthesised) -> Iterator[Difference]:
    assert set(local.templates) <= set(production.templates), "local has no stack of its own"
    for stack in set(production.templates) - set(local.templates):
        yield Difference("stacks", (stack,), stack)
    for stack in local.templates:
        ours, theirs = same_names(production, stack), same_names(local, stack)
        for logical_id in set(ours) ^ set(theirs):
            kind = (ours.get(logical_id) or theirs[logical_id])["Type"]
            yield Difference("resources", (f"{kind}/{logical_id}",), f"{stack}/{logical_id}")
        for logical_id in set(ours) & set(theirs):
            yield from _of_resource(f"{stack}/{logical_id}", ours[logical_id], theirs[logical_id])


def _of_resource(where: str, ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[Difference]:
    kind = ours["Type"]
    assert theirs["Type"] == kind
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        if ours.get(name) != theirs.get(name):
            yield Difference("properties", (f"{kind}.{name}", f"*.{name}"), where)
    left, right = ours.get("Properties", {}), theirs.get("Properties", {})
    for name in set(left) | set(right):
        before, after = left.get(name), right.get(name)
        if before == after or name in {"Tags", "UserPoolTags"}:
            continue
        if name == "Environment":
            yield from _of_environment(where, before["Variables"], after["Variables"])
        elif kind == "AWS::IAM::Policy":
            yield from _of_policy(where, before["Statement"], after["Statement"])
        else:
            yield Difference("properties", (f"{kind}.{name}",), f"{where}.{name}")


def _of_environment(where: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    for name in set(before) | set(after):
        if before.get(name) != after.get(name) and name != "SPHEROSEG_STAGE":
            yield Difference("variables", (name,), f"{where}.{name}")


def _of_policy(where: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    for statement in [it for it in before if it not in after] + [it for it in after if it not in before]:
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            yield Difference("actions", (action,), where)


def test_stages_differ_only_in_what_is_named(production: Synthesised, local: Synthesised) -> None:
    unnamed = {
        (difference.kind, difference.names[0], difference.where)
        for difference in differences(production, local)
        if not any(difference.is_named_by(exchange) for exchange in EXCHANGED)
    }
    assert not unnamed


@pytest.mark.parametrize("exchange", EXCHANGED, ids=lambda exchange: exchange.part)
def test_whatever_is_named_is_exchanged(production: Synthesised, local: Synthesised, exchange: Exchange) -> None:
    assert exchange.reason
    found = list(differences(production, local))
    for kind in ("stacks", "resources", "properties", "variables", "actions"):
        for entry in getattr(exchange, kind):
            only = Exchange("", "", "", "", **{kind: (entry,)})
            assert any(difference.is_named_by(only) for difference in found), f"{kind} {entry} is alike in both"


def test_the_local_stage_has_nothing_that_the_emulator_refuses(local: Synthesised) -> None:
    refused = {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::EC2::EIP",
        "AWS::EC2::NatGateway",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::RDS::DBProxy",
        "AWS::RDS::DBProxyTargetGroup",
    }
    kinds = {resource["Type"] for template in local.templates.values() for resource in template["Resources"].values()}
    assert not kinds & refused
    assert "ProviderURL" not in json.dumps(local.templates)
