"""Carries out a plan. If a step fails, only the steps that depend on it are skipped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.databricks.failures import ResourceExists
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.setup.plan import Step


@dataclass(frozen=True)
class StepResult:
    """The result of a step. ``reason`` is why it was not done, ``hint`` what to do about it."""

    step: Step
    state: Literal["done", "failed", "left out"]
    reason: str = ""
    hint: str = ""


async def apply(workspace: Workspace, steps: Iterable[Step]) -> list[StepResult]:
    """Carry out the steps in order and return their results."""
    results: list[StepResult] = []
    missing: set[str] = set()
    for step in steps:
        if step.requires in missing:
            result = StepResult(step, "left out", f"{step.requires} does not exist")
        else:
            try:
                await step.work(workspace)
                result = StepResult(step, "done")
            except ResourceExists:  # created in the meantime, or by a request that was sent twice
                result = StepResult(step, "done")
            except JobsError as error:
                result = StepResult(step, "failed", error.message, error.hint)
        if result.state != "done" and step.creates:
            missing.add(step.creates)
        results.append(result)
    return results
