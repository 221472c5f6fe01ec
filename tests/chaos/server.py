"""A server's process: ``python -m tests.chaos.server ROOT SEED`` keeps jobs coming.

It starts research and stand-in jobs, some with a key that other servers use as well, follows
them, and asks some to stop or to finish now, until its standard input ends.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, StartOptions
from research_contract.records import Plan, Request, new_job_id
from tests.chaos.stage import QUESTIONS, Stage
from tests.mcp_jobs_server.backends.local.data_directory import OWNER, STAND_IN

log = logging.getLogger(__name__)

MOST_ACTIVE = 6
"""Jobs of all servers that have not ended, up to which more are started."""

KEEP_SECONDS = 0.5
"""How often a runner is looked for: often, since it is killed every few seconds."""


class Client:
    """Calls the runners as people's assistants would, by chance."""

    def __init__(
        self, stage: Stage, research: LocalRunner, stand_in: LocalRunner, chance: random.Random
    ) -> None:
        self._stage = stage
        self._research = research
        self._stand_in = stand_in
        self._chance = chance
        self._noted = stage.started / str(os.getpid())

    async def keep_starting(self, tasks: TaskGroup) -> None:
        while not self._stage.enough.exists():
            await anyio.sleep(self._chance.uniform(0, 0.2))
            try:
                if len(await self._research.active(OWNER, limit=100)) < MOST_ACTIVE:
                    tasks.start_soon(self._follow, await self._start())
            except JobsError as error:
                log.warning("No job was started. %s", error)

    async def _start(self) -> Job:
        now = datetime.now(UTC)
        research = self._chance.random() < 0.6
        key = f"{research}-{self._chance.randrange(1000)}" if self._chance.random() < 0.3 else ""
        questions = tuple(self._chance.sample(QUESTIONS, k=3)) if research else ()
        asked = Request(
            job_id=new_job_id(now),
            question="Life in ponds" if research else self._chance.choice(["short", "family"]),
            plan=Plan(questions=questions),
            sources=self._stage.sources,
            created_at=now,
        )
        runner = self._research if research else self._stand_in
        started = await runner.start(asked, owner=OWNER, options=StartOptions(key=key))
        with self._noted.open("a") as file:
            file.write(json.dumps([key, started.job.id]) + "\n")
        return started.job

    async def _follow(self, job: Job) -> None:
        """Wait for the job; ask a third of them, at some moment, for an end."""
        try:
            if self._chance.random() < 0.33:
                await anyio.sleep(self._chance.uniform(0, 2))
                mode = "stop" if self._chance.random() < 0.6 else "finish_now"
                await self._research.stop(OWNER, job.id, mode)  # type: ignore[arg-type]  # of two
            await self._until(job, lambda found: found.ended)
        except JobsError as error:
            log.warning("Job %s is not followed any more. %s", job.id, error)

    async def _until(self, job: Job, true: Callable[[Job], bool]) -> None:
        async with self._research.changes(job) as changes:
            while (found := await self._research.job(OWNER, job.id)) and not true(found):
                await changes.wait()


async def main(root: Path, seed: str) -> None:
    stage = Stage(root)
    async with (
        LocalRunner(stage.settings, keep_seconds=KEEP_SECONDS) as research,
        LocalRunner(stage.settings, job_command=STAND_IN, keep_seconds=KEEP_SECONDS) as stand_in,
        anyio.create_task_group() as tasks,
    ):
        for runner in (research, stand_in):
            await runner.active(OWNER, limit=1)
        stage.opened(os.getpid()).touch()
        client = Client(stage, research, stand_in, random.Random(seed))  # noqa: S311 - no secret
        tasks.start_soon(client.keep_starting, tasks)
        await to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        tasks.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2])
