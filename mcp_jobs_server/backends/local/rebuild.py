"""Lists jobs again, from their folders, whose rows were lost with the job database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import DataPaths
from mcp_jobs_server.backends.local.processes.settle import MAX_DEATHS
from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.backends.local.store.jobs import source_names
from mcp_jobs_server.core.models import JobState, one_line_summary
from research_contract.files import NewerFormat, decode, read_whole
from research_contract.records import (
    ENDED,
    FINISH_NOW,
    JOB_ID,
    OUTCOME,
    REQUEST,
    RUN,
    STATUS,
    STOP,
    Ended,
    Outcome,
    Request,
    Run,
    Status,
    month_of,
)

UNLISTED = (
    "The job database was lost or replaced: there are job folders that no list shows. To list"
    " them again: mcp-jobs-server jobs rebuild"
)

Row = dict[str, str | int | float | None]
"""Columns of a row of the table ``jobs``, by name."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did: the state of each job that is listed again, by id, and the folders that
    were refused, each with the reason."""

    jobs: Mapping[str, JobState]
    refused: Mapping[str, str]


def unlisted(database: Database, paths: DataPaths) -> list[Path]:
    """Return the job folders that have no row.

    A row is there before its folder and until after it, so the folders are listed first.
    """
    folders = [path for path in paths.jobs.glob("*/*/*") if JOB_ID.fullmatch(path.name)]
    if not folders:
        return []
    with database.read() as db:
        rows = {(row[0], row[1]) for row in db.execute("SELECT owner, id FROM jobs")}
    without_row = [path for path in folders if (path.parts[-3], path.name) not in rows]
    return [path for path in without_row if path.exists()]  # else it was removed meanwhile


def rebuild(database: Database, paths: DataPaths, profile: str) -> Rebuilt:
    """Insert a row for each job folder that has none.

    A job that ended is listed as its folder says. Any other is not queued again: the runner of
    ``profile`` follows its process to the end if there is one, and else writes its report from the
    folder. Idempotency keys are not in the folders, so they are lost.
    """
    jobs: dict[str, JobState] = {}
    refused: dict[str, str] = {}
    found: list[tuple[int, Path, JobState, Row]] = []
    for path in unlisted(database, paths):
        try:
            request = _fitting_request(path, paths.jobs)
            state, row = _state(path, request, held=locks.is_held(paths.job_lock(path.name)))
        except (NewerFormat, OSError, ValueError) as error:
            refused[str(path)] = str(error)
            continue
        found.append((to_micros(request.created_at), path, state, row | {"profile": profile}))
    with database.write() as db:
        values = db.execute("SELECT min(seq), min(created_at) FROM jobs").fetchone()
        first, oldest = values[0] or 0, values[1] or 0
        # Jobs that were started since the database was lost are the newer ones.
        before = sorted((job for job in found if job[0] < oldest), reverse=True)
        after = sorted(job for job in found if job[0] >= oldest)
        for place, (_, path, state, row) in enumerate((*before, *after)):
            if place < len(before):
                row["seq"] = first - 1 - place
            columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            sql = f"INSERT OR IGNORE INTO jobs ({columns}) VALUES ({places})"  # noqa: S608 - ours
            if db.execute(sql, row).rowcount:
                jobs[path.name] = state
            else:
                refused[str(path)] = "another job has its id"
    return Rebuilt(jobs, refused)


def _fitting_request(path: Path, root: Path) -> Request:
    """Return the request of a job folder.

    Raises:
        NewerFormat, OSError, ValueError: it cannot be read, or does not fit its place.
    """
    if path.resolve() != root.resolve() / path.relative_to(root):
        raise ValueError("a link leads there")
    request = decode(Request, read_whole(path / REQUEST))
    if request is None:
        raise ValueError("its request cannot be read")
    if request.job_id != path.name:
        raise ValueError("its request is that of another job")
    if path.parent.name != month_of(path.name):
        raise ValueError("it is in the folder of another month")
    if request.owner not in ("", path.parts[-3]):  # earlier versions did not record the owner
        raise ValueError("it is in the folder of another owner")
    return request


def _state(path: Path, request: Request, *, held: bool) -> tuple[JobState, Row]:
    """Return the state of the job as its folder says, and its row."""
    outcome = decode(Outcome, read_whole(path / OUTCOME))
    ended = decode(Ended, read_whole(path / ENDED))
    status = decode(Status, read_whole(path / STATUS))
    run = decode(Run, read_whole(path / RUN))
    row: Row = {
        "id": request.job_id,
        "owner": path.parts[-3],
        "fingerprint": "",
        "request": request.model_dump_json(),
        "depth": request.depth,
        "source_names": source_names(request),
        "attempt": max(status.attempt if status else 0, run.attempt if run else 0),
        "charged": MAX_DEATHS,  # it is not begun again
        "created_at": to_micros(request.created_at),
        "started_at": to_micros(run.started_at) if run else None,
    }
    state: JobState
    if outcome is not None:
        state = "completed"
        row |= {
            "outcome": outcome.outcome,
            "summary": one_line_summary(outcome),
            "active_seconds": outcome.spent.active_seconds,
            "cost_usd": outcome.spent.cost_usd,
            "ended_at": to_micros(outcome.ended_at),
        }
    elif ended is not None:
        state = ended.state
        row |= {
            "summary": ended.error.message if ended.error else "Cancelled.",
            "error": ended.error.model_dump_json() if ended.error else None,
            "ended_at": to_micros(ended.ended_at),
        }
    else:
        stopping = (path / STOP).exists()
        finishing = not held or (path / FINISH_NOW).exists()
        state = "cancelling" if stopping else "running"
        row["requested"] = "stop" if stopping else "finish_now" if finishing else None
    return state, row | {"state": state}
