"""The CloudFormation resource under a construct, for properties that the construct does not name."""

from typing import TypeVar

from constructs import IConstruct

Resource = TypeVar("Resource")


def resource_of(construct: IConstruct, kind: type[Resource]) -> Resource:
    """The resource that a construct stands for.

    Raises:
        TypeError: it is of another kind.
    """
    child = construct.node.default_child
    if not isinstance(child, kind):
        raise TypeError(f"{construct.node.path} is no {kind.__name__}")
    return child
