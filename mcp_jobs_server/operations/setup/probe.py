"""Runs the deployed job in a test mode, with its own identity and from its own network."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import anyio

from mcp_jobs_server.backends.lakeflow.runs import Runs
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.databricks.run_state import RunState, run_state
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.operations.local_checks import Check
from mcp_jobs_server.operations.retention.sweep import PROBES
from research_contract.files import decode
from research_contract.probes import Probed
from research_contract.records import PROBE, PROBED, new_job_id

MAX_DURATION = timedelta(minutes=15)
"""A run without a result after this time is queued or hangs; it is cancelled."""

RESULT_DELAY = timedelta(seconds=15)
"""Files that a run wrote may become visible this long after its end."""

_ADVICE = "Open the run in the workspace; its page shows the reason."


class Probe:
    """One test run of the job ``job_id``, in its own folder in the volume.

    Args:
        workspace: where the job is deployed.
        volume: ``/Volumes/catalog/schema/volume``.
        job_id: id of the deployed job.
        clock: the current time.
        every_seconds: interval at which the run is polled.
    """

    def __init__(
        self,
        workspace: Workspace,
        volume: str,
        job_id: int,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        every_seconds: float = 3.0,
    ) -> None:
        self._folders = VolumeFolders(workspace, volume, fresh_seconds=0)
        self._runs = Runs(workspace, job_id)
        self._clock = clock
        self._every_seconds = every_seconds
        self._id = new_job_id(clock())
        self._folder = f"{PROBES}/{self._id}"

    async def checks(self) -> list[Check]:
        """Start the run, wait for it and return its results. Its folder is removed afterwards."""
        try:
            await self._folders.create(self._folder, PROBE, b"probe\n")
            location = self._folders.location(self._folder)
            token = hashlib.sha256(location.encode()).hexdigest()
            return await self._poll(await self._runs.start(location, self._id, token))
        except JobsError as error:
            return [Check("run of the job", "broken", error.message, error.hint)]
        finally:
            with (
                anyio.CancelScope(shield=True),
                anyio.move_on_after(10),
                contextlib.suppress(JobsError),  # retention removes what is left
            ):
                await self._folders.remove(self._folder)

    async def _poll(self, run_id: str) -> list[Check]:
        deadline = self._clock() + MAX_DURATION
        ended_at: datetime | None = None
        while True:
            run = await self._runs.get(run_id, max_age=0)
            state = run_state(run) if run else RunState("queued")
            file = await self._folders.read(self._folder, PROBED)
            if result := decode(Probed, file.data if file else None):
                return _checks_of(result, state)
            if state.ended:
                ended_at = ended_at or self._clock()
                if self._clock() > ended_at + RESULT_DELAY or state.never_began:
                    task_run_id = state.task_run_id
                    error = await self._runs.error(task_run_id) if task_run_id else ""
                    reason = error or state.message or "it ended without a result"
                    return [Check("run of the job", "broken", reason, _ADVICE)]
            if self._clock() > deadline:
                await self._runs.cancel(run_id)
                minutes = MAX_DURATION.total_seconds() / 60
                reason = f"no result after {minutes:.0f} minutes ({state.note or state.phase})"
                return [Check("run of the job", "broken", reason, _ADVICE)]
            await anyio.sleep(self._every_seconds)


def _checks_of(result: Probed, state: RunState) -> list[Check]:
    start = f"{result.started_seconds:.0f} s in the program"
    if state.created_at:
        seconds = (result.at - state.created_at).total_seconds()
        start = f"{seconds:.0f} s from the request to the first test, {start}"
    advice = "docs/identity.md lists what the job's principal needs."
    checks = [Check("cold start", "ok", start)]
    for check in result.checks:
        name = f"job: {check.name}"
        if check.ok:
            checks.append(Check(name, "ok", check.said))
        else:
            checks.append(Check(name, "broken", check.said, advice))
    return checks
