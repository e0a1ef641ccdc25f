"""Synthesised stages, as tests look at them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Template = dict[str, Any]


@dataclass(frozen=True)
class Synthesised:
    """One stage's assembly.

    Args:
        templates: By the end of the stack's name, such as ``data``.
        report: What the CDK's own validation and cdk-nag found.
    """

    name: str
    folder: Path
    templates: Mapping[str, Template]
    report: Mapping[str, Any]

    @classmethod
    def read(cls, name: str, folder: Path) -> "Synthesised":
        """The assembly in a folder."""
        pattern = re.compile(rf"spheroseg-{name}-(\w+)\.template\.json")
        templates = {
            match[1]: json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.iterdir())
            if (match := pattern.fullmatch(path.name))
        }
        return cls(name, folder, templates, json.loads((folder / "validation-report.json").read_text(encoding="utf-8")))

    def resources(self, kind: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Stack, logical id and properties of every resource of a type."""
        for stack, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if resource["Type"] == kind:
                    yield stack, logical_id, resource.get("Properties", {})

    def functions(self) -> dict[str, dict[str, Any]]:
        """Properties of our own functions by name; the CDK's own are left out."""
        suffix = ".handler.handler"
        return {
            properties["Handler"].removesuffix(suffix): properties
            for _, _, properties in self.resources("AWS::Lambda::Function")
            if properties["Handler"].endswith(suffix)
        }

    def outputs(self) -> set[str]:
        """Names of all outputs but those that stacks pass to one another."""
        return {
            name
            for template in self.templates.values()
            for name in template.get("Outputs", {})
            if not name.startswith("ExportsOutput")
        }


def texts(value: Any) -> list[str]:
    """All strings in a piece of a template."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return []
