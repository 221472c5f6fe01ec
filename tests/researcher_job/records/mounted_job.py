"""A program: a job in a folder that behaves like a mount, killed at random times until it ends.

Arguments: the job folder and a seed. Each attempt is a separate process, killed by SIGKILL. The
folder is checked after each attempt. The program prints one line of JSON: the exit code of the
last attempt, the number of attempts, and how many published steps were lost.
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
"""Most seconds that an attempt lives; longer after many attempts, for slow machines."""

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


class Checker:
    """Compares the folder with its state after the previous attempt."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._evidence: list[Evidence | None] = []
        self._steps: list[Step | None] = []

    def check(self) -> None:
        """Check that no record was lost or changed and that every reference is valid."""
        root = self._folder.path
        evidence = list(read_segments(root, contract.EVIDENCE_SEGMENTS, Evidence).records)
        steps = list(read_segments(root, contract.STEPS, Step).records)
        status = self._folder.status()
        assert evidence[: len(self._evidence)] == self._evidence, "evidence was lost or changed"
        assert all(
            now == before or (now and now.message == LOST)
            for now, before in zip(steps, self._steps, strict=False)
        ), "a step number was reused"
        assert not status or len(evidence) >= status.last_evidence, (
            "the status names missing evidence"
        )
        if status and status.last_step > len(steps):
            assert self._is_incomplete(), "the status names missing steps"
        by_number = {item.n: item for item in evidence if item}
        for step in steps:
            if step and step.kind == "finding":
                assert step.payload["n"] in by_number, "a step names missing evidence"
        for index in range(2):
            task = self._folder.task(index)
            for n in task.result.evidence if task and task.result else ():
                assert by_number[n].question == index, "a task names missing evidence"
        self._evidence, self._steps = evidence, steps

    def _is_incomplete(self) -> bool:
        """Return whether the attempt died while rewriting a segment."""
        segments = self._folder.file(contract.STEPS).glob("*.jsonl")
        return any(not path.read_bytes().endswith(b"\n") for path in segments)


def main(root: Path, choose: random.Random) -> None:
    folder = JobFolder(root)
    checker = Checker(folder)
    for number in range(1, MOST_ATTEMPTS):
        child = os.fork()
        if child == 0:
            os._exit(attempt(root, number))
        time.sleep(choose.uniform(0, LIFE_SECONDS * (1 + number / 30)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        checker.check()
        if os.WIFEXITED(status):
            break
    steps = read_segments(root, contract.STEPS, Step).records
    result = {
        "exit_code": os.waitstatus_to_exitcode(status),
        "attempts": number,
        "lost": sum(step is not None and step.message == LOST for step in steps),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), random.Random(int(sys.argv[2])))  # noqa: S311 - moments, no secret
