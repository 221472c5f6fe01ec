"""A fake Databricks workspace for tests: HTTP on loopback, real files, jobs that run.

with FakeWorkspace(tmp_path) as workspace:
    workspace.add_volume("main.research.jobs")
    client = WorkspaceClient(host=workspace.url, token=workspace.ada.token)
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Self

from mcp_jobs_server.testing.fake_workspace.app_proxy import AppProxy
from mcp_jobs_server.testing.fake_workspace.faults import Fault
from mcp_jobs_server.testing.fake_workspace.files import Files
from mcp_jobs_server.testing.fake_workspace.genie import Genie, Space
from mcp_jobs_server.testing.fake_workspace.http_api import HttpApi, Services
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identities, Identity
from mcp_jobs_server.testing.fake_workspace.identity.oauth import OAuth
from mcp_jobs_server.testing.fake_workspace.jobs.api import Jobs
from mcp_jobs_server.testing.fake_workspace.jobs.runs import Run, Termination
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.loopback_server import LoopbackServer
from mcp_jobs_server.testing.fake_workspace.platform import Platform
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.unity_catalog.api import UnityCatalog


class FakeWorkspace:
    """A workspace that keeps its volumes below ``root``; it runs while its block is open.

    ``ada`` (groups users and law) and ``eve`` (users and sales) are people; ``app`` and ``runner``
    are the service principals of the server and of its job. Nobody has a privilege until it is
    granted. ``requests`` is the log of all requests in the order of their responses, ``faults``
    the pending faults. At the end of the block all processes of jobs are killed.
    """

    def __init__(self, root: Path, *, port: int = 0) -> None:
        self.volumes = root / "Volumes"
        self.volumes.mkdir(parents=True, exist_ok=True)
        self.rights = Rights()
        self.identities = Identities()
        self.ada = self.identities.add_user("ada@example.com", "Ada", "users", "law")
        self.eve = self.identities.add_user("eve@example.com", "Eve", "users", "sales")
        self.app = self.identities.add_principal("8f1c6a52-3d0e-4c7b-9a41-5be0c2d7f913", "the app")
        self.runner = self.identities.add_principal(
            "2b7d1e90-6a3f-4f58-8c11-0d9e7a4b5c62", "the job"
        )
        self.catalog = UnityCatalog(self.volumes, self.rights)
        self.files = Files(self.volumes, self.catalog, self.rights)
        self.jobs = Jobs(self.files, self.identities, self.rights)
        self.genie = Genie(self.rights)
        self.oauth = OAuth(self.identities)
        self.platform = Platform(self.rights)
        self.http = HttpApi(
            Services(
                identities=self.identities,
                files=self.files,
                jobs=self.jobs,
                catalog=self.catalog,
                genie=self.genie,
                oauth=self.oauth,
                platform=self.platform,
            )
        )
        self.faults = self.http.faults
        self.requests = self.http.requests
        self._job_ids = itertools.count(625234784902960)
        self._server = LoopbackServer(self.http, port=port, on_stop=self.jobs.runs.close)
        self._proxies: list[LoopbackServer] = []

    @property
    def url(self) -> str:
        """Address of the workspace, such as ``http://127.0.0.1:41234``."""
        return self.jobs.host

    @property
    def latency(self) -> float:
        """Seconds added to each request."""
        return self.http.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.http.latency = seconds

    def fail(self, method: str, path: str, kind: str, **more: object) -> Fault:
        """Make the next matching request fail; ``more`` are further fields of ``Fault``."""
        return self.faults.add(Fault(method, path, kind, **more))  # type: ignore[arg-type]

    def add_volume(self, full_name: str, *, readers: tuple[Identity, ...] = ()) -> Path:
        """Create a volume that app and job can read and write, and ``readers`` can read.

        Returns its directory.
        """
        directory = self.catalog.add_volume(full_name)
        for identity in (self.app, self.runner):
            self.rights.grant(f"volume {full_name}", identity.name, "READ_VOLUME", "WRITE_VOLUME")
        for identity in readers:
            self.rights.grant(f"volume {full_name}", identity.name, "READ_VOLUME")
        return directory

    def add_job(self, *parameters: str, **settings: object) -> JobSettings:
        """Deploy the researcher's job as the bundle does; the app may run it.

        ``parameters`` are added to those of its task. ``settings`` are fields of ``JobSettings``.
        """
        task = settings.pop("task", None)
        if not isinstance(task, WheelTask):
            task = WheelTask()
        job = JobSettings(
            next(self._job_ids),
            run_as=self.runner,
            task=replace(task, parameters=(*task.parameters, *parameters)),
            **settings,  # type: ignore[arg-type]
        )
        self.jobs.runs.jobs[job.job_id] = job
        self.rights.grant(f"job {job.job_id}", self.app.name, "CAN_MANAGE_RUN")
        return job

    def add_space(self, space: Space, *readers: Identity) -> Space:
        """Create a Genie space that ``readers`` can use."""
        self.genie.spaces[space.space_id] = space
        for identity in readers:
            self.rights.grant(f"genie {space.space_id}", identity.name, "CAN_RUN")
        return space

    def add_app(self, name: str, upstream: str, *users: Identity) -> str:
        """Start the proxy of an app that listens at ``upstream``; return the URL of the app.

        ``users`` can use it. ``app_proxy`` is the last proxy that was started.
        """
        self.app_proxy = AppProxy(name, upstream, self.identities, self.rights)
        for identity in users:
            self.rights.grant(f"app {name}", identity.name, "CAN_USE")
        server = LoopbackServer(self.app_proxy, on_stop=self.app_proxy.aclose)
        self._proxies.append(server)
        server.start()
        self.platform.apps[name] = {"url": server.url, "app_status": {"state": "RUNNING"}}
        return server.url

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return list(self.jobs.runs.all.values())

    def purge(self, run: Run) -> None:
        """Delete a run, as the service does after 60 days."""
        self.jobs.runs.all.pop(run.run_id)

    def stop_as_platform(self, run: Run) -> None:
        """Cancel a run as the platform does, without a request by a user."""
        run.cancel = Termination("CANCELED", "CLOUD_FAILURE", "The run was stopped.")

    def __enter__(self) -> Self:
        self._server.start()
        self.jobs.host = self.oauth.host = self._server.url
        return self

    def __exit__(self, *_: object) -> None:
        for server in (*self._proxies, self._server):
            server.stop()
