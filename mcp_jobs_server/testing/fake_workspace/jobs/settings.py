"""The settings of a deployed job with one wheel task."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask

_REFERENCE = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


@dataclass
class JobSettings:
    """A deployed job.

    ``defaults`` are its job parameters with their default values. Each new run takes the first of
    ``accidents``. With ``by_hand`` its runs change only through ``Runs.begin`` and ``Runs.end``.
    """

    job_id: int
    run_as: Identity
    name: str = "researcher-test"
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

    def arguments(self, run_id: int, values: Mapping[str, str]) -> tuple[str, ...]:
        """Return the parameters of the task with their references resolved.

        Unknown references stay as they are.
        """
        parameters = {f"job.parameters.{name}": value for name, value in values.items()}
        known = {**parameters, "job.run_id": str(run_id), "job.id": str(self.job_id)}
        return tuple(
            _REFERENCE.sub(lambda match: known.get(match[1], match[0]), parameter)
            for parameter in self.task.parameters
        )
