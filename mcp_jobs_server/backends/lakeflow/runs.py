"""Runs of the deployed job: start, look, list, cancel. What is looked at is shared by callers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mcp_jobs_server.core.errors import JobsError, Refused
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import ResourceNotFound, sanitize
from mcp_jobs_server.databricks.run_state import job_parameters, run_state
from mcp_jobs_server.databricks.workspace import Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

RUN_SECONDS = 5.0
"""How old may be what is known of one run."""

CANCELLED_SECONDS = 60.0
"""How long a run that was told to end may still be listed as one that waits."""

ACTIVE_SECONDS = 2.0
"""How old may be the list of active runs."""

PAGE = 24
MOST_PAGES = 5
"""Pages of active runs that are read; a run behind them is asked for by itself."""

_JOBS = "/api/2.2/jobs"
_OURS = re.compile(r"^(?:\w+\.)*(?:Ended: )?(?:job \S+, run \S+: )?")
"""What the researcher's command puts before its own words."""

_MANAGE = "CAN_MANAGE_RUN on the job"
_VIEW = "CAN_VIEW on the job"

Run = Mapping[str, Any]


class Runs:
    """Runs of the job ``job_id`` of a workspace.

    Args:
        workspace: where it is deployed.
        job_id: its number.
        clock: seconds; only differences count.
    """

    def __init__(
        self,
        workspace: Workspace,
        job_id: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        run_seconds: float = RUN_SECONDS,
        active_seconds: float = ACTIVE_SECONDS,
    ) -> None:
        self._workspace = workspace
        self._job_id = job_id
        self._cancelled: SingleFlightCache[str, bool] = SingleFlightCache(most=2_000, clock=clock)
        self._run_seconds = run_seconds
        self._active_seconds = active_seconds
        self._known: SingleFlightCache[str, Run | None] = SingleFlightCache(most=500, clock=clock)
        self._active: SingleFlightCache[str, tuple[Run, ...]] = SingleFlightCache(
            most=1, clock=clock
        )

    async def start(self, folder: str, job_id: str, token: str) -> str:
        """Ask for a run and return its id; the same token returns the same run again.

        Raises:
            Refused: the workspace refuses this for good; no run was made.
            NotPermitted, NotSignedIn: as they say; no run was made.
            Unavailable: it is not known whether a run was made; ask again with the same token.
        """

        body = {
            "job_id": self._job_id,
            "job_parameters": {"job_folder": folder, "job_id": job_id},
            "idempotency_token": token,
            "queue": {"enabled": True},
        }

        def ask(client: WorkspaceClient) -> str:
            answer = client.api_client.do("POST", f"{_JOBS}/run-now", body=body)
            if not isinstance(answer, Mapping):
                raise TypeError("no object")
            return str(int(answer["run_id"]))

        try:
            run_id = await self._workspace.call("start the job", ask, needs=_MANAGE)
        except ResourceNotFound as error:
            raise no_such_job() from error
        except Refused as error:
            raise no_such_job() if "does not exist" in error.message else error from error
        self.forget(run_id)
        return run_id

    async def get(self, run_id: str, *, seconds: float | None = None) -> Run | None:
        """Return the run as it stood not long ago; ``None``: the workspace knows it no more."""
        allowed = self._run_seconds if seconds is None else seconds
        return await self._known.get(run_id, allowed, lambda: self._get(run_id))

    async def active(self) -> tuple[Run, ...]:
        """Return the runs that have not ended, of all owners, the newest first."""
        return await self._active.get("", self._active_seconds, self._list)

    async def active_in(self, folder: str) -> Run | None:
        """Return the newest active run that works on this job folder, if there is one."""
        for run in await self.active():
            if job_parameters(run).get("job_folder") == folder:
                return run
        return None

    async def position(self, run_id: str) -> int:
        """Return the place of a queued run among all that wait: 1 is the next to begin."""
        waiting = await self._queued()
        order = sorted((int(run.get("start_time") or 0), str(run.get("run_id"))) for run in waiting)
        ids = [found for _, found in order]
        return ids.index(run_id) + 1 if run_id in ids else len(ids) + 1

    async def waiting(self) -> int:
        """Return how many runs of all owners wait."""
        return len(await self._queued())

    async def _queued(self) -> list[Run]:
        """Return the runs that wait; one that was told to end waits no more, listed or not."""
        return [
            run
            for run in await self.active()
            if run_state(run).phase == "queued"
            and self._cancelled.known(str(run.get("run_id")), CANCELLED_SECONDS) is None
        ]

    async def cancel(self, run_id: str) -> None:
        """Ask that the run ends; one that has ended, or is not known any more, is left."""
        body = {"run_id": int(run_id)}
        try:
            await self._workspace.do(
                "stop the run", "POST", f"{_JOBS}/runs/cancel", body=body, needs=_MANAGE
            )
        except (ResourceNotFound, Refused):
            pass
        finally:
            self.forget(run_id)
        self._cancelled.put(run_id, True)  # noqa: FBT003 - nothing but its time counts

    async def error(self, task_run_id: int) -> str:
        """Return the first line of what a task died of; "" where nothing is known."""
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
        return sanitize(_OURS.sub("", lines[0])) if lines else ""

    def forget(self, run_id: str) -> None:
        """Let the next look at the run, and at the active ones, be a fresh one."""
        self._known.drop(run_id)
        self._active.drop("")

    async def _get(self, run_id: str) -> Run | None:
        query = {"run_id": run_id}
        try:
            return await self._workspace.do(
                "look at the run", "GET", f"{_JOBS}/runs/get", query=query, needs=_VIEW
            )
        except ResourceNotFound:
            return None

    async def _list(self) -> tuple[Run, ...]:
        found: list[Run] = []
        query: dict[str, Any] = {"job_id": self._job_id, "active_only": True, "limit": PAGE}
        for _ in range(MOST_PAGES):
            page = await self._workspace.do(
                "list the runs of the job", "GET", f"{_JOBS}/runs/list", query=query, needs=_VIEW
            )
            found += [run for run in page.get("runs") or () if isinstance(run, Mapping)]
            token = page.get("next_page_token")
            if not token:
                break
            query = {**query, "page_token": token}
        return tuple(found)


def no_such_job() -> Refused:
    """Return the error for a job that is not deployed."""
    return Refused(
        "The job that does the research is not in the workspace.",
        "Whoever runs this server: deploy it (`databricks bundle deploy`) and check"
        " MCP_JOBS_JOB_ID.",
    )
