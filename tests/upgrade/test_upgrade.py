"""An upgrade in place, while a server of the last release and a job of it are running."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import psutil
import pytest
from mcp import Client, StdioServerParameters

from mcp_jobs_server.backends.local.processes import os_processes
from research_contract.files import decode, read_whole
from research_contract.records import OUTCOME, RUN, STATUS, Outcome, Run, Status
from tests.mcp_jobs_server.backends.local.data_directory import moment
from tests.mcp_jobs_server.transports.serving import LONGEST, fields, start, text, until_ended
from tests.upgrade.release import install_last_release, install_today

pytestmark = pytest.mark.anyio

FILES, PARAGRAPHS = 300, 400
"""So much text that a job that is stopped at its first sign of reading has most of it before it."""

ANSWER = "Pump 7 moves 21 litres of water a minute."


@dataclass(frozen=True)
class Installation:
    """Packages in a folder of their own, the documents and the data directory of one test."""

    root: Path
    packages: Path = field(init=False)
    data: Path = field(init=False)
    documents: Path = field(init=False)

    def __post_init__(self) -> None:
        for name in ("packages", "data", "documents"):
            object.__setattr__(self, name, self.root / name)
        self.packages.mkdir()
        self.documents.mkdir()

    @property
    def environ(self) -> dict[str, str]:
        ours = {name: text for name, text in os.environ.items() if not name.startswith("MCP_JOBS")}
        return {**ours, "MCP_JOBS_DATA_DIR": str(self.data), "PYTHONPATH": str(self.packages)}

    def server(self) -> Client:
        """Return a client that starts the installed server over stdio."""
        words = ["-m", "mcp_jobs_server", "serve", "--source", f"pumps={self.documents}"]
        return Client(
            StdioServerParameters(
                command=sys.executable, args=words, env=self.environ, cwd=self.root
            )
        )

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a module of the installation, such as ``researcher_job verify FOLDER``."""
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )

    def write(self, count: int) -> None:
        """Write so many pages, one of which answers what the tests ask."""
        for pump in range(count):
            rows = "".join(
                f"<p>Row {row} of hall {pump}: the keeper oils valve {row} every month.</p>"
                for row in range(PARAGRAPHS)
            )
            page = (
                f"<html><head><title>Pump {pump}</title></head><body><h1>Pump {pump}</h1>"
                f"<p>Pump {pump} moves {pump * 3} litres of water a minute.</p>{rows}</body></html>"
            )
            (self.documents / f"pump-{pump}.html").write_text(page, encoding="utf-8")

    def folder(self, job_id: str) -> Path:
        [found] = (self.data / "jobs").rglob(job_id)
        return found

    def outcome(self, job_id: str) -> Outcome:
        found = decode(Outcome, read_whole(self.folder(job_id) / OUTCOME))
        assert found is not None
        return found

    def assert_verified(self, job_id: str) -> None:
        done = self.run("researcher_job", "verify", str(self.folder(job_id)))
        assert done.returncode == 0, done.stdout + done.stderr

    def runners(self) -> list[psutil.Process]:
        found = os_processes.data_dir_processes(self.data)
        return [process for process in found if not os_processes.is_job(process)]


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """The last release, installed; nothing that runs for it outlives the test."""
    found = Installation(tmp_path)
    install_last_release(found.packages)
    try:
        yield found
    finally:
        stopped = found.run("mcp_jobs_server", "stop")
        assert stopped.returncode == 0, stopped.stderr
        assert os_processes.data_dir_processes(found.data) == []


async def until(true: Callable[[], bool]) -> None:
    with anyio.fail_after(LONGEST):
        while not true():
            await moment()


