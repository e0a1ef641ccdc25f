"""How much a query asks for, counted before anything is validated or run.

Cost is the number of objects that the answer may hold: the product of page sizes along the nesting, added up. A field
that is asked for twice counts twice, so that neither aliases nor fragments hide anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from http_api.graphql.costs import costs_of
from spheroseg.domain.paging import MAX_LIMIT

MAX_COST = 5_000
"""Objects: at about 1 KB each they fill the 6 MB of a Lambda's answer, and take under a second."""
MAX_DEPTH = 7
"""As in the earlier SpheroSeg. `nodes`, `edges` and `node` add no depth: a page and its items are one step."""
MAX_ROOT_FIELDS = 10
MAX_ALIASES = 30
"""Aliases and repeated fields together, as used: validation compares fields of one name pair by pair."""
MAX_FRAGMENTS = 20
MAX_SPREADS = 50
MAX_FIELDS = 500
"""Fields as used, fragments written out."""
MAX_TOKENS = 600
"""The queries of the release have up to 92; reading 1,000 takes over 20 ms of a busy core (docs/results.md)."""
NAME_ONE = "Name one query or mutation of those in the text as `operationName`"
MAX_QUERY_LENGTH = 20_000

Sized = tuple[int, tuple[str, ...]]
"""How long the lists right below a field may be, and which these are."""


class QueryRefusedError(Exception):
    """A query that is not run; the code is one of the catalogue."""

    def __init__(self, code: str, detail: str, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.retry_after_s = retry_after_s


@dataclass
class Asked:
    """What a part of a query adds up to."""

    cost: int = 0
    depth: int = 0
    aliases: int = 0
    fields: int = 0
    spreads: int = 0

    def add(self, other: "Asked", times: int = 1, steps: int = 0) -> None:
        """Count another part, repeated so often in the answer and so many steps down."""
        self.cost += times * other.cost
        self.depth = max(self.depth, other.depth + steps)
        self.aliases += other.aliases
        self.fields += other.fields
        self.spreads += other.spreads


def asked_by(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any],
    *,
    introspection: bool,
) -> Asked:
    """What the operation to be run asks for.

    Raises:
        QueryRefusedError: more than the limits allow, what is switched off, or no one operation.
    """
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    if len(fragments) > MAX_FRAGMENTS:
        raise QueryRefusedError("query-too-large", f"{len(fragments)} fragments are more than {MAX_FRAGMENTS}")
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    chosen = [node for node in operations if operation_name in {None, node.name and node.name.value}]
    if len(chosen) != 1:  # the library would run the first one
        raise QueryRefusedError("invalid-query", NAME_ONE)
    root = schema.get_root_type(chosen[0].operation)
    if root is None:
        raise QueryRefusedError("invalid-query", f"There are no {chosen[0].operation.value}s here")
    walk = _Walk(schema, fragments, {**_defaults(chosen[0]), **variables}, introspection=introspection)
    asked = walk.selections(chosen[0].selection_set, root, None)
    for what, count, limit, code in (
        ("aliases and repeated fields", asked.aliases, MAX_ALIASES, "query-too-large"),
        ("uses of fragments", asked.spreads, MAX_SPREADS, "query-too-large"),
        ("fields", asked.fields, MAX_FIELDS, "query-too-large"),
        ("steps of depth", asked.depth, MAX_DEPTH, "query-too-costly"),
        ("objects in the answer", asked.cost, MAX_COST, "query-too-costly"),
    ):
        if count > limit:
            shown = count if count < 10**9 else "over a billion"
            raise QueryRefusedError(code, f"The query asks for {shown} {what}; {limit} are allowed")
    roots = len(_fields_in(chosen[0].selection_set, fragments))  # last: the number of fragments is bounded now
    if roots > MAX_ROOT_FIELDS:
        raise QueryRefusedError("query-too-large", f"{roots} fields at the root are more than {MAX_ROOT_FIELDS}")
    return asked


