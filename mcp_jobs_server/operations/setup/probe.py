"""Starts the deployed job to test itself: as its own identity, from its own network."""

from __future__ import annotations

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
from research_contract.records import PROBE, PROBED, Probed, new_job_id

LONGEST = timedelta(minutes=15)
"""A run that has not tested anything by then waits for a place, or hangs."""

LATE = timedelta(seconds=15)
"""What a run wrote may be seen so long after its end."""

_ADVICE = "Open the run in the workspace: its page says why."


class Probe:
    """One run of the job ``job_id`` that only tests, in a folder of its own below the volume.

    Args:
        workspace: where the job is deployed.
        volume: ``/Volumes/catalog/schema/volume``.
        job_id: its number.
        clock: the time.
        every_seconds: how often is looked whether it is done.
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
        """Start it, wait for it and return what it found; the folder is removed afterwards."""
        try:
            await self._folders.create(self._folder, PROBE, b"probe\n")
            place = self._folders.location(self._folder)
            token = hashlib.sha256(place.encode()).hexdigest()
            return await self._followed(await self._runs.start(place, self._id, token))
        except JobsError as error:
            return [Check("run of the job", "broken", error.message, error.hint)]
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(10):
                await self._removed()

    async def _removed(self) -> None:
        try:
            await self._folders.remove(self._folder)
        except JobsError:
            return  # retention removes it

    async def _followed(self, run_id: str) -> list[Check]:
        given_up = self._clock() + LONGEST
        ended: datetime | None = None
        while True:
            state = await self._state(run_id)
            if probed := await self._read():
                return _found(probed, state)
            if state.ended:
                ended = ended or self._clock()
                if self._clock() > ended + LATE or state.never_began:
                    return [await self._failed(state)]
            if self._clock() > given_up:
                await self._runs.cancel(run_id)
                return [_waited(state)]
            await anyio.sleep(self._every_seconds)

    async def _state(self, run_id: str) -> RunState:
        run = await self._runs.get(run_id, seconds=0)
        return run_state(run) if run else RunState("queued")

    async def _read(self) -> Probed | None:
        found = await self._folders.read(self._folder, PROBED)
        return decode(Probed, found.data if found else None)

    async def _failed(self, state: RunState) -> Check:
        error = await self._runs.error(state.task_run_id) if state.task_run_id else ""
        said = error or state.message or "it ended without a result"
        return Check("run of the job", "broken", said, _ADVICE)


def _found(probed: Probed, state: RunState) -> list[Check]:
    said = f"{probed.started_seconds:.0f} s in the program"
    if state.created_at:
        seconds = (probed.at - state.created_at).total_seconds()
        said = f"{seconds:.0f} s from the request to the first test, {said}"
    advice = "See docs/identity.md for what the job's principal needs."
    return [
        Check("cold start", "ok", said),
        *(
            Check(
                f"job: {each.name}",
                "ok" if each.ok else "broken",
                each.said,
                _only(advice, each.ok),
            )
            for each in probed.checks
        ),
    ]


def _only(advice: str, well: bool) -> str:  # noqa: FBT001
    return "" if well else advice


def _waited(state: RunState) -> Check:
    minutes = LONGEST.total_seconds() / 60
    said = f"after {minutes:.0f} minutes there is no result ({state.note or state.phase})"
    return Check("run of the job", "broken", said, _ADVICE)
