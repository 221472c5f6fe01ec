"""What must be true after a run, whatever was killed. Each check returns what is not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes import os_processes
from mcp_jobs_server.backends.local.processes.settle import MAX_ATTEMPTS, MAX_DEATHS
from mcp_jobs_server.backends.local.rebuild import rebuild
from mcp_jobs_server.backends.local.store.database import Database
from mcp_jobs_server.core.models import ENDED_STATES
from research_contract.files import decode, decode_lines, read_whole
from research_contract.records import (
    ENDED,
    EVIDENCE_SEGMENTS,
    OUTCOME,
    REPORT,
    RESULTS,
    STEPS,
    Ended,
    Evidence,
    Outcome,
    Record,
    Step,
    month_of,
)
from researcher_job.records.ledger import PaidCall
from tests.chaos.stage import Stage


@dataclass(frozen=True)
class Row:
    """What the database says of one job."""

    id: str
    folder: Path
    question: str
    state: str
    requested: str | None
    attempt: int
    charged: int
    outcome: str | None
    error: Mapping[str, object] | None

    @property
    def research(self) -> bool:
        return self.question not in ("short", "family")


class Remains:
    """All that a run left, read once."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.data_dir = stage.settings.data_dir
        with closing(sqlite3.connect(self.data_dir / "jobs.sqlite3", timeout=10)) as db:
            db.row_factory = sqlite3.Row
            self.rows = [self._row(row) for row in db.execute("SELECT * FROM jobs ORDER BY seq")]
            self.moves = [tuple(row) for row in db.execute("SELECT id, old, new FROM moves")]
            self.damage = [row[0] for row in db.execute("PRAGMA integrity_check")]

    def _row(self, row: sqlite3.Row) -> Row:
        return Row(
            id=row["id"],
            folder=self.data_dir / "jobs" / row["owner"] / month_of(row["id"]) / row["id"],
            question=json.loads(row["request"])["question"],
            state=row["state"],
            requested=row["requested"],
            attempt=row["attempt"],
            charged=row["charged"],
            outcome=row["outcome"],
            error=json.loads(row["error"]) if row["error"] else None,
        )


def lost(remains: Remains) -> Iterator[str]:
    """Every start that was answered is a job, and one key made one job."""
    known = {row.id for row in remains.rows}
    by_key: dict[str, set[str]] = defaultdict(set)
    for key, job_id in remains.stage.answers():
        if job_id not in known:
            yield f"{job_id} was started and is lost"
        if key:
            by_key[key].add(job_id)
    for key, ids in by_key.items():
        if len(ids) > 1:
            yield f"the key {key} made {len(ids)} jobs"


def ended_once(remains: Remains) -> Iterator[str]:
    """Every job moved into an end exactly once and never out of it."""
    ends = Counter(job_id for job_id, _, new in remains.moves if new in ENDED_STATES)
    for row in remains.rows:
        if row.state not in ENDED_STATES:
            yield f"{row.id} is {row.state}"
        elif ends[row.id] != 1:
            yield f"{row.id} ended {ends[row.id]} times"
    for job_id, old, new in remains.moves:
        if old in ENDED_STATES:
            yield f"{job_id} moved from {old} to {new}"


def truthful(remains: Remains) -> Iterator[str]:
    """What the database says of each end is what stands in the folder."""
    for row in remains.rows:
        if fault := _untrue(row):
            yield f"{row.id} is {row.state}, but {fault}"


def _untrue(row: Row) -> str:
    outcome = decode(Outcome, read_whole(row.folder / OUTCOME))
    ended = decode(Ended, read_whole(row.folder / ENDED))
    if row.state == "completed":
        if outcome is None or outcome.outcome != row.outcome:
            return "its folder does not say so"
        return "" if ended is None else "its folder says that it was ended"
    if outcome is not None:
        return "there is an outcome"
    if row.state == "cancelled":
        return "" if row.requested == "stop" else "nobody asked for it"
    if ended is None or ended.state != "failed" or row.error is None:
        return "nothing says why"
    if row.error["code"] != "no_report" and not (row.folder / REPORT).exists():
        return "there is no report"
    died_enough = row.charged >= MAX_DEATHS or row.attempt >= MAX_ATTEMPTS
    unreported = row.error["code"] == "no_report" and row.requested == "finish_now"
    return "" if died_enough or unreported else f"only {row.charged} deaths count"


