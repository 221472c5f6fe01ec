"""Accidents that no kill makes: rows nobody can read, and a base job that is being removed."""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime

from mcp_jobs_server.backends.local.processes.stop_all import stop_all
from mcp_jobs_server.backends.local.runner import LocalRunner
from mcp_jobs_server.core.models import ACTIVE_STATES, Job, StartOptions
from research_contract.files import decode_lines
from research_contract.records import (
    EVIDENCE_SEGMENTS,
    SNAPSHOTS,
    STEPS,
    Plan,
    Request,
    Step,
    new_job_id,
)
from tests.chaos.stage import QUESTIONS, Stage
from tests.mcp_jobs_server.backends.local.damaged_rows import JOBS, PROFILES, damage, database
from tests.mcp_jobs_server.backends.local.data_directory import LONGEST, OWNER, until_ended

INCOMPLETE = "Its folder is incomplete, as if it were being removed."


@dataclass
class DamagedRows:
    """Puts bad bytes and values into copies of rows while the queue works, and takes them out.

    ``columns`` of the tables ``jobs`` and ``profiles`` are damaged, each in turn.
    """

    stage: Stage
    chance: random.Random
    columns: int
    done: int = 0
    _made: set[int] = field(default_factory=set)

    def damage_one(self) -> None:
        """Damage the next column in copies of a row, whichever it is."""
        every = [*(("jobs", column) for column in JOBS), *(("profiles", one) for one in PROFILES)]
        table, column = every[self.done % len(every)]
        settings = self.stage.settings
        with database(settings) as db:
            healthy = {one for _, one in self.stage.answers()} if table == "jobs" else None
            ids = [one for one in _ids(db, table).values() if healthy is None or one in healthy]
            before = set(_ids(db, "jobs"))
        if ids and damage(settings, table, column, "id", self.chance.choice(ids)):
            self.done += 1
        with database(settings) as db:
            self._made |= set(_ids(db, "jobs")) - before

    def unended(self) -> list[str]:
        """Return the ids of unended jobs but those of damaged rows."""
        with database(self.stage.settings) as db:
            damaged, ids = self._damaged(db), _ids(db, "jobs")
            sql = f"SELECT seq FROM jobs WHERE state IN {ACTIVE_STATES}"  # noqa: S608 - constants
            return [ids[seq] for (seq,) in db.execute(sql) if seq not in damaged]

    def take_out(self) -> None:
        """Remove the damaged rows, which no check could read, and the folders of their jobs."""
        with database(self.stage.settings) as db:
            for seq, job_id in self._damaged(db).items():
                db.execute("DELETE FROM jobs WHERE seq = ?", (seq,))
                for folder in self.stage.settings.jobs_dir.glob("*/*/*"):
                    if folder.name == job_id:
                        shutil.rmtree(folder)
            db.execute("DELETE FROM moves WHERE id NOT IN (SELECT id FROM jobs)")

    def _damaged(self, db: sqlite3.Connection) -> dict[int, str]:
        """Return the damaged rows; what servers have started in the same moment is none."""
        started = {job_id for _, job_id in self.stage.answers()}
        ids = _ids(db, "jobs")
        return {seq: ids[seq] for seq in self._made & set(ids) if ids[seq] not in started}


def _ids(db: sqlite3.Connection, table: str) -> dict[int, str]:
    """Return the ids of a table by the numbers of their rows, damaged ones as far as possible."""
    rows = db.execute(f"SELECT rowid, CAST(id AS BLOB) FROM {table}")  # noqa: S608 - two tables
    return {number: (raw or b"").decode(errors="replace") for number, raw in rows}


async def half_removed(stage: Stage, chance: random.Random, rounds: int) -> list[str]:
    """Follow up jobs whose folder is half removed; return which do not end well or say so."""
    faults: list[str] = []
    async with LocalRunner(stage.settings) as runner:

        async def researched(earlier: Job | None = None) -> Job:
            now = datetime.now(UTC)
            asked = Request(
                job_id=new_job_id(now),
                question="Life in ponds",
                plan=Plan(questions=QUESTIONS),
                sources=stage.sources,
                follow_up_of=earlier.id if earlier else None,
                earlier=str(stage.settings.jobs_dir / earlier.folder) if earlier else "",
                created_at=now,
            )
            started = await runner.start(asked, owner=OWNER, options=StartOptions())
            return await until_ended(runner, started.job)

        for _ in range(rounds):
            base = await researched()
            place = stage.settings.jobs_dir / base.folder
            for path in list((place / chance.choice([EVIDENCE_SEGMENTS, SNAPSHOTS])).iterdir()):
                path.unlink()
            ended = await researched(base)
            parts = sorted((stage.settings.jobs_dir / ended.folder / STEPS).iterdir())
            steps = [decode_lines(Step, part.read_bytes()) for part in parts]
            said = [step.message for lines in steps for step, _ in lines if step]
            if ended.state != "completed" or not any(INCOMPLETE in one for one in said):
                faults.append(f"{ended.id} follows up {base.id}, is {ended.state}, said {said}")
    stop_all(stage.settings, wait_seconds=LONGEST)
    return faults
