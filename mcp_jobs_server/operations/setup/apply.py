"""Carries out a plan. A step that fails keeps only those from being done that build on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.databricks.failures import ResourceExists
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.plan import Step


@dataclass(frozen=True)
class Done:
    """What became of a step. ``reason`` says why it was not done, ``hint`` what to do."""

    step: Step
    state: Literal["done", "failed", "left out"]
    reason: str = ""
    hint: str = ""


async def apply(workspace: Workspace, steps: Iterable[Step]) -> list[Done]:
    """Do the steps in order and return what became of each."""
    done: list[Done] = []
    missing: set[str] = set()
    for step in steps:
        result = await _one(workspace, step, missing)
        if result.state != "done" and step.makes:
            missing.add(step.makes)
        done.append(result)
    return done


async def _one(workspace: Workspace, step: Step, missing: set[str]) -> Done:
    if step.after in missing:
        return Done(step, "left out", f"{step.after} is not there")
    try:
        await step.work(workspace)
    except ResourceExists:  # somebody made it meanwhile, or our own request was sent twice
        return Done(step, "done")
    except JobsError as error:
        return Done(step, "failed", error.message, error.hint)
    return Done(step, "done")
