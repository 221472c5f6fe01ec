"""The Jobs API 2.2."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from mcp_jobs_server.testing.fake_workspace.errors import (
    ApiError,
    endpoint_not_found,
    invalid_parameter,
    permission_denied,
)
from mcp_jobs_server.testing.fake_workspace.files import Files
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identities, Identity
from mcp_jobs_server.testing.fake_workspace.jobs.responses import job_body, output_body, run_body
from mcp_jobs_server.testing.fake_workspace.jobs.runs import CANCELLED, Run, Runs, Termination
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import TaskProcess
from mcp_jobs_server.testing.fake_workspace.mount import MountedVolumes
from mcp_jobs_server.testing.fake_workspace.rights import Rights

_MAX_TOKEN_LENGTH = 64
_PAGE, _MAX_PAGE = 20, 25
_CAN_RUN = {"CAN_MANAGE_RUN", "CAN_MANAGE", "IS_OWNER"}
_CAN_VIEW = {"CAN_VIEW", *_CAN_RUN}


@dataclass(eq=False)
class Jobs:
    """Jobs and their runs. A run executes the task of its job with the identity ``run_as``."""

    files: Files
    identities: Identities
    rights: Rights
    runs: Runs = field(default_factory=Runs, init=False)
    host: str = field(default="", init=False)

    async def handle(self, request: Request, caller: Identity, path: str) -> JSONResponse:
        """Respond to ``/api/2.2/jobs/{path}``."""
        query = request.query_params
        body = await request.json() if request.method == "POST" else {}
        result: dict[str, Any] = {}
        match request.method, path:
            case "POST", "run-now":
                result = self._run_now(body, caller)
            case "GET", "get":
                result = self._job(int(query.get("job_id", 0)), caller)
            case "GET", "list":
                name = query.get("name", "")
                bodies = [
                    job_body(job)
                    for job in self.runs.jobs.values()
                    if name.lower() in ("", job.name.lower())
                    and self.rights.allows(caller, _CAN_VIEW, f"job {job.job_id}")
                ]
                result = {"jobs": bodies, "has_more": False} if bodies else {"has_more": False}
            case "GET", "runs/get":
                result = run_body(self._find_run(query.get("run_id", "0"), caller), self.host)
            case "GET", "runs/list":
                result = self._list_runs(query, caller)
            case "GET", "runs/get-output":
                result = self._output(query.get("run_id", "0"), caller)
            case "POST", "runs/cancel":
                run = self._find_run(str(body.get("run_id", 0)), caller, "CAN_MANAGE_RUN")
                if run.active and run.cancel is None:
                    run.cancel = Termination("USER_CANCELED", "SUCCESS", CANCELLED)
            case "POST", "runs/delete":
                self._delete_run(str(body.get("run_id")), caller)
            case _:
                raise endpoint_not_found(request.method, request.url.path)
        return JSONResponse(result)

    async def permissions(self, request: Request, caller: Identity, path: str) -> JSONResponse:
        """Respond to ``/api/2.0/permissions/jobs/{path}`` with the permissions on a job."""
        job = self.runs.jobs.get(int(path)) if path.isdigit() else None
        if job is None:
            raise ApiError(404, "RESOURCE_DOES_NOT_EXIST", f"Job {path} does not exist.")
        if request.method != "GET":
            raise endpoint_not_found(request.method, request.url.path)
        self._require(job, caller, "CAN_VIEW")
        identities = {identity.name: identity for identity in self.identities.all}
        entries: list[dict[str, Any]] = []
        for name, levels in self.rights.granted_on(f"job {path}").items():
            entry: dict[str, Any] = {"group_name": name}
            if name in identities:
                is_principal = bool(identities[name].client_secret)
                kind = "service_principal_name" if is_principal else "user_name"
                entry = {kind: name, "display_name": identities[name].display}
            entry["all_permissions"] = [
                {"permission_level": level, "inherited": False} for level in sorted(levels)
            ]
            entries.append(entry)
        return JSONResponse(
            {"object_id": f"/jobs/{path}", "object_type": "job", "access_control_list": entries}
        )

    def _run_now(self, body: Mapping[str, Any], caller: Identity) -> dict[str, Any]:
        """Start a run, or return the earlier run of the same idempotency token."""
        job_id = int(body.get("job_id") or 0)
        job = self.runs.jobs.get(job_id)
        if job is None:
            raise invalid_parameter(f"Job {job_id} does not exist.")
        self._require(job, caller, "CAN_MANAGE_RUN")
        token = str(body.get("idempotency_token") or "")
        if len(token) > _MAX_TOKEN_LENGTH:
            raise invalid_parameter("The idempotency token must have at most 64 characters.")
        run_id = self.runs.tokens.get(token) if token else None
        if run_id is None:
            values = body.get("job_parameters") or {}
            if not isinstance(values, dict) or not all(isinstance(v, str) for v in values.values()):
                raise invalid_parameter("job_parameters must map names to strings.")
            run = Run(self.runs.next_id(), job, dict(values), caller)
            run_id = run.run_id
            run.arguments = job.arguments(run_id, {**job.defaults, **values})
            run.start_process = lambda: self._start_process(run)
            if token:
                self.runs.tokens[token] = run_id
            self.runs.start(run)
        elif run_id not in self.runs.all:
            raise invalid_parameter("The run of this idempotency token was deleted.")
        return {"run_id": run_id, "number_in_job": run_id}

    def _start_process(self, run: Run) -> TaskProcess:
        identity = run.job.run_as
        environment = {"DATABRICKS_HOST": self.host, "DATABRICKS_TOKEN": identity.token}
        volumes = MountedVolumes(
            str(self.files.root.resolve()),
            reads=self.files.catalog.volumes_with(identity, "READ_VOLUME"),
            writes=self.files.catalog.volumes_with(identity, "WRITE_VOLUME"),
            late_seconds=self.files.crossing_seconds,
        )
        return TaskProcess(run.job.task, run.arguments, environment, volumes).start()

    def _job(self, job_id: int, caller: Identity) -> dict[str, Any]:
        job = self.runs.jobs.get(job_id)
        if job is None:
            raise ApiError(404, None, f"Job {job_id} does not exist.")
        self._require(job, caller, "CAN_VIEW")
        return job_body(job)

    def _list_runs(self, query: Mapping[str, str], caller: Identity) -> dict[str, Any]:
        """Return a page of the runs that the caller may see, the newest first.

        A page token contains the id of the last run before the page, so that new runs do not
        move the page.
        """
        job_id = int(query.get("job_id") or 0)
        if job_id in self.runs.jobs:
            self._require(self.runs.jobs[job_id], caller, "CAN_VIEW")
        runs = [
            run
            for run in reversed(self.runs.all.values())
            if run.job.job_id == (job_id or run.job.job_id)
            and _matches(run, query)
            and self.rights.allows(caller, _CAN_VIEW, f"job {run.job.job_id}")
        ]
        size = int(query.get("limit") or _PAGE)
        if not 0 < size <= _MAX_PAGE:
            raise invalid_parameter(f"The limit must be between 1 and {_MAX_PAGE}.")
        start = 0
        if token := query.get("page_token", ""):
            try:
                last = int(base64.b64decode(token, validate=True)[1:])
            except ValueError as error:
                raise invalid_parameter("The page token is not valid.") from error
            start = sum(run.run_id >= last for run in runs)
        page = runs[start : start + size]
        body: dict[str, Any] = {"has_more": start + size < len(runs)}
        if page:
            expand = query.get("expand_tasks") == "true"
            body["runs"] = [run_body(run, self.host, tasks=expand) for run in page]
        if body["has_more"]:
            body["next_page_token"] = _page_token(page[-1].run_id)
        if start and page:
            body["prev_page_token"] = _page_token(runs[max(0, start - size)].run_id + 1)
        return body

    def _output(self, run_id: str, caller: Identity) -> dict[str, Any]:
        attempt = self.runs.find_attempt(int(run_id))
        if attempt is None:
            self._find_run(run_id, caller)
            raise invalid_parameter(
                "Retrieving the output of runs with multiple tasks is not supported. Please"
                " retrieve the output of each individual task run instead."
            )
        self._require(attempt[0].job, caller, "CAN_VIEW")
        return output_body(*attempt, self.host)

    def _delete_run(self, run_id: str, caller: Identity) -> None:
        run = self._find_run(run_id, caller, "CAN_MANAGE_RUN")
        if run.active:
            raise invalid_parameter(f"Run {run.run_id} is active and cannot be deleted.")
        del self.runs.all[run.run_id]

    def _find_run(self, run_id: str, caller: Identity, privilege: str = "CAN_VIEW") -> Run:
        run = self.runs.all.get(int(run_id)) if run_id.isdigit() else None
        if run is None:
            raise invalid_parameter(f"Run {run_id} does not exist.")
        self._require(run.job, caller, privilege)
        return run

    def _require(self, job: JobSettings, caller: Identity, privilege: str) -> None:
        """Check a privilege on a job. One to run or manage the job is also sufficient."""
        if not self.rights.allows(caller, _CAN_RUN | {privilege}, f"job {job.job_id}"):
            what = "Manage Run" if privilege in _CAN_RUN else "View or Manage Run"
            raise permission_denied(
                f"User {caller.name} does not have {what} or Owner or Admin permissions on job"
                f" {job.job_id}"
            )


def _matches(run: Run, query: Mapping[str, str]) -> bool:
    """Return whether a run passes the filters of ``runs/list``."""
    if run.active and query.get("completed_only") == "true":
        return False
    if not run.active and query.get("active_only") == "true":
        return False
    until = int(query.get("start_time_to") or run.start)
    return int(query.get("start_time_from") or 0) <= run.start <= until


def _page_token(run_id: int) -> str:
    return base64.b64encode(f"r{run_id}".encode()).decode()
