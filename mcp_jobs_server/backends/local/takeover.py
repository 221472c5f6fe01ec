"""Sees to jobs whose own surroundings are gone or away, so that none waits for ever unsaid."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

from mcp_jobs_server.backends.local import locks
from mcp_jobs_server.backends.local.paths import Layout
from mcp_jobs_server.backends.local.store.database import Database, to_micros
from mcp_jobs_server.backends.local.store.profiles import Profile, Profiles
from mcp_jobs_server.core.models import job_folder_of
from research_contract.files import create_once, encode
from research_contract.records import ENDED, Ended, Failure

GRACE_SECONDS = 30.0
"""How long jobs without a runner are left to servers of their own profile, which look for such
jobs every ten seconds."""

AWAY = "Waits for the program that started it; open that again, or cancel the job."
GONE = Failure(
    code="profile_gone",
    message="The installation of mcp-jobs-server that this job was started with is gone.",
    hint="Start the research again.",
    retryable=True,
)


class Adoption:
    """Looks after the jobs of other profiles on behalf of the server of ``profile``.

    Jobs of a profile that has no runner are taken over where this one can run them: at once
    if their interpreter is gone, else after ``grace_seconds``. Where it cannot, queued jobs of
    a vanished interpreter fail, and others are told what they wait for.
    """

    def __init__(
        self,
        database: Database,
        layout: Layout,
        profile: Profile,
        *,
        grace_seconds: float = GRACE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._layout = layout
        self._profile = profile
        self._grace_seconds = grace_seconds
        self._monotonic = monotonic
        self._alone_since: dict[str, float] = {}

    def look(self, at: datetime) -> None:
        """Look once at all other profiles."""
        now = self._monotonic()
        found = Profiles(self._database).with_work(but=self._profile.id)
        alone = {name: one for name, one in found.items() if not self._has_runner(name)}
        self._alone_since = {name: self._alone_since.get(name, now) for name in alone}
        for name, other in alone.items():
            gone = other is not None and other.gone
            if gone or now - self._alone_since[name] >= self._grace_seconds:
                self._see_to(name, other, at, gone=gone)

    def _has_runner(self, name: str) -> bool:
        return locks.held(self._layout.runner_lock(name))

    def _see_to(self, name: str, other: Profile | None, at: datetime, *, gone: bool) -> None:
        if other is None or self._profile.can_run_jobs_of(other):
            self._take_over(name)
        elif gone:
            self._fail(name, at)
        else:
            self._tell(name)

    def _take_over(self, name: str) -> None:
        """Make their jobs this profile's; what still runs is then followed by its lock."""
        sql = """UPDATE jobs SET profile = ?, summary = '' WHERE profile = ?
            AND state IN ('queued', 'running', 'cancelling')"""
        with self._database.write() as db:
            db.execute(sql, (self._profile.id, name))

    def _tell(self, name: str) -> None:
        sql = """UPDATE jobs SET summary = ? WHERE profile = ? AND state = 'queued'
            AND summary != ?"""
        with self._database.write() as db:
            db.execute(sql, (AWAY, name, AWAY))

    def _fail(self, name: str, at: datetime) -> None:
        sql = """UPDATE jobs SET state = 'failed', summary = ?, error = ?, ended_at = ?
            WHERE profile = ? AND state = 'queued' RETURNING owner, id, attempt"""
        values = (GONE.message, GONE.model_dump_json(), to_micros(at), name)
        with self._database.write() as db:
            ended = db.execute(sql, values).fetchall()
        for owner, job_id, attempt in ended:
            self._note(job_folder_of(owner, job_id), attempt, at)

    def _note(self, folder: str, attempts: int, at: datetime) -> None:
        ended = Ended(state="failed", error=GONE, attempts=attempts, ended_at=at)
        create_once(self._layout.jobs / folder / ENDED, encode(ended))
