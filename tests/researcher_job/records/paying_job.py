"""A program: a job whose many searches are paid, killed at random moments until it is done.

Arguments: the job folder, a seed, a file to which each search that is really made adds its
question. Each attempt is a process of its own, killed by SIGKILL. Prints one line of JSON: the
exit code of the last attempt, and what stood in ``work/results`` after each.
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
"""Of each question, one after the other."""

SEARCH_SECONDS = 0.03
LIFE_SECONDS = 0.12
"""How long an attempt lives at most; more after many, for a machine that is slow to begin one."""

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
    async def made(question: str) -> None:
        with calls.open("a") as file:
            file.write(f"{question}\n")
        await anyio.sleep(SEARCH_SECONDS)

    job = make_job(folder, FakeSource(TEXTS, watcher=made), attempt=number)
    settings = replace(job.settings, concurrency=3, reserve_bytes=1_000)
    return anyio.run(replace(job, settings=settings, strategy=ManySearches()).run)


def standing(folder: JobFolder) -> dict[str, tuple[int, bool]]:
    """Return of each call how often it was begun, and whether its answer is kept."""
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
        seen.append(standing(folder))
        if os.WIFEXITED(status):
            break
    print(json.dumps({"seen": seen, "exit_code": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    seeded = random.Random(int(sys.argv[2]))  # noqa: S311 - moments, no secret
    main(JobFolder(Path(sys.argv[1])), seeded, Path(sys.argv[3]))
