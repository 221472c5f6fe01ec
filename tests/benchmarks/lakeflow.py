"""What a call costs a workspace: requests that are made of it, and time beyond its own.

The real service and SDK over HTTP against the fake workspace; its runs are moved by hand.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio

from mcp_jobs_server.backends.lakeflow.runner import LakeflowRunner
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.models import Owner
from mcp_jobs_server.core.settings import Settings
from mcp_jobs_server.databricks.workspace import Workspace
from mcp_jobs_server.jobs.service import Jobs
from mcp_jobs_server.messages.arguments import (
    FetchReport,
    GetStatus,
    ListActiveJobs,
    StartResearch,
)
from mcp_jobs_server.sources.registry import Sources
from mcp_jobs_server.testing.fake_workspace.http_api import one_after_another
from mcp_jobs_server.testing.fake_workspace.jobs.runs import Run, Termination
from mcp_jobs_server.testing.fake_workspace.workspace import FakeWorkspace
from research_contract.files import encode
from research_contract.records import (
    EVIDENCE,
    OUTCOME,
    REPORT,
    STATUS,
    Outcome,
    SourceRef,
    Status,
)
from tests.benchmarks.measures import Row

ME = Owner("900800700600", "5511969577895513")
VOLUME = "/Volumes/main/research/jobs"
LATENCY = 0.15
"""Seconds of each request, as of a workspace that is not near."""

ENDED_JOBS = 120
WAIT_SECONDS = 12.0
MOST_A_POLL, MOST_A_LISTING, MOST_A_START = 2, 25, 8
CALLS = 10
APART_SECONDS = 6.0


@dataclass
class Scene:
    """The service of one replica, and the workspace behind it."""

    jobs: Jobs
    workspace: FakeWorkspace

    async def start(self, question: str, *, key: str = "") -> str:
        asked = StartResearch(question=question, idempotency_key=key)
        return (await self.jobs.start(ME, asked)).job_id

    def place(self, run: Run) -> Path:
        """Return where the folder of a run's job is on this machine."""
        folder = run.parameters["job_folder"].removeprefix("/Volumes/")
        return self.workspace.volumes / folder

    def run_of(self, job_id: str) -> Run:
        return next(run for run in self.workspace.runs() if run.parameters["job_id"] == job_id)

    def tell(self, job_id: str, *, done: int) -> None:
        """Write the status as the job would."""
        said = Status(state="researching", done=done, total=99, updated_at=datetime.now(UTC))
        (self.place(self.run_of(job_id)) / STATUS).write_bytes(encode(said))

    def begin(self, job_id: str) -> None:
        self.workspace.jobs.runs.begin(self.run_of(job_id))
        self.tell(job_id, done=0)

    def complete(self, job_id: str) -> None:
        run = self.run_of(job_id)
        done = Outcome(outcome="answered", answer="Yes.", ended_at=datetime.now(UTC))
        place = self.place(run)
        (place / OUTCOME).write_bytes(encode(done))
        (place / REPORT).write_text("# Report\n\nYes.\n")
        (place / EVIDENCE).write_text("\n")
        self.workspace.jobs.runs.end(run, Termination("SUCCESS", "SUCCESS"))

    async def count(self, call: Callable[[], Awaitable[object]]) -> int:
        """Return how many requests a call makes."""
        before = len(self.workspace.requests)
        await call()
        return len(self.workspace.requests) - before


@asynccontextmanager
async def replica(workspace: FakeWorkspace, job_id: int, root: Path) -> AsyncIterator[Scene]:
    """Open the service as one process of the app does; nothing is remembered yet."""
    door = Workspace.from_token(workspace.app.token, host=workspace.url)
    folders = VolumeFolders(door, VOLUME)
    source = SourceRef(name="handbook", uri="volume:/main/docs/handbook")
    settings = Settings(data_dir=root, backend="lakeflow", sources=(source,))
    async with LakeflowRunner(door, folders, job_id) as runner:
        jobs = Jobs(
            runner=runner,
            folders=folders,
            sources=Sources(settings),
            settings=settings,
            same_computer=False,
        )
        yield Scene(jobs, workspace)


async def lakeflow(root: Path) -> list[Row]:
    """Return the rows of the table."""
    with FakeWorkspace(root) as workspace:
        workspace.add_volume("main.research.jobs")
        workspace.add_volume("main.docs.handbook")
        job_id = workspace.add_job(by_hand=True).job_id
        async with replica(workspace, job_id, root) as scene:
            rows = await _starting(scene)
            job = await _history(scene)
            rows += [await _polled(scene, job, waiters) for waiters in (1, 50, 500)]
        async with replica(workspace, job_id, root) as fresh:
            rows += await _listing(fresh)
        async with replica(workspace, job_id, root) as fresh:
            return rows + await _one_after_another(fresh, job) + await _distant(fresh, job)


