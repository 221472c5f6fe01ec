"""The runners under test, and how tests move their jobs along; see the fixture ``bench``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from mcp_jobs_server.backends.folders import Folders
from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.backends.local.directory import DirectoryFolders
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.models import Job, Owner, StartOptions
from mcp_jobs_server.testing.memory import MemoryRunner
from research_contract.files import encode
from research_contract.records import STATUS, Failure, Outcome, Request, Spent, Status
from tests.mcp_jobs_server.backends.lakeflow import backend as lakeflow
from tests.mcp_jobs_server.backends.lakeflow.backend import Scene
from tests.mcp_jobs_server.backends.local import data_directory as local

ADA = Owner("test", "ada")
EVE = Owner("test", "eve")
ANY = StartOptions()


class Bench(Protocol):
    """A runner under test, and how to move its jobs along. At most one job runs at a time."""

    runner: Runner
    folders: Folders

    async def run(self, job: Job) -> None: ...
    async def progress(self, job: Job) -> None: ...
    async def complete(self, job: Job) -> None: ...
    async def fail(self, job: Job) -> None: ...
    async def gone(self, job: Job) -> None: ...


class MemoryBench:
    def __init__(self) -> None:
        self.fake = MemoryRunner()
        self.runner: Runner = self.fake
        self.folders: Folders = self.fake.folders

    async def run(self, job: Job) -> None:
        self.fake.begin(job.id)

    async def progress(self, job: Job) -> None:
        self.fake.write(job.id, STATUS, encode(Status(updated_at=datetime.now(UTC))))

    async def complete(self, job: Job) -> None:
        found = await self.fake.job(job.owner, job.id)
        asked = found is not None and found.requested == "finish_now"
        outcome = Outcome(
            outcome="partial" if asked else "answered",
            answer="" if asked else "Forty-two.",
            spent=Spent(active_seconds=3),
            ended_at=datetime.now(UTC),
        )
        self.fake.complete(job.id, outcome)

    async def fail(self, job: Job) -> None:
        self.fake.fail(job.id, Failure(code="test", message="It failed.", hint="Try again."))

    async def gone(self, job: Job) -> None:
        self.fake.obey(job.id)


class LocalBench:
    def __init__(self, runner: LocalRunner) -> None:
        self.local = runner
        self.runner: Runner = runner
        self.folders: Folders = DirectoryFolders(runner.data_dir / "jobs")

    async def run(self, job: Job) -> None:
        await local.until_running(self.local, job)

    async def progress(self, job: Job) -> None:
        """Nothing to do: the stand-in job writes its status by itself."""

    async def complete(self, job: Job) -> None:
        found = await self.local.job(job.owner, job.id)
        if found is not None and found.requested is None:
            local.let_go(self.local, job)
        await local.until_ended(self.local, job)

    async def fail(self, job: Job) -> None:
        await local.until_ended(self.local, job)

    async def gone(self, job: Job) -> None:
        await local.until_ended(self.local, job)


class LakeflowBench:
    """Runs are executed by a workspace on this machine; the question tells the job what to do."""

    def __init__(self, runner: LakeflowRunner, folders: VolumeFolders, scene: Scene) -> None:
        self.runner: Runner = runner
        self.folders: Folders = folders
        self._scene = scene

    async def run(self, job: Job) -> None:
        def works(job: Job) -> bool:
            return job.state == "running" and (self._scene.folder(job) / STATUS).exists()

        await lakeflow.until(self.runner, job, works)

    async def progress(self, job: Job) -> None:
        """Nothing to do: the stand-in job writes its status by itself."""

    async def complete(self, job: Job) -> None:
        found = await look(self, job)
        if found.requested is None:
            self._scene.let_go(job)
        await lakeflow.until_ended(self.runner, job)

    async def fail(self, job: Job) -> None:
        await lakeflow.until_ended(self.runner, job)

    async def gone(self, job: Job) -> None:
        await lakeflow.until_ended(self.runner, job)


async def start(
    bench: Bench, asked: Request | None = None, *, owner: Owner = ADA, options: StartOptions = ANY
) -> Job:
    started = await bench.runner.start(asked or local.request(), owner=owner, options=options)
    return started.job


async def look(bench: Bench, job: Job) -> Job:
    found = await bench.runner.job(job.owner, job.id)
    assert found is not None
    return found


async def done(bench: Bench) -> Job:
    job = await start(bench)
    await bench.run(job)
    await bench.complete(job)
    return await look(bench, job)
