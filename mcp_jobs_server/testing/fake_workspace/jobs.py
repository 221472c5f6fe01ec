"""The Jobs API 2.2."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, denied, no_route, wrong
from mcp_jobs_server.testing.fake_workspace.execution import Execution
from mcp_jobs_server.testing.fake_workspace.identities import Identities
from mcp_jobs_server.testing.fake_workspace.job_settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.mount import Places
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.run_bodies import output_body, run_body
from mcp_jobs_server.testing.fake_workspace.runs import CANCELLED, Run, Runs, Termination

_TOKEN_LENGTH = 64
_PAGE, _MOST = 20, 25
_RUNNING = {"CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"}
_VIEWING = {"CAN_VIEW", *_RUNNING}


class Jobs:
    """Jobs and their runs; a run really executes its job's task as the job's ``run_as``."""

    def __init__(
        self,
        volumes: Path,
        identities: Identities,
        rights: Rights,
        places: Callable[[Identity], Places],
    ) -> None:
        self.runs = Runs()
        self.host = ""
        self._volumes = volumes
        self._identities = identities
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
            case "GET", "list":
                return JSONResponse(self._jobs(query.get("name", ""), who))
            case "GET", "runs/get":
                return JSONResponse(self._run(query.get("run_id", "0"), who))
            case "GET", "runs/list":
                return JSONResponse(self._list(query, who))
            case "GET", "runs/get-output":
                return JSONResponse(self._output(query.get("run_id", "0"), who))
            case "POST", "runs/cancel":
                return JSONResponse(self._cancel(body, who))
            case "POST", "runs/delete":
                run = self._find(str(body.get("run_id")), who, "CAN_MANAGE_RUN")
                if run.active:
                    raise wrong(f"Run {run.run_id} is active and cannot be deleted.")
                del self.runs.all[run.run_id]
                return JSONResponse({})
        raise no_route(request.method, request.url.path)

    def _run_now(self, body: Mapping[str, Any], who: Identity) -> dict[str, Any]:
        job_id = int(body.get("job_id") or 0)
        job = self.runs.jobs.get(job_id)
        if job is None:
            raise wrong(f"Job {job_id} does not exist.")
        self._need_view(job, who, "CAN_MANAGE_RUN")
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

    def _jobs(self, name: str, who: Identity) -> dict[str, Any]:
        """Return the jobs that the caller may see, those of one name if it is given."""
        found = [
            job.body()
            for job in self.runs.jobs.values()
            if name.lower() in ("", job.name.lower())
            and self._rights.may(who, _VIEWING, f"job {job.job_id}")
        ]
        return {"jobs": found, "has_more": False} if found else {"has_more": False}

    def _list(self, query: Mapping[str, str], who: Identity) -> dict[str, Any]:
        job_id = int(query.get("job_id") or 0)
        if job_id in self.runs.jobs:
            self._need_view(self.runs.jobs[job_id], who)
        found = [
            run
            for run in reversed(self.runs.all.values())
            if run.job.job_id == (job_id or run.job.job_id)
            and _is_asked_for(run, query)
            and self._rights.may(who, _VIEWING, f"job {run.job.job_id}")
        ]
        size = int(query.get("limit") or _PAGE)
        if not 0 < size <= _MOST:
            raise wrong(f"The limit must be between 1 and {_MOST}.")
        begin = _begin(query.get("page_token", ""), found)
        page = found[begin : begin + size]
        expand = query.get("expand_tasks") == "true"
        body: dict[str, Any] = {"has_more": begin + size < len(found)}
        if page:
            body["runs"] = [run_body(run, self.host, tasks=expand) for run in page]
        if body["has_more"]:
            body["next_page_token"] = _page_token(page[-1].run_id)
        if begin and page:
            body["prev_page_token"] = _page_token(found[max(0, begin - size)].run_id + 1)
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

    async def permissions(self, request: Request, who: Identity, path: str) -> JSONResponse:
        """Answer ``/api/2.0/permissions/jobs/{path}``: who may do what with a job."""
        job = self.runs.jobs.get(int(path)) if path.isdigit() else None
        if job is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Job {path} does not exist.")
        if request.method != "GET":
            raise no_route(request.method, request.url.path)
        self._need_view(job, who)
        people = {identity.name: identity for identity in self._identities.all}
        lists = [
            {**_named(name, people), "all_permissions": [_level(one) for one in sorted(levels)]}
            for name, levels in self._rights.of(f"job {path}").items()
        ]
        return JSONResponse(
            {"object_id": f"/jobs/{path}", "object_type": "job", "access_control_list": lists}
        )

    def _find(self, run_id: str, who: Identity, privilege: str = "CAN_VIEW") -> Run:
        run = self.runs.all.get(int(run_id)) if run_id.isdigit() else None
        if run is None:
            raise wrong(f"Run {run_id} does not exist.")
        self._need_view(run.job, who, privilege)
        return run

    def _need_view(self, job: JobSettings, who: Identity, privilege: str = "CAN_VIEW") -> None:
        if not self._rights.may(who, _RUNNING | {privilege}, f"job {job.job_id}"):
            what = "Manage Run" if privilege in _RUNNING else "View or Manage Run"
            raise denied(
                f"User {who.name} does not have {what} or Owner or Admin permissions on job"
                f" {job.job_id}"
            )


def _is_asked_for(run: Run, query: Mapping[str, str]) -> bool:
    """Say whether the filters of a listing leave the run in."""
    if run.active and query.get("completed_only") == "true":
        return False
    if not run.active and query.get("active_only") == "true":
        return False
    until = int(query.get("start_time_to") or run.start)
    return int(query.get("start_time_from") or 0) <= run.start <= until


def _page_token(run_id: int) -> str:
    return base64.b64encode(f"r{run_id}".encode()).decode()


def _begin(token: str, found: Sequence[Run]) -> int:
    """Return where the page begins that the token asks for; new runs do not move it."""
    if not token:
        return 0
    try:
        last = int(base64.b64decode(token, validate=True)[1:])
    except ValueError as error:
        raise wrong("The page token is not valid.") from error
    return sum(run.run_id >= last for run in found)


def _named(name: str, people: Mapping[str, Identity]) -> dict[str, str]:
    if name not in people:
        return {"group_name": name}
    kind = "service_principal_name" if people[name].client_secret else "user_name"
    return {kind: name, "display_name": people[name].display}


def _level(level: str) -> dict[str, Any]:
    return {"permission_level": level, "inherited": False}


def _started(run: Run) -> dict[str, Any]:
    return {"run_id": run.run_id, "number_in_job": run.run_id}
