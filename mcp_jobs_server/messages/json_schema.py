"""JSON schemas that every client accepts: no references, no titles, no unions with null."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]


def answer_schema(kind: type[BaseModel]) -> Schema:
    """Return the output schema of a tool, one level deep.

    It is sent with every listing of the tools; nested fields would double the size of the list, and
    the values that a word can have are seen in the answer.
    """
    schema = schema_of(kind)
    fields: dict[str, Schema] = schema["properties"]
    shallow = {
        name: {name: field[name] for name in ("type", "description") if name in field}
        for name, field in fields.items()
    }
    return {"type": "object", "properties": shallow, "required": schema["required"]}


def schema_of(kind: type[BaseModel]) -> Schema:
    """Return the whole input schema of a tool.

    Bounds of optional arguments admit the neutral values that strict clients pass for "not given";
    the server checks the real bounds. Unknown arguments are not excluded here, because some
    converters cannot read that; the server refuses them.
    """
    schema = kind.model_json_schema()
    definitions = schema.pop("$defs", {})
    plain = _plain(schema, definitions)
    plain.pop("description", None)
    return plain


def _with_neutral_values(field: Schema) -> Schema:
    """Return an optional field whose bounds admit zero, an empty text and an empty list."""
    kept = {name: value for name, value in field.items() if name not in _LEAST}
    if "minimum" in field or "exclusiveMinimum" in field:
        kept["minimum"] = 0
    return kept


_LEAST = ("minimum", "exclusiveMinimum", "minLength", "minItems")


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
        required = kept.get("required", ())
        plain = {name: _plain(field, definitions) for name, field in fields.items()}
        kept["properties"] = {
            name: field if name in required else _with_neutral_values(field)
            for name, field in plain.items()
        }
    if isinstance(kept.get("items"), dict):
        kept["items"] = _plain(kept["items"], definitions)
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
    return name in ("title", "additionalProperties") or (name == "description" and value == "")
