"""A program: one attempt at a job folder whose searches for ``holding`` never return
(``a thread``: each search holds a thread that cannot be cancelled).

It runs in its own process, so that a test can kill it.
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
from anyio import to_thread

from researcher_job.command.run_folder import exit_after, locked
from researcher_job.records.control import Control
from researcher_job.records.job_folder import JobFolder
from researcher_job.testing import FakeSource
from tests.researcher_job.jobs import TEXTS, make_job


def main(root: Path, holding: str, attempt: int, lock: Path) -> int:
    async def hold(question: str) -> None:
        if holding == "a thread":
            await to_thread.run_sync(threading.Event().wait)
        if holding in question:
            await anyio.sleep_forever()

    control = Control(root)
    control.handle_signals()
    source = FakeSource(TEXTS, watcher=hold)
    folder = JobFolder(root)
    job = make_job(folder, source, attempt=attempt)
    with locked(folder, lock):
        return anyio.run(replace(job, control=control, on_stop=partial(exit_after, 0.2)).run)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])))
