"""JSON schemas that every client takes: no references, no titles, no unions with null."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


def input_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a tool's arguments."""
    return _plain(kind.model_json_schema(mode="validation"))


def output_schema(kind: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a tool's answer."""
    schema = _plain(kind.model_json_schema(mode="validation"))
    schema.pop("additionalProperties", None)
    return schema


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    definitions = schema.pop("$defs", {})
    plain = _inlined(schema, definitions)
    plain.pop("description", None)
    return plain


def _inlined(node: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        named = {name: value for name, value in node.items() if name != "$ref"}
        return _inlined({**target, "description": "", **named}, definitions)
    return _without_noise(_without_null(node), definitions)


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """Return ``node`` without the null of an optional field: leaving a field out says the same."""
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) != 1:
        return node
    rest = {name: value for name, value in node.items() if name != "anyOf"}
    return {**choices[0], **rest}


def _without_noise(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Drop what pydantic adds and no reader needs: titles, empty defaults, empty words."""
    if "$ref" in node:
        return dict(_inlined(node, definitions))
    kept: dict[str, Any] = {}
    for name, value in node.items():
        if name == "properties":
            kept[name] = {field: _inlined(inner, definitions) for field, inner in value.items()}
        elif not _noise(name, value):
            kept[name] = _inlined(value, definitions)
    return kept


def _noise(name: str, value: Any) -> bool:
    if name == "default":
        return value is None or value == "" or isinstance(value, list | dict)
    return name == "title" or (name == "description" and value == "")
