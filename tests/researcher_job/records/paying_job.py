"""A program: a job with many paid searches, killed at random times until it is done.

Arguments: the job folder, a seed, and a file to which each actual search appends its question.
Each attempt is a separate process, killed by SIGKILL. The program prints one line of JSON: the
exit code of the last attempt, and the calls in ``work/results`` after each attempt.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import anyio

from research_contract.files import decode, read_whole
from research_contract.records import RESULTS, Depth
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.ledger import PaidCall
from researcher_job.sources.base import Passage, Query, Quote, Source
from researcher_job.strategies.base import Finding
from researcher_job.testing import FakeSource
from tests.researcher_job.jobs import TEXTS, make_job

SEARCHES = 6
"""Searches per question, one after the other."""

SEARCH_SECONDS = 0.03
LIFE_SECONDS = 0.12
"""Most seconds that an attempt lives; longer after many attempts, for slow machines."""

MOST_ATTEMPTS = 500


class ManySearches:
    """A strategy that searches several times for each question."""

    async def find(
        self, question: str, source: Source, *, terms: Sequence[str] = (), depth: Depth = "standard"
    ) -> Finding:
        found: list[Passage] = []
        for number in range(SEARCHES):
            found += await source.search(Query(f"{question} Part {number}?"), limit=1)
        quotes = tuple(Quote(one, one.start, one.end, one.text, 1.0) for one in found[:1])
        return Finding(quotes, "answered" if quotes else "not_found")


def attempt(folder: JobFolder, number: int, calls: Path) -> int:
    async def record(question: str) -> None:
        with calls.open("a") as file:
            file.write(f"{question}\n")
        await anyio.sleep(SEARCH_SECONDS)

    job = make_job(folder, FakeSource(TEXTS, watcher=record), attempt=number)
    settings = replace(job.settings, concurrency=3, reserve_bytes=1_000)
    return anyio.run(replace(job, settings=settings, strategy=ManySearches()).run)


def paid_calls(folder: JobFolder) -> dict[str, tuple[int, bool]]:
    """Return how often each call was started, and whether its answer is stored."""
    files = folder.file(RESULTS).glob("*.json")
    paid = {path.name: decode(PaidCall, read_whole(path)) for path in files}
    return {name: (one.begun, one.answer is not None) for name, one in paid.items() if one}


def main(folder: JobFolder, choose: random.Random, calls: Path) -> None:
    seen: list[dict[str, tuple[int, bool]]] = []
    for number in range(1, MOST_ATTEMPTS):
        child = os.fork()
        if child == 0:
            os._exit(attempt(folder, number, calls))
        time.sleep(choose.uniform(0, LIFE_SECONDS * (1 + number / 30)))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        seen.append(paid_calls(folder))
        if os.WIFEXITED(status):
            break
    print(json.dumps({"seen": seen, "exit_code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    seeded = random.Random(int(sys.argv[2]))  # noqa: S311 - moments, no secret
    main(JobFolder(Path(sys.argv[1])), seeded, Path(sys.argv[3]))
