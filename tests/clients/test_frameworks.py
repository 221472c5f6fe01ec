"""The tools, as frameworks of other makers convert them for their models."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from mcp_jobs_server.protocol.tools import TOOLS
from tests.clients.node import LONGEST, missing
from tests.mcp_jobs_server.transports.serving import home
from tests.repository import ROOT

Converted = Mapping[str, Mapping[str, Any]]

PYTHON = "FRAMEWORKS_PYTHON"
"""Names the Python of the environment of the frameworks, relative to the repository."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Converted]:
    """The tools by framework, listed over stdio and converted in its own environment."""
    python = ROOT / os.environ.get(PYTHON, ".venv-frameworks/bin/python")
    if not python.exists():
        missing(f"The environment of {python}", "run 'make clients'")
    with home(tmp_path_factory.mktemp("home")) as here:
        command = [str(python), str(ROOT / "tests/clients/frameworks/convert.py"), *here.command]
        env = {name: value for name, value in here.env.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            command, env=env, check=False, capture_output=True, text=True, timeout=LONGEST
        )
    assert done.returncode == 0, done.stderr
    found: Mapping[str, Converted] = json.loads(done.stdout)
    return found


@cache
def _schemas() -> Mapping[str, Any]:
    return {tool.name: tool.listed(()).input_schema for tool in TOOLS}


def test_google_genai_declares_each_tool(converted: Mapping[str, Converted]) -> None:
    declared = converted["google-genai"]
    for name, schema in _schemas().items():
        assert set(declared[name]["parameters"]["properties"]) == set(schema["properties"])
        assert declared[name]["response"]["properties"], name


def test_openai_agents_converts_each_tool_strictly(converted: Mapping[str, Converted]) -> None:
    for name, schema in _schemas().items():
        tool = converted["openai-agents"][name]
        assert tool["strict"], name
        assert _is_strict(tool["parameters"]), name
        assert set(tool["parameters"]["properties"]) == set(schema["properties"])


def test_langchain_converts_each_tool_strictly(converted: Mapping[str, Converted]) -> None:
    for name, schema in _schemas().items():
        tool = converted["langchain"][name]
        assert tool["strict"], name
        assert _is_strict(tool["parameters"]), name
        assert set(tool["parameters"]["properties"]) == set(schema["properties"])


@pytest.mark.parametrize("model", ["openai", "google"])
def test_pydantic_ai_converts_each_tool(converted: Mapping[str, Converted], model: str) -> None:
    for name, schema in _schemas().items():
        tool = converted["pydantic-ai"][name][model]
        assert set(tool["properties"]) == set(schema["properties"]), name
        assert model == "google" or _is_strict(tool), name


def _is_strict(schema: Mapping[str, Any]) -> bool:
    """Return whether each object, at any depth, excludes other properties."""
    below = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
    is_closed = schema.get("type") != "object" or schema.get("additionalProperties") is False
    return is_closed and all(map(_is_strict, below))
