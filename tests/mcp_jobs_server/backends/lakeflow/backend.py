"""The Lakeflow backend over the fake workspace, with short times for tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import anyio

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner, LakeflowTimes
from mcp_jobs_server.backends.lakeflow.settle import SettleTimes
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.models import Job, Owner, StartOptions
from mcp_jobs_server.databricks.workspace import Timeouts, Workspace
from mcp_jobs_server.testing.fake_workspace.jobs.runs import Run
from mcp_jobs_server.testing.fake_workspace.jobs.settings import JobSettings
from mcp_jobs_server.testing.fake_workspace.jobs.task_process import WheelTask
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.records import Request, new_job_id

VOLUME = "/Volumes/main/research/jobs"
STAND_IN = WheelTask(command=(sys.executable, str(Path(__file__).with_name("volume_job.py"))))
OWNER = Owner("test", "ada")
ANY = StartOptions()
LONGEST = 60
"""Seconds after which a test counts as hanging. It measures nothing."""

QUICK = Timeouts(call=8, http=1, retry=5, sign_in=20)
AT_ONCE = LakeflowTimes(
    poll=0.05,
    slowest_poll=0.1,
    recently_polled=0,
    run=0,
    active=0,
    repeat=0,
    index=0,
    control=0,
    settle=SettleTimes(late=0.5, alive=0),
)
"""Nothing is cached, polls are quick, and late outcomes are waited for briefly."""


@dataclass
class Scene:
    """A workspace with a deployed job and its volume."""

    workspace: FakeWorkspace
    job: JobSettings
    volume: Path

    def door(self, timeouts: Timeouts = QUICK) -> Workspace:
        """Return the workspace as the app's identity sees it."""
        return Workspace.from_token(
            self.workspace.app.token, host=self.workspace.url, timeouts=timeouts
        )

    def count(self, method: str, path: str = "") -> int:
        """Return the number of requests with this method and this text in their path."""
        return sum(seen.method == method and path in seen.path for seen in self.workspace.requests)

    def runs_of(self, job_id: str) -> list[Run]:
        return [run for run in self.workspace.runs() if run.parameters["job_id"] == job_id]

    def folder(self, job: Job) -> Path:
        return self.volume / job.folder

    def let_go(self, job: Job) -> None:
        """Let the waiting stand-in job finish."""
        (self.folder(job) / "go").touch()


@contextmanager
def scene(root: Path, **settings: object) -> Iterator[Scene]:
    """Open a workspace with a job of these ``settings``; by default one run at a time."""
    with FakeWorkspace(root) as workspace:
        volume = workspace.add_volume(VOLUME.removeprefix("/Volumes/").replace("/", "."))
        given = {"task": STAND_IN, "max_concurrent_runs": 1, **settings}
        yield Scene(workspace, workspace.add_job(**given), volume)


@asynccontextmanager
async def server(
    scene: Scene,
    *,
    times: LakeflowTimes = AT_ONCE,
    fresh_seconds: float = 0,
    timeouts: Timeouts = QUICK,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[tuple[LakeflowRunner, VolumeFolders]]:
    """Yield the runner and the folders of one server."""
    workspace = scene.door(timeouts)
    folders = VolumeFolders(workspace, VOLUME, fresh_seconds=fresh_seconds)
    async with LakeflowRunner(
        workspace, folders, scene.job.job_id, times=times, clock=clock
    ) as runner:
        yield runner, folders


def request(question: str = "wait", *, job_id: str = "") -> Request:
    now = datetime.now(UTC)
    return Request(job_id=job_id or new_job_id(now), question=question, created_at=now)


async def started(runner: Runner, question: str = "wait", options: StartOptions = ANY) -> Job:
    begun = await runner.start(request(question), owner=OWNER, options=options)
    return begun.job


async def until(runner: Runner, job: Job, true: Callable[[Job], bool]) -> Job:
    """Wait through the port until the condition holds for the job."""
    with anyio.fail_after(LONGEST):
        async with runner.changes(job) as changes:
            while True:
                found = await runner.job(job.owner, job.id)
                assert found is not None
                if true(found):
                    return found
                await changes.wait()


async def until_running(runner: Runner, job: Job) -> Job:
    """Wait until the program of the job works."""
    return await until(runner, job, lambda job: job.state == "running" and job.attempt > 0)


async def until_ended(runner: Runner, job: Job) -> Job:
    return await until(runner, job, lambda job: job.ended)


async def eventually(true: Callable[[], bool]) -> None:
    """Wait for a condition that no change of a job announces."""
    with anyio.fail_after(LONGEST):
        while not true():  # noqa: ASYNC110 - another thread makes it so
            await anyio.sleep(0.02)


def slow(times: LakeflowTimes = AT_ONCE, **settle: float) -> LakeflowTimes:
    """Return the times with changed times for settling."""
    return replace(times, settle=replace(times.settle, **settle))