async def reading(here: Installation, job_id: str) -> tuple[psutil.Process, psutil.Process]:
    """Suspend the job once it has read its first files; return it and its reading process."""

    def has_begun() -> bool:
        folders = (here.data / "jobs").rglob(job_id)
        status = next((decode(Status, read_whole(each / STATUS)) for each in folders), None)
        return bool(status and status.coverage and status.coverage.read)

    await until(has_begun)
    run = decode(Run, read_whole(here.folder(job_id) / RUN))
    assert run is not None
    job = psutil.Process(int(run.run_id))
    job.suspend()
    [reader] = job.children()
    return job, reader


@contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    try:
        yield
    finally:
        process.resume()


async def test_an_upgrade_breaks_neither_the_running_server_nor_its_job(
    installation: Installation,
) -> None:
    here = installation
    here.write(FILES)
    async with here.server() as client:
        before = await start(client)
        job, reader = await reading(here, before)
        with suspended(job):
            [old_runner] = here.runners()
            install_today(here.packages)
            upgraded_at = time.time()
            reader.kill()

        # The job of the last release goes on and reads the rest with today's reading process.
        await until(lambda: any(child.pid != reader.pid for child in job.children()))
        # Its runner and its server start today's job.
        between = await start(client, question="How much water does pump 9 move a minute?")
        # Today's job judges no evidence, which the server of the last release knows as partial.
        for job_id, outcome in ((before, "answered"), (between, "partial")):
            ended = await until_ended(client, job_id)
            assert (ended["state"], ended["outcome"]) == ("completed", outcome)
        coverage = here.outcome(before).coverage
        assert coverage is not None
        # All but the file that was being read when the reading process died.
        assert (coverage.found, coverage.read) == (FILES, FILES - 1)
        for job_id, first_attempt_at in ((before, 0.0), (between, upgraded_at)):
            run = decode(Run, read_whole(here.folder(job_id) / RUN))
            assert run is not None
            assert run.attempt == 1
            assert run.started_at.timestamp() > first_attempt_at

        # The running server starts today's runner, which starts today's job.
        await until(lambda: not old_runner.is_running())
        after = await start(
            client, question="How much water does pump 8 move a minute?", again=True
        )
        assert (await until_ended(client, after))["state"] == "completed"
        listed = fields(await client.call_tool("list_active_jobs", {"include_recent": True}))
        assert {job["job_id"] for job in listed["jobs"]} == {before, between, after}
        evidence = await client.call_tool("fetch_report", {"job_id": before, "part": "evidence"})
        assert ANSWER in text(evidence)
        draft = {"job_id": before, "text": f"{ANSWER} [1]"}
        assert not (await client.call_tool("check_citations", draft)).is_error
    for job_id in (before, between, after):
        here.assert_verified(job_id)


async def test_jobs_of_the_last_release_are_read_by_todays(installation: Installation) -> None:
    here = installation
    here.write(12)
    async with here.server() as client:
        before = await start(client, idempotency_key="pump 7")
        assert (await until_ended(client, before))["state"] == "completed"
        shown = [
            text(await client.call_tool("fetch_report", {"part": part}))
            for part in ("report", "evidence")
        ]
    await until(lambda: not here.runners())
    install_today(here.packages)
    async with here.server() as client:
        listed = fields(await client.call_tool("list_active_jobs", {"include_recent": True}))
        assert [job["job_id"] for job in listed["jobs"]] == [before]
        status = fields(await client.call_tool("get_status", {"job_id": before}))
        assert (status["state"], status["outcome"]) == ("completed", "answered")
        for part, said in zip(("report", "evidence"), shown, strict=True):
            found = await client.call_tool("fetch_report", {"job_id": before, "part": part})
            assert ANSWER in text(found)
            assert ANSWER in said
        # The same key gives the same job; a follow-up builds on its evidence.
        assert await start(client, idempotency_key="pump 7") == before
        after = await start(client, question="What does the keeper oil?", follow_up_of=before)
        assert (await until_ended(client, after))["state"] == "completed"
    assert before in here.run("mcp_jobs_server", "jobs", "list").stdout
    here.assert_verified(before)
    here.assert_verified(after)
