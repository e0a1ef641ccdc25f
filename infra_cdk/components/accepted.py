"""Findings of the checks that we live with, each beside the part that it is about."""

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(part: IConstruct, rule: str, reason: str) -> None:
    """Let a part break a rule of the checks, such as ``AwsSolutions-IAM5[Resource::*]``, and say why."""
    Validations.of(part).acknowledge(Acknowledgment(id=rule, reason=reason))
