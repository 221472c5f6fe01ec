"""Runs of the deployed job: start, get, list and cancel. Concurrent callers share requests."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from mcp_jobs_server.core.errors import JobsError, Refused
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import ResourceNotFound, sanitize
from mcp_jobs_server.databricks.run_state import run_state
from mcp_jobs_server.databricks.workspace import Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

log = logging.getLogger(__name__)

RUN_SECONDS = 5.0
"""How old the state of a run may be."""

REPEAT_SECONDS = 10.0
"""How soon a cancel is repeated that a run does not obey."""

REPEAT_CALL_SECONDS = 4.0
"""How long a caller that looks at a job waits for that."""

CANCELLED_SECONDS = 60.0
"""How long a cancelled run may still be listed as queued."""

ACTIVE_SECONDS = 2.0
"""How old the list of active runs may be."""

PAGE_SIZE = 24
MAX_PAGES = 5
"""Pages of active runs that are read. Runs on later pages are read one by one."""

_JOBS = "/api/2.2/jobs"
_PREFIX = re.compile(r"^(?:\w+\.)*(?:Ended: )?(?:job \S+, run \S+: )?")
"""Prefix of the error messages of the researcher's command."""

_MANAGE = "CAN_MANAGE_RUN on the job"
_VIEW = "CAN_VIEW on the job"

RunJson = Mapping[str, Any]


class Runs:
    """Runs of one deployed job.

    Args:
        workspace: the workspace in which the job is deployed.
        job_id: number of the deployed job.
        clock: returns seconds; only differences count.
        run_seconds: how old the state of a run may be.
        active_seconds: how old the list of active runs may be.
        repeat_seconds: how soon a cancel is repeated that a run does not obey.
    """

    def __init__(
        self,
        workspace: Workspace,
        job_id: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        run_seconds: float = RUN_SECONDS,
        active_seconds: float = ACTIVE_SECONDS,
        repeat_seconds: float = REPEAT_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._job_id = job_id
        self._run_seconds = run_seconds
        self._active_seconds = active_seconds
        self._repeat_seconds = repeat_seconds
        self._runs: SingleFlightCache[str, RunJson | None] = SingleFlightCache(
            most=500, clock=clock
        )
        self._active: SingleFlightCache[str, tuple[RunJson, ...]] = SingleFlightCache(
            most=1, clock=clock
        )
        self._tried: SingleFlightCache[str, bool] = SingleFlightCache(most=2_000, clock=clock)
        self._cancelled: SingleFlightCache[str, bool] = SingleFlightCache(most=2_000, clock=clock)

    async def start(self, folder: str, job_id: str, token: str) -> str:
        """Submit a run and return its id; the same token returns the same run again.

        Raises:
            Refused: the workspace refuses this permanently; no run was made.
            NotPermitted, NotSignedIn: no run was made.
            Unavailable: it is unknown whether a run was made; repeat with the same token.
        """
        body = {
            "job_id": self._job_id,
            "job_parameters": {"job_folder": folder, "job_id": job_id},
            "idempotency_token": token,
            "queue": {"enabled": True},
        }

        def run_now(client: WorkspaceClient) -> str:
            answer = client.api_client.do("POST", f"{_JOBS}/run-now", body=body)
            if not isinstance(answer, Mapping):
                raise TypeError("no object")
            return str(int(answer["run_id"]))

        try:
            run_id = await self._workspace.call("start the job", run_now, needs=_MANAGE)
        except (ResourceNotFound, Refused) as error:
            if isinstance(error, Refused) and "does not exist" not in error.message:
                raise
            raise Refused(
                "The job that does the research is not in the workspace.",
                "The operator of this server has to deploy it (`databricks bundle deploy`) and"
                " check MCP_JOBS_JOB_ID.",
            ) from error
        self._forget(run_id)
        return run_id

    async def get(self, run_id: str, *, max_age: float | None = None) -> RunJson | None:
        """Return the run; ``None``: the workspace does not know it. ``max_age`` in seconds."""
        seconds = self._run_seconds if max_age is None else max_age
        return await self._runs.get(run_id, seconds, partial(self._get, run_id))

    async def active(self) -> tuple[RunJson, ...]:
        """Return the runs of all owners that have not ended, newest first."""
        return await self._active.get("", self._active_seconds, self._list)

    async def position(self, run_id: str) -> int:
        """Return the position of a queued run; 1 is the next to begin."""
        queued = await self._queued()
        order = sorted((int(run.get("start_time") or 0), str(run.get("run_id"))) for run in queued)
        ids = [queued_id for _, queued_id in order]
        return ids.index(run_id) + 1 if run_id in ids else len(ids) + 1

    async def waiting(self) -> int:
        """Return how many runs of all owners are queued."""
        return len(await self._queued())

    async def cancel(self, run_id: str, *, seconds: float | None = None) -> None:
        """Cancel the run; one that has ended or is unknown is left."""
        body = {"run_id": int(run_id)}
        self._tried.put(run_id, True)  # noqa: FBT003 - nothing but its time counts
        try:
            await self._workspace.do(
                "stop the run",
                "POST",
                f"{_JOBS}/runs/cancel",
                body=body,
                needs=_MANAGE,
                seconds=seconds,
            )
        except (ResourceNotFound, Refused):
            pass
        finally:
            self._forget(run_id)
        self._cancelled.put(run_id, True)  # noqa: FBT003 - nothing but its time counts

    async def cancel_again(self, run_id: str) -> None:
        """Repeat a cancel that the run does not obey, now and then; an error only delays it."""
        if self._tried.known(run_id, self._repeat_seconds) is None:
            try:
                await self.cancel(run_id, seconds=REPEAT_CALL_SECONDS)
            except JobsError as error:
                log.warning("run %s is not cancelled yet: %s", run_id, error.message)

    async def error(self, task_run_id: int) -> str:
        """Return the first line of the error of a task run, "" if unknown."""
        query = {"run_id": task_run_id}
        try:
            output = await self._workspace.do(
                "read how the run ended",
                "GET",
                f"{_JOBS}/runs/get-output",
                query=query,
                needs=_VIEW,
            )
        except JobsError:
            return ""
        lines = str(output.get("error") or "").strip().splitlines()
        return sanitize(_PREFIX.sub("", lines[0])) if lines else ""

    def _forget(self, run_id: str) -> None:
        """Drop the cached run and the cached list of active runs."""
        self._runs.drop(run_id)
        self._active.drop("")

    async def _queued(self) -> list[RunJson]:
        """Return the queued runs, without those that were cancelled but are still listed."""
        return [
            run
            for run in await self.active()
            if run_state(run).phase == "queued"
            and self._cancelled.known(str(run.get("run_id")), CANCELLED_SECONDS) is None
        ]

    async def _get(self, run_id: str) -> RunJson | None:
        query = {"run_id": run_id}
        try:
            return await self._workspace.do(
                "look at the run", "GET", f"{_JOBS}/runs/get", query=query, needs=_VIEW
            )
        except ResourceNotFound:
            return None

    async def _list(self) -> tuple[RunJson, ...]:
        runs: list[RunJson] = []
        query: dict[str, Any] = {"job_id": self._job_id, "active_only": True, "limit": PAGE_SIZE}
        for _ in range(MAX_PAGES):
            page = await self._workspace.do(
                "list the runs of the job", "GET", f"{_JOBS}/runs/list", query=query, needs=_VIEW
            )
            runs += [run for run in page.get("runs") or () if isinstance(run, Mapping)]
            token = page.get("next_page_token")
            if not token:
                break
            query = {**query, "page_token": token}
        return tuple(runs)
