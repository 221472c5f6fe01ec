"""A server process that only starts jobs: it prints their ids and stays.

Started by ``python -m`` with DATA_DIR COUNT KEY, it waits for a line, makes COUNT simultaneous
starts of one request, prints the answers as JSON, and waits for another line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import anyio
from anyio import to_thread

from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.models import StartOptions
from mcp_jobs_server.core.settings import Settings
from tests.mcp_jobs_server.backends.local import data_directory as local


async def main(data_dir: Path, count: int, key: str) -> None:
    answers: list[tuple[str, bool]] = []

    async def start(runner: LocalRunner) -> None:
        options = StartOptions(key=key, fingerprint="f")
        started = await runner.start(local.request(), owner=local.OWNER, options=options)
        answers.append((started.job.id, started.created))

    async with LocalRunner(Settings(data_dir=data_dir), job_command=local.STAND_IN) as runner:
        print("ready", flush=True)
        await to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(start, runner)
        print(json.dumps(answers), flush=True)
        await to_thread.run_sync(sys.stdin.readline)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
