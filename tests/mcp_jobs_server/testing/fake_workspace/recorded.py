"""Recorded responses of workspaces and their comparison with those of the fake.

The recordings are not part of the repository; they are read from a directory beside it.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from tests.repository import SHARED

RECORDED = SHARED / "databricks" / "fixtures"
FOLDER = "/Volumes/main/research/jobs/u-3f2a/01JBZ6Q8R4"
PARAMETERS = {"job_folder": FOLDER, "job_id": "01JBZ6Q8R4"}

needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason=f"the recorded bodies are not there: {RECORDED.name}"
)


def recorded(name: str) -> dict[str, Any]:
    recording: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return recording


def call(
    workspace: FakeWorkspace,
    method: str,
    path: str,
    *,
    who: Identity | None = None,
    body: dict[str, Any] | None = None,
) -> requests.Response:
    """Send a request as ``who``, or as the app."""
    return requests.request(
        method,
        f"{workspace.url}{path}",
        headers={"Authorization": f"Bearer {(who or workspace.app).token}"},
        json=body,
        timeout=10,
    )


def run_now(
    workspace: FakeWorkspace, job_id: int, who: Identity | None = None
) -> requests.Response:
    body = {"job_id": job_id, "job_parameters": PARAMETERS}
    return call(workspace, "POST", "/api/2.2/jobs/run-now", who=who, body=body)


def fields(value: object, path: str = "") -> set[str]:
    """Return the paths of all fields of a body. Only the first item of a list counts."""
    if isinstance(value, dict):
        return {
            deeper
            for name, below in value.items()
            for deeper in (f"{path}.{name}", *fields(below, f"{path}.{name}"))
        }
    return fields(value[0], f"{path}[]") if isinstance(value, list) and value else set()


def states(body: dict[str, Any]) -> list[object]:
    """Return ``state`` and ``status``, without its message, of a run and its tasks."""
    return [
        (item.get("state"), _without_message(item.get("status", {})))
        for item in (body, *body.get("tasks", ()))
    ]


def _without_message(status: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: text for key, text in value.items() if key != "message"}
        if isinstance(value, dict)
        else value
        for name, value in status.items()
    }
