"""A workspace to test against: real HTTP on loopback, real files, jobs that really run.

with FakeWorkspace(tmp_path) as workspace:
    workspace.add_volume("main.research.jobs")
    client = WorkspaceClient(host=workspace.url, token=workspace.ada.token)
"""

from __future__ import annotations

import itertools
from pathlib import Path
from types import TracebackType
from typing import Self

from mcp_jobs_server.testing.fake_workspace.app import App, Seen, Services
from mcp_jobs_server.testing.fake_workspace.execution import WheelTask
from mcp_jobs_server.testing.fake_workspace.faults import Fault, Faults
from mcp_jobs_server.testing.fake_workspace.files import Files
from mcp_jobs_server.testing.fake_workspace.front import Front
from mcp_jobs_server.testing.fake_workspace.genie import Genie, Space
from mcp_jobs_server.testing.fake_workspace.identities import Identities
from mcp_jobs_server.testing.fake_workspace.jobs import Jobs
from mcp_jobs_server.testing.fake_workspace.mount import Places
from mcp_jobs_server.testing.fake_workspace.oauth import OAuth
from mcp_jobs_server.testing.fake_workspace.platform import Platform
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.runs import JobSettings, Run, Termination
from mcp_jobs_server.testing.fake_workspace.served import Served
from mcp_jobs_server.testing.fake_workspace.unity_catalog import UnityCatalog


class FakeWorkspace:
    """The workspace below ``root``, from entering to leaving the block.

    ``ada`` (of the groups users and law) and ``eve`` (users and sales) are people, ``app`` and
    ``runner`` service principals: the app's and the job's. Nobody may do anything until it is
    granted. What runs ends with the block.
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
        self.jobs = Jobs(self.volumes, self.identities, self.rights, self._places)
        self.genie = Genie(self.rights)
        self.oauth = OAuth(self.identities)
        self.platform = Platform(self.rights)
        self.http = App(
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
        self._job_ids = itertools.count(625234784902960)
        self._served = Served(self.http, port=port, closing=self.jobs.runs.close)
        self._apps: list[Served] = []

    @property
    def url(self) -> str:
        """Address of the workspace, such as ``http://127.0.0.1:41234``."""
        return self.jobs.host

    @property
    def faults(self) -> Faults:
        return self.http.faults

    @property
    def latency(self) -> float:
        """Seconds that are added to each request."""
        return self.http.latency

    @latency.setter
    def latency(self, seconds: float) -> None:
        self.http.latency = seconds

    @property
    def requests(self) -> list[Seen]:
        """All requests so far, in the order in which they were answered."""
        return self.http.requests

    def fail(self, method: str, path: str, kind: str, **more: object) -> Fault:
        """Let the next request that fits fail; see ``Fault`` for the kinds."""
        return self.faults.add(Fault(method, path, kind, **more))  # type: ignore[arg-type]

    def add_volume(self, full_name: str, *, readers: tuple[Identity, ...] = ()) -> Path:
        """Make a volume that the app and the job write and ``readers`` read."""
        place = self.catalog.add_volume(full_name)
        for identity in (self.app, self.runner):
            self.rights.grant(f"volume {full_name}", identity.name, "READ_VOLUME", "WRITE_VOLUME")
        for identity in readers:
            self.rights.grant(f"volume {full_name}", identity.name, "READ_VOLUME")
        return place

    def add_job(self, *parameters: str, **settings: object) -> JobSettings:
        """Deploy the researcher's job as the bundle does; the app may run it.

        ``parameters`` are added to those of the task, ``settings`` are fields of the job.
        """
        given = settings.pop("task", WheelTask())
        task = given if isinstance(given, WheelTask) else WheelTask()
        task = WheelTask(
            task.package_name, task.entry_point, (*task.parameters, *parameters), task.command
        )
        job = JobSettings(
            next(self._job_ids),
            run_as=self.runner,
            task=task,
            **settings,  # type: ignore[arg-type]
        )
        self.jobs.runs.jobs[job.job_id] = job
        self.rights.grant(f"job {job.job_id}", self.app.name, "CAN_MANAGE_RUN")
        return job

    def add_space(self, space: Space, *readers: Identity) -> Space:
        """Make a Genie space that ``readers`` may ask."""
        self.genie.spaces[space.space_id] = space
        for identity in readers:
            self.rights.grant(f"genie {space.space_id}", identity.name, "CAN_RUN")
        return space

    def add_app(self, name: str, upstream: str, *users: Identity) -> str:
        """Put the proxy before what listens at ``upstream``; return the app's address.

        ``users`` may use it. ``front`` is the proxy that was made last.
        """
        self.front = Front(name, upstream, self.identities, self.rights)
        for identity in users:
            self.rights.grant(f"app {name}", identity.name, "CAN_USE")
        served = Served(self.front, closing=self.front.aclose)
        self._apps.append(served)
        served.start()
        self.platform.apps[name] = {"url": served.url, "app_status": {"state": "RUNNING"}}
        return served.url

    def _places(self, who: Identity) -> Places:
        """Return what a job that runs as ``who`` sees as ``/Volumes``."""
        return Places(
            str(self.volumes.resolve()),
            reads=self.catalog.open_to(who, "READ_VOLUME"),
            writes=self.catalog.open_to(who, "WRITE_VOLUME"),
            late_seconds=self.files.crossing_seconds,
        )

    def runs(self) -> list[Run]:
        """Return all runs, the oldest first."""
        return list(self.jobs.runs.all.values())

    def purge(self, run: Run) -> None:
        """Forget a run, as the service does after 60 days."""
        self.jobs.runs.all.pop(run.run_id)

    def stop_as_platform(self, run: Run) -> None:
        """Cancel a run for a reason of the platform's own."""
        run.cancel = Termination("CANCELED", "CLOUD_FAILURE", "The run was stopped.")

    def __enter__(self) -> Self:
        self._served.start()
        self.jobs.host = self.oauth.host = self._served.url
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for served in (*self._apps, self._served):
            served.stop()