def numbered(remains: Remains) -> Iterator[str]:
    """Steps and evidence carry 1, 2, 3 … once each."""
    kinds: Sequence[tuple[str, type[Record], Callable[[Record], int]]] = (
        (STEPS, Step, lambda record: record.step if isinstance(record, Step) else 0),
        (
            EVIDENCE_SEGMENTS,
            Evidence,
            lambda record: record.n if isinstance(record, Evidence) else 0,
        ),
    )
    for row in remains.rows:
        for name, kind, number in kinds:
            parts = sorted((row.folder / name).glob("*.jsonl"))
            lines = [line for part in parts for line, _ in decode_lines(kind, part.read_bytes())]
            numbers = [number(line) if line else 0 for line in lines]
            if numbers != list(range(1, len(numbers) + 1)):
                yield f"{row.id}: {name} are numbered {numbers}"
        if row.research and row.state == "completed" and not list(row.folder.glob("steps/*")):
            yield f"{row.id} completed without a step"


def worked_once(remains: Remains) -> Iterator[str]:
    """No attempt began twice, and none that was not committed before."""
    for row in remains.rows:
        noted = read_whole(row.folder / "starts")
        starts = noted.decode().split() if noted else []
        if len(set(starts)) != len(starts) or any(int(one) > row.attempt for one in starts):
            yield f"{row.id}: of {row.attempt} attempts these began: {', '.join(starts)}"


def paid_once(remains: Remains) -> Iterator[str]:
    """No search whose answer was kept is made again, and the outcome counts each that was begun."""
    for row in remains.rows:
        calls = sorted((row.folder / RESULTS).glob("*.json"))
        paid = [decode(PaidCall, read_whole(path)) for path in calls]
        begun = sum(one.cost.tool_calls for one in paid if one)
        outcome = decode(Outcome, read_whole(row.folder / OUTCOME))
        if outcome and row.research and outcome.spent.tool_calls != begun:
            yield f"{row.id}: of {begun} searches {outcome.spent.tool_calls} are counted"
        yield from _repeated(row)


def _repeated(row: Row) -> Iterator[str]:
    asked: dict[str, str] = {}
    known: set[str] = set()
    for step in _steps(row):
        if step.kind == "tool_call":
            asked[step.worker] = json.dumps(step.payload, sort_keys=True)
            if asked[step.worker] in known:
                yield f"{row.id}: step {step.step} repeats a search"
        elif step.kind == "tool_result" and step.worker in asked:
            known.add(asked.pop(step.worker))


def _steps(row: Row) -> Iterator[Step]:
    for part in sorted((row.folder / STEPS).glob("*.jsonl")):
        yield from (step for step, _ in decode_lines(Step, part.read_bytes()) if step)


def verified(remains: Remains) -> Iterator[str]:
    """``researcher-job verify`` finds nothing wrong with any researched folder."""
    begun = [row for row in remains.rows if row.research and (row.folder / "request.json").exists()]
    with ThreadPoolExecutor(max_workers=2) as pool:
        for row, said in zip(begun, pool.map(_verify, begun), strict=True):
            if said:
                yield f"{row.id}: {said}"


def _verify(row: Row) -> str:
    command = [sys.executable, "-m", "researcher_job", "verify", str(row.folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else f"{ran.stdout.strip()} {ran.stderr.strip()}"


def rebuilt(remains: Remains) -> Iterator[str]:
    """Without the database, the folders alone give the same ends."""
    with TemporaryDirectory() as empty:
        paths = DataPaths(Path(empty))
        paths.root.joinpath("jobs").symlink_to(remains.data_dir / "jobs")
        paths.make()
        database = Database(paths)
        try:
            found = rebuild(database, paths, profile="")
        finally:
            database.close()
    for path, reason in found.refused.items():
        yield f"{path} is refused: {reason}"
    for row in remains.rows:
        written = (row.folder / OUTCOME).exists() or (row.folder / ENDED).exists()
        if written and found.jobs.get(row.id) != row.state:
            yield f"{row.id} is {row.state}, rebuilt as {found.jobs.get(row.id)}"


def nothing_left(remains: Remains) -> Iterator[str]:
    """No process lives, no lock is held, the database is whole."""
    for process in os_processes.data_dir_processes(remains.data_dir):
        yield f"the process {process.pid} lives: {' '.join(process.cmdline())}"
    for path in remains.data_dir.glob("locks/*.lock"):
        if locks.is_held(path):
            yield f"{path.name} is held"
    if remains.damage != ["ok"]:
        yield f"the database is damaged: {remains.damage[:3]}"


CHECKS: Mapping[str, Callable[[Remains], Iterator[str]]] = {
    "no start lost, one job a key": lost,
    "each job ended exactly once": ended_once,
    "each end is what its folder says": truthful,
    "steps and evidence 1, 2, 3 …": numbered,
    "no attempt begun twice": worked_once,
    "no paid search repeated, each counted": paid_once,
    "each researched folder verifies": verified,
    "the folders alone give the same ends": rebuilt,
    "no process, no lock, no damage left": nothing_left,
}
