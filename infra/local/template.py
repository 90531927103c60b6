"""Reads template.yaml, the one place that says what the resources are like. Runs in the tools' virtual environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# What refers to another resource, by its logical id.
Reference = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, `!Ref X` for `{Ref: X}`."""


def _short_form(loader: _Loader, tag: str, node: yaml.Node) -> Reference:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise yaml.YAMLError(f"!{tag} stands before something unknown")
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)


def load_resources(template: Path) -> dict[str, dict[str, Any]]:
    """The resources by logical id, each with `Type` and `Properties`."""
    with template.open() as file:
        document = yaml.load(file, Loader=_Loader)
    resources: dict[str, dict[str, Any]] = document["Resources"]
    return resources


def target_of(reference: Any) -> str | None:
    """The logical id that a `!Ref` or `!GetAtt` names."""
    if not isinstance(reference, dict):
        return None
    if "Ref" in reference:
        return str(reference["Ref"])
    attribute = reference.get("Fn::GetAtt")
    return str(attribute[0]) if attribute else None
