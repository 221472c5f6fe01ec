"""A job as it was deployed: one task that runs an entry point of an installed package."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.principals import Identity

_REFERENCE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class JobSettings:
    """A deployed job. ``accidents`` are used up by the next runs, in order; ``defaults`` are its
    own parameters.

    ``by_hand``: its runs do nothing by themselves; a test moves them with ``Runs.begin`` and
    ``Runs.end``.
    """

    job_id: int
    name: str = "researcher-test"
    run_as: Identity | None = None
    task: WheelTask = field(default_factory=WheelTask)
    by_hand: bool = False
    max_concurrent_runs: int = 10
    queue: bool = True
    max_retries: int = 0
    timeout_seconds: float = 0
    start_seconds: float = 0.0
    retry_seconds: float = 0.0
    cancel_seconds: float = 0.0
    created: int = field(default_factory=lambda: int(time.time() * 1000))
    accidents: list[str] = field(default_factory=list)
    defaults: dict[str, str] = field(default_factory=lambda: {"job_folder": "", "job_id": ""})

    def body(self) -> dict[str, Any]:
        """Return what ``jobs/get`` answers."""
        return {
            "job_id": self.job_id,
            "creator_user_name": "deployer@example.com",
            "run_as_user_name": self.run_as.name if self.run_as else "",
            "run_as_owner": False,
            "settings": self._settings(),
            "created_time": self.created,
        }

    def wheel_task(self, parameters: Sequence[str]) -> dict[str, Any]:
        """Return the part of a task that says what it runs."""
        return {
            "package_name": self.task.package_name,
            "entry_point": self.task.entry_point,
            "parameters": list(parameters),
        }

    def arguments(self, run_id: int, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the task's parameters with their references replaced; what is not known stays."""
        named = {f"job.parameters.{name}": value for name, value in values.items()}
        known = {**named, "job.run_id": str(run_id), "job.id": str(self.job_id)}
        return tuple(
            _REFERENCE.sub(lambda found: known.get(found[1], found[0]), parameter)
            for parameter in self.task.parameters
        )

    def _settings(self) -> dict[str, Any]:
        spec = {"environment_version": "5", "dependencies": [f"./dist/{self.task.package_name}"]}
        return {
            "name": self.name,
            "description": "Does one research job.",
            "email_notifications": {},
            "webhook_notifications": {},
            "timeout_seconds": int(self.timeout_seconds),
            "max_concurrent_runs": self.max_concurrent_runs,
            "queue": {"enabled": self.queue},
            "tags": {"component": "researcher"},
            "parameters": [{"name": n, "default": text} for n, text in self.defaults.items()],
            "performance_target": "STANDARD",
            "format": "MULTI_TASK",
            "edit_mode": "UI_LOCKED",
            "deployment": {
                "kind": "BUNDLE",
                "metadata_file_path": "/Workspace/Shared/.bundle/research-jobs/metadata.json",
            },
            "tasks": [self._task()],
            "environments": [{"environment_key": "default", "spec": spec}],
        }

    def _task(self) -> dict[str, Any]:
        return {
            "task_key": "research",
            "run_if": "ALL_SUCCESS",
            "python_wheel_task": self.wheel_task(self.task.parameters),
            "max_retries": self.max_retries,
            "environment_key": "default",
            "timeout_seconds": 0,
            "email_notifications": {},
        }
