"""The project's own job over texts in memory, which kills itself during a search.

The command of any job, plus ``--dies-at WORD`` (die in a search for a question with this word) and
``--until N`` (survive from this attempt on). ``--waits-for FILE``: each search waits until this
file is in the folder. Each search that is made adds a line to ``searches``.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import anyio
from filelock import FileLock

from researcher_job.core.clock import Clock
from researcher_job.records.job_folder import JobFolder
from researcher_job.report.conclusion import finish
from researcher_job.testing import FakeSource
from tests.researcher_job.jobs import TEXTS, make_job


def main() -> int:
    parser = argparse.ArgumentParser()
    for name in ("folder", "lock", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--attempt", type=int, required=True)
    parser.add_argument("--finish")
    parser.add_argument("--dies-at", required=True)
    parser.add_argument("--until", type=int, required=True)
    parser.add_argument("--waits-for", default="request.json")
    told = parser.parse_args()

    async def search(question: str) -> None:
        with (told.folder.parent / f"{told.folder.name}.searches").open("a") as file:
            file.write(f"{told.attempt} {question}\n")
        while not (told.folder / told.waits_for).exists():  # noqa: ASYNC110 - of the server
            await anyio.sleep(0.01)
        if told.dies_at in question and told.attempt < told.until:
            await anyio.sleep(0.1)  # some active time, which is to add up
            os.kill(os.getpid(), signal.SIGKILL)

    with FileLock(told.lock, timeout=1):
        folder = JobFolder(told.folder)
        if told.finish:
            finish(folder, told.finish, clock=Clock(), attempt=told.attempt)
            return 0
        job = make_job(folder, FakeSource(TEXTS, watcher=search), attempt=told.attempt)
        settings = replace(job.settings, concurrency=1, status_seconds=0.01, heartbeat_seconds=0.02)
        return int(anyio.run(replace(job, settings=settings).run))


if __name__ == "__main__":
    sys.exit(main())
