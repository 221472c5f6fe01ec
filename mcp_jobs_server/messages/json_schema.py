"""JSON schemas that every client accepts: no references, no titles, no unions with null."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def answer_schema(kind: type[BaseModel]) -> Schema:
    """Return the output schema of a tool, one level deep.

    It is sent with every listing of the tools; nested fields would double the size of the list.
    """
    schema = schema_of(kind)
    fields: dict[str, Schema] = schema["properties"]
    shallow = {name: _shallow(field) for name, field in fields.items()}
    return {"type": "object", "properties": shallow, "required": schema["required"]}


def _shallow(field: Schema) -> Schema:
    return {name: field[name] for name in ("type", "description", "enum") if name in field}


def schema_of(kind: type[BaseModel]) -> Schema:
    """Return the whole input schema of a tool."""
    schema = kind.model_json_schema()
    definitions = schema.pop("$defs", {})
    plain = _plain(schema, definitions)
    plain.pop("description", None)
    return plain


def _plain(node: Schema, definitions: Schema) -> Schema:
    """Return ``node`` with references resolved and without redundant entries, at any depth."""
    node = _without_null(node)
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        own = {name: value for name, value in node.items() if name != "$ref"}
        return _plain({**target, "description": "", **own}, definitions)
    kept = {name: value for name, value in node.items() if not _is_noise(name, value)}
    if "properties" in kept:
        fields: dict[str, Schema] = kept["properties"]
        kept["properties"] = {name: _plain(field, definitions) for name, field in fields.items()}
    for name in ("items", "additionalProperties"):
        if isinstance(kept.get(name), dict):
            kept[name] = _plain(kept[name], definitions)
    return kept


def _without_null(node: Schema) -> Schema:
    """Return ``node`` without the null of an optional field: omitting the field means the same."""
    choices = [choice for choice in node.get("anyOf", ()) if choice.get("type") != "null"]
    if len(choices) != 1:
        return node
    return {**choices[0], **{name: value for name, value in node.items() if name != "anyOf"}}


def _is_noise(name: str, value: object) -> bool:
    """Return whether this entry, which pydantic adds, means nothing to a client."""
    if name == "default":
        return value in (None, "") or isinstance(value, list | dict)
    return name == "title" or (name == "description" and value == "")