@dataclass
class _Walk:
    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    introspection: bool
    known: dict[tuple[str, Sized | None], Asked] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def selections(self, selected: SelectionSetNode, parent: Any, size: Sized | None) -> Asked:
        """What a selection asks for; ``size`` is that of the lists right below a connection."""
        total = Asked()
        names: set[str] = set()
        for node in selected.selections:
            if isinstance(node, FieldNode):
                name = (node.alias or node.name).value
                is_extra = node.alias is not None or name in names
                names.add(name)
                total.add(Asked(aliases=int(is_extra), fields=1))
                self._add_field(total, node, parent, size)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = self.schema.get_type(condition.name.value) if condition else parent
                total.add(self.selections(node.selection_set, inner, size))
            elif isinstance(node, FragmentSpreadNode):
                total.add(Asked(spreads=1))
                total.add(self._fragment(node.name.value, size))
        return total

    def _fragment(self, name: str, size: Sized | None) -> Asked:
        """What a fragment asks for; counted once, however often it is used."""
        if name in self.open:
            raise QueryRefusedError("invalid-query", f"The fragment {name:.50} uses itself")
        if (name, size) not in self.known:
            fragment = self.fragments.get(name)
            if fragment is None:
                return Asked()
            self.open.add(name)
            parent = self.schema.get_type(fragment.type_condition.name.value)
            self.known[name, size] = self.selections(fragment.selection_set, parent, size)
            self.open.remove(name)
        return self.known[name, size]

    def _add_field(self, total: Asked, node: FieldNode, parent: Any, size: Sized | None) -> None:
        name = node.name.value
        if name in {"__schema", "__type"}:
            if not self.introspection:
                raise QueryRefusedError("introspection-off", "This stage does not describe its schema")
            return  # bounded by its tokens and by validation, which refuses lists nested in lists
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) or name not in parent.fields:
            total.add(Asked(depth=1))
            return
        definition = parent.fields[name]
        kind = get_named_type(definition.type)
        costs = costs_of(definition)
        in_page = parent.name.endswith(("Connection", "Edge")) and name in {"nodes", "edges", "node"}
        times = size[0] if size is not None and name in size[1] else 1
        below: Sized | None = None
        if costs.size is not None:
            found = self._size(node, costs.size.slicing_argument, costs.size.assumed_size)
            if costs.size.sized_fields:
                below = found, tuple(costs.size.sized_fields)
            else:
                times = found
        own = costs.weight if costs.weight is not None else int(is_composite_type(kind) and name != "edges")
        inner = self.selections(node.selection_set, kind, below) if node.selection_set else Asked()
        inner.cost += own
        total.add(inner, times, steps=0 if in_page else 1)

    def _size(self, node: FieldNode, argument: str | None, assumed: int | None) -> int:
        """How many items a list may have."""
        if argument is None:
            return assumed or MAX_LIMIT
        given = next((each.value for each in node.arguments or () if each.name.value == argument), None)
        size = self._number(given, argument)
        return assumed if size is None and assumed is not None else MAX_LIMIT if size is None else size

    def _number(self, given: ValueNode | None, argument: str) -> int | None:
        value: Any = None
        if isinstance(given, IntValueNode):
            value = int(given.value) if len(given.value) < 12 else MAX_COST + 1
        elif isinstance(given, ListValueNode):
            value = len(given.values)
        elif isinstance(given, VariableNode):
            value = self.variables.get(given.name.value)
        elif given is not None:  # an object: the list in it
            inner = [
                each for each in getattr(given, "fields", ()) if isinstance(each.value, ListValueNode | VariableNode)
            ]
            return max((self._number(each.value, argument) or 0 for each in inner), default=None)
        if isinstance(value, dict):
            value = max((len(each) for each in value.values() if isinstance(each, list)), default=None)
        if isinstance(value, list):
            return len(value)
        return max(value, 0) if isinstance(value, int) else None


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    """Default values of the operation's variables, as far as they are numbers."""
    found: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        default = definition.default_value
        if isinstance(default, IntValueNode):
            found[definition.variable.name.value] = int(default.value) if len(default.value) < 12 else MAX_COST + 1
    return found


def _fields_in(selected: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[FieldNode]:
    """The fields of a selection, fragments written out; these go in no circle any more."""
    found: list[FieldNode] = []
    for node in selected.selections:
        if isinstance(node, FieldNode):
            found.append(node)
        elif isinstance(node, InlineFragmentNode):
            found += _fields_in(node.selection_set, fragments)
        elif isinstance(node, FragmentSpreadNode) and node.name.value in fragments:
            found += _fields_in(fragments[node.name.value].selection_set, fragments)
    return found
