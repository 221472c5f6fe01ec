"""The published schemas, under validators that refuse words which are not JSON Schema."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mcp_jobs_server.protocol.tools import TOOLS
from tests.clients import node

Schema = dict[str, Any]

STRICT: Schema = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:strict",
    "$dynamicAnchor": "meta",
    "$ref": "https://json-schema.org/draft/2020-12/schema",
    "unevaluatedProperties": False,
}
"""The schema of schemas, at each level without any other word."""


def published() -> dict[str, Schema]:
    """Return the schemas that a client is sent, by tool and side."""
    found: dict[str, Schema] = {}
    for tool in TOOLS:
        listed = tool.listed(())
        assert listed.output_schema is not None
        found |= {f"{tool.name} input": listed.input_schema}
        found |= {f"{tool.name} output": listed.output_schema}
    return found


@pytest.mark.parametrize("word", ["ge", "gt", "le", "minimun"])
def test_a_word_that_is_not_json_schema_is_refused(word: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number", word: 1}}}
    assert not Draft202012Validator(STRICT).is_valid(schema)
    assert node.run("schemas.mjs", {"schema": schema})


def test_each_schema_holds_json_schema_only() -> None:
    validator = Draft202012Validator(STRICT)
    for name, schema in published().items():
        assert [error.message for error in validator.iter_errors(schema)] == [], name


def test_each_schema_compiles_in_the_strict_mode_of_ajv() -> None:
    assert node.run("schemas.mjs", published()) == {}
