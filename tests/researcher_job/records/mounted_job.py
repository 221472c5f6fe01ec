"""A program: a job in a folder that behaves like a mount, killed at random moments until it ends.

Arguments: the job folder, a seed. Each attempt is a process of its own, killed by SIGKILL. After
each the folder is looked at; what does not hold is an error. Prints one line of JSON: the exit
code of the last attempt, the number of attempts, and how many steps were lost after being told.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import anyio

from research_contract import records as contract
from research_contract.records import Evidence, Step
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import LOST
from researcher_job.records.segments import read_segments
from researcher_job.records.storage import MountedStorage
from researcher_job.testing import FakeSource
from tests.researcher_job.jobs import TEXTS, make_job
from tests.researcher_job.records.mount import behave_like_mount

SEARCH_SECONDS = 0.03
WRITE_SECONDS = 0.01
LIFE_SECONDS = 0.3
"""How long an attempt lives at most; more after many, for a machine that is slow to begin one."""

MOST_ATTEMPTS = 500


def attempt(root: Path, number: int) -> int:
    async def searching(_question: str) -> None:
        await anyio.sleep(SEARCH_SECONDS)

    behave_like_mount(root, write_seconds=WRITE_SECONDS)
    folder = JobFolder(root, MountedStorage())
    job = make_job(folder, FakeSource(TEXTS, watcher=searching), attempt=number)
    settings = replace(
        job.settings.for_mount(), status_seconds=0.01, look_seconds=0.01, concurrency=2
    )
    return anyio.run(replace(job, settings=settings).run)


class Seen:
    """What stood in the folder after the deaths so far."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._evidence: list[Evidence | None] = []
        self._steps: list[Step | None] = []

    def look(self) -> None:
        """Check that what stood there still does and that nothing names what is not there."""
        root = self._folder.path
        evidence = list(read_segments(root, contract.EVIDENCE_SEGMENTS, Evidence).records)
        steps = list(read_segments(root, contract.STEPS, Step).records)
        status = self._folder.status()
        assert evidence[: len(self._evidence)] == self._evidence, "evidence was lost or changed"
        assert all(
            now == before or (now and now.message == LOST)
            for now, before in zip(steps, self._steps, strict=False)
        ), "a number of a step was used twice"
        assert not status or len(evidence) >= status.last_evidence, "evidence that was told of"
        if status and status.last_step > len(steps):
            assert self._torn(), "the status named steps that were not written"
        by_number = {item.n: item for item in evidence if item}
        for step in steps:
            if step and step.kind == "finding":
                assert step.payload["n"] in by_number, "a step names evidence that is not there"
        for index in range(2):
            task = self._folder.task(index)
            for n in task.result.evidence if task and task.result else ():
                assert by_number[n].question == index, "a task names evidence that is not there"
        self._evidence, self._steps = evidence, steps

    def _torn(self) -> bool:
        """Whether the attempt died in the middle of writing a part again."""
        parts = self._folder.file(contract.STEPS).glob("*.jsonl")
        return any(not path.read_bytes().endswith(b"\n") for path in parts)


def main(root: Path, choose: random.Random) -> None:
    folder = JobFolder(root)
    seen = Seen(folder)
    for number in range(1, MOST_ATTEMPTS):
        child = os.fork()
        if child == 0:
            os._exit(attempt(root, number))
        time.sleep(choose.uniform(0, LIFE_SECONDS * (1 + number / 30)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        seen.look()
        if os.WIFEXITED(status):
            break
    steps = read_segments(root, contract.STEPS, Step).records
    said = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "attempts": number,
        "lost": sum(step is not None and step.message == LOST for step in steps),
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(Path(sys.argv[1]), random.Random(int(sys.argv[2])))  # noqa: S311 - moments, no secret