async def _starting(scene: Scene) -> list[Row]:
    await scene.start("Warm?")
    plain = await scene.count(lambda: scene.start("What is new?"))
    keyed = await scene.count(lambda: scene.start("What is new here?", key="k"))
    return [
        Row("requests of a start", plain, MOST_A_START, ""),
        Row("requests of a start with a key", keyed, MOST_A_START, ""),
    ]


async def _history(scene: Scene) -> str:
    """Make jobs that ended, and return one that runs."""
    for number in range(ENDED_JOBS):
        job = await scene.start(f"Question {number}?")
        scene.complete(job)
        await scene.jobs.status(ME, GetStatus(job_id=job, wait_seconds=0))
    job = await scene.start("Does it run?")
    scene.begin(job)
    return job


async def _one_after_another(scene: Scene, running: str) -> list[Row]:
    """Count requests that wait for one another, of calls so late that nothing read is fresh.

    The first list is made by a replica that knows nothing yet.
    """
    ended = next(
        run.parameters["job_id"] for run in reversed(scene.workspace.runs()) if not run.active
    )
    status = GetStatus(job_id=running, wait_seconds=0)
    calls: Mapping[str, tuple[Callable[[], Awaitable[object]], int, int]] = {
        "list_active_jobs": (lambda: scene.jobs.list(ME, ListActiveJobs()), 4, 1),
        "get_status": (lambda: scene.jobs.status(ME, status), 2, 2),
        "fetch_report": (lambda: scene.jobs.report(ME, FetchReport(job_id=ended)), 2, 2),
    }
    rows: list[Row] = []
    scene.workspace.http.latency = LATENCY
    for name, (call, *most) in calls.items():
        for which, aim in zip(("first", "a later"), most, strict=True):
            await anyio.sleep(APART_SECONDS)
            scene.tell(running, done=1)
            since = len(scene.workspace.requests)
            await call()
            needed = one_after_another(scene.workspace.requests[since:])
            rows.append(
                Row(f"requests one after another, {which} {name}", needed, aim, "", f"≤ {aim}")
            )
    scene.workspace.http.latency = 0
    return rows


async def _polled(scene: Scene, job: str, waiters: int) -> Row:
    """Count requests while so many wait and something changes now and then."""
    asked = GetStatus(job_id=job, wait_seconds=45)
    began = waiters * 100_000

    async def wait() -> None:
        while True:
            await scene.jobs.status(ME, asked)

    async with anyio.create_task_group() as tasks:
        for _ in range(waiters):
            tasks.start_soon(wait)
        await anyio.sleep(3)
        before = list(scene.workspace.requests)
        for change in range(3):
            await anyio.sleep(WAIT_SECONDS / 3)
            scene.tell(job, done=began + change)
        seen = scene.workspace.requests[len(before) :]
        tasks.cancel_scope.cancel()
    polls = sum(one.path.endswith(f"/{STATUS}") for one in seen)
    name = f"requests a poll, {waiters} waiting"
    return Row(name, len(seen) / max(1, polls), MOST_A_POLL, "", f"≤ {MOST_A_POLL}")


async def _listing(scene: Scene) -> list[Row]:
    """Count the requests of lists by a replica that remembers nothing."""
    recent = ListActiveJobs(include_recent=True)
    lists = {
        "the first list of a replica": lambda: scene.jobs.list(ME, ListActiveJobs()),
        "a list of ended jobs": lambda: scene.jobs.list(ME, recent),
    }
    return [
        Row(f"requests of {name}", await scene.count(call), MOST_A_LISTING, "", "≤ 25")
        for name, call in lists.items()
    ]


async def _distant(scene: Scene, job: str) -> list[Row]:
    """Measure time with a workspace that takes 150 ms for each request."""
    scene.workspace.http.latency = LATENCY
    numbers = iter(range(10_000))
    look = GetStatus(job_id=job, wait_seconds=0)
    start = await _spent(lambda: scene.start(f"Is this far away, {next(numbers)}?"))
    status = await _spent(lambda: scene.jobs.status(ME, look), pause=1.5)
    scene.workspace.http.latency = 0
    floor = LATENCY * 1000
    return [
        Row("start at 150 ms a request", start, 3000, "ms", "≤ 3,000 ms"),
        Row("get_status at 150 ms a request, beside one request", status, floor, "ms"),
    ]


async def _spent(call: Callable[[], Awaitable[object]], *, pause: float = 0) -> float:
    taken = []
    for _ in range(CALLS):
        await anyio.sleep(pause)
        began = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)
