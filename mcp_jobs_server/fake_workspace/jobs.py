"""The Jobs API 2.2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.fake_workspace.errors import ApiError, denied, no_route, wrong
from mcp_jobs_server.fake_workspace.execution import Execution
from mcp_jobs_server.fake_workspace.identities import Identity
from mcp_jobs_server.fake_workspace.job_settings import JobSettings
from mcp_jobs_server.fake_workspace.mount import Places
from mcp_jobs_server.fake_workspace.rights import Rights
from mcp_jobs_server.fake_workspace.run_bodies import output_body, run_body
from mcp_jobs_server.fake_workspace.runs import CANCELLED, Run, Runs, Termination

_TOKEN_LENGTH = 64
_PAGE = 20


class Jobs:
    """Jobs and their runs; a run really executes its job's task as the job's ``run_as``."""

    def __init__(self, volumes: Path, rights: Rights, places: Callable[[Identity], Places]) -> None:
        self.runs = Runs()
        self.host = ""
        self._volumes = volumes
        self._rights = rights
        self._places = places

    async def answer(self, request: Request, who: Identity, path: str) -> JSONResponse:
        """Answer ``/api/2.2/jobs/{path}``."""
        query = request.query_params
        body = await request.json() if request.method == "POST" else {}
        match request.method, path:
            case "POST", "run-now":
                return JSONResponse(self._run_now(body, who))
            case "GET", "get":
                return JSONResponse(self._get(int(query.get("job_id", 0)), who))
            case "GET", "runs/get":
                return JSONResponse(self._run(query.get("run_id", "0"), who))
            case "GET", "runs/list":
                return JSONResponse(self._list(query, who))
            case "GET", "runs/get-output":
                return JSONResponse(self._output(query.get("run_id", "0"), who))
            case "POST", "runs/cancel":
                return JSONResponse(self._cancel(body, who))
            case "POST", "runs/delete":
                self._find(str(body.get("run_id")), who, "CAN_MANAGE_RUN")
                del self.runs.all[int(body["run_id"])]
                return JSONResponse({})
        raise no_route(request.method, request.url.path)

    def _run_now(self, body: Mapping[str, Any], who: Identity) -> dict[str, Any]:
        job_id = int(body.get("job_id") or 0)
        job = self.runs.jobs.get(job_id)
        if job is None:
            raise wrong(f"Job {job_id} does not exist.")
        if not self._rights.may(who, {"CAN_MANAGE_RUN", "CAN_MANAGE"}, f"job {job_id}"):
            raise denied(
                f"User {who.name} does not have Manage Run or Owner or Admin permissions on job"
                f" {job_id}"
            )
        token = str(body.get("idempotency_token") or "")
        if len(token) > _TOKEN_LENGTH:
            raise wrong("The idempotency token must have at most 64 characters.")
        if token and token in self.runs.tokens:
            return _started(self._known(self.runs.tokens[token]))
        values = body.get("job_parameters") or {}
        if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
            raise wrong("job_parameters must map names to strings.")
        run = Run(self.runs.next_id(), job, dict(values), who)
        run.arguments = job.arguments(run.run_id, {**job.defaults, **values})
        run.begin = lambda: self._execution(run).start()
        if token:
            self.runs.tokens[token] = run.run_id
        self.runs.start(run)
        return _started(run)

    def _known(self, run_id: int) -> Run:
        if run_id not in self.runs.all:
            raise wrong("The run of this idempotency token was deleted.")
        return self.runs.all[run_id]

    def _execution(self, run: Run) -> Execution:
        runner = run.job.run_as
        return Execution(
            self._volumes,
            run.job.task,
            run.arguments,
            {"DATABRICKS_HOST": self.host, "DATABRICKS_TOKEN": runner.token} if runner else {},
            self._places(runner) if runner else None,
        )

    def _get(self, job_id: int, who: Identity) -> dict[str, Any]:
        job = self.runs.jobs.get(job_id)
        if job is None:
            raise ApiError(404, None, f"Job {job_id} does not exist.")
        self._need_view(job, who)
        return job.body()

    def _run(self, run_id: str, who: Identity) -> dict[str, Any]:
        return run_body(self._find(run_id, who), self.host)

    def _list(self, query: Mapping[str, str], who: Identity) -> dict[str, Any]:
        job_id = int(query.get("job_id", 0))
        if job_id in self.runs.jobs:
            self._need_view(self.runs.jobs[job_id], who)
        active = query.get("active_only") == "true"
        found = [
            run
            for run in reversed(self.runs.all.values())
            if run.job.job_id == job_id and (run.active or not active)
        ]
        begin = int(query.get("page_token") or 0)
        size = min(int(query.get("limit") or _PAGE), _PAGE + 5)
        body: dict[str, Any] = {"has_more": begin + size < len(found)}
        if page := found[begin : begin + size]:
            expand = query.get("expand_tasks") == "true"
            body["runs"] = [run_body(run, self.host, tasks=expand) for run in page]
        if body["has_more"]:
            body["next_page_token"] = str(begin + size)
        return body

    def _output(self, run_id: str, who: Identity) -> dict[str, Any]:
        found = self.runs.task_run(int(run_id))
        if found is None:
            self._find(run_id, who)
            raise wrong(
                "Retrieving the output of runs with multiple tasks is not supported. Please"
                " retrieve the output of each individual task run instead."
            )
        self._need_view(found[0].job, who)
        return output_body(*found, self.host)

    def _cancel(self, body: Mapping[str, Any], who: Identity) -> dict[str, Any]:
        run = self._find(str(body.get("run_id", 0)), who, "CAN_MANAGE_RUN")
        if run.active and run.cancel is None:
            run.cancel = Termination("USER_CANCELED", "SUCCESS", CANCELLED)
        return {}

    def _find(self, run_id: str, who: Identity, privilege: str = "CAN_VIEW") -> Run:
        run = self.runs.all.get(int(run_id)) if run_id.isdigit() else None
        if run is None:
            raise wrong(f"Run {run_id} does not exist.")
        self._need_view(run.job, who, privilege)
        return run

    def _need_view(self, job: JobSettings, who: Identity, privilege: str = "CAN_VIEW") -> None:
        enough = {"CAN_MANAGE", "CAN_MANAGE_RUN", privilege}
        if not self._rights.may(who, enough, f"job {job.job_id}"):
            raise denied(
                f"User {who.name} does not have View or Admin or Manage Run or Owner permissions"
                f" on job {job.job_id}"
            )


def _started(run: Run) -> dict[str, Any]:
    return {"run_id": run.run_id, "number_in_job": run.run_id}
