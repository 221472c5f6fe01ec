"""Chooses what has outlived its time and deletes it, so that it can be cut short at any moment."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.operations.retention.inventory import (
    OWNER,
    Traces,
    Unreadable,
    children,
    directories,
    owners,
    traces,
)
from research_contract import records
from research_contract.records import JOB_ID

NEVER_ASKED = timedelta(days=1)
"""After this a start that left no request is given up: nothing can have been started for it."""
NEVER_STARTED = timedelta(days=3)
"""After this a request without a run is given up: the platform lets a run wait for two days."""

PROBES = "probe"
_LAST = (records.OUTCOME, records.ENDED)
"""Deleted last of a folder: while one is there, what is left of it is known to be an ended job."""


@dataclass
class Swept:
    """What was deleted, or would be: ids only. ``failed`` could not be deleted this time.

    ``unended`` are as old and have not ended; ``built_on`` are kept for a job that has not ended;
    ``unreadable`` are owners of whom nothing is deleted, since a request cannot be understood.
    """

    applied: bool
    expired: list[str] = field(default_factory=list)
    never_ran: list[str] = field(default_factory=list)
    probes: list[str] = field(default_factory=list)
    unended: list[str] = field(default_factory=list)
    built_on: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def fields(self) -> dict[str, object]:
        return asdict(self)


def sweep(
    root: Path, *, days: int | None, owner: str = "", now: datetime, apply: bool = False
) -> Swept:
    """Delete what ended more than ``days`` ago, and what was asked for and never ran.

    Args:
        root: what holds the folders of the owners; nothing outside is touched.
        days: 0 deletes no job that ended; ``None`` all of them, of one person only.
        owner: the folder of the one person whose jobs are looked at; "" for all.
        now: the time.
        apply: otherwise nothing is deleted, and the answer is what would be.

    Raises:
        InvalidArgument: ``owner`` is no name of a folder of an owner, or missing for all days.
        NotFound: there is no such root or owner.
    """
    if days is None and not owner:
        raise InvalidArgument("All can go of one person only.", "Name them with --owner.")
    if not root.is_dir():
        raise NotFound("There is no such root.", "Name the folder that holds the job folders.")
    chosen = [_of_person(root, owner)] if owner else owners(root)
    ended_before = None if days == 0 else now - timedelta(days=days or 0)
    swept = Swept(applied=apply)
    for place in chosen:
        _Owner(place, swept, ended_before, now).sweep()
    if not owner:
        _sweep_probes(root / PROBES, swept, now)
    return swept


def _of_person(root: Path, owner: str) -> Path:
    if not OWNER.fullmatch(owner):
        raise InvalidArgument(
            "That is no folder of a person.", "It looks like ana-example-com-0123456789abcdef."
        )
    if root / owner not in owners(root):
        raise NotFound("There is no such person below this root.", "Nothing is kept of them.")
    return root / owner


@dataclass(frozen=True)
class _Owner:
    place: Path
    swept: Swept
    ended_before: datetime | None
    now: datetime

    def sweep(self) -> None:
        jobs = traces(self.place)
        ends = {job.job_id: job.end() for job in jobs}
        unended = [job for job in jobs if ends[job.job_id] is None]
        try:
            needed = {job_id for job in unended for job_id in job.builds_on()}
        except Unreadable:
            self.swept.unreadable.append(self.place.name)
            return
        for job in jobs:
            end = ends[job.job_id]
            if end is None:
                self._not_ended(job)
            elif self.ended_before and end < self.ended_before:
                self._ended(job, needed)
        if self.swept.applied:
            self._tidy()

    def _not_ended(self, job: Traces) -> None:
        if self._never_ran(job):
            self._delete(job, self.swept.never_ran)
        elif self.ended_before and _day(job.job_id) < self.ended_before:
            self.swept.unended.append(job.job_id)

    def _never_ran(self, job: Traces) -> bool:
        began = job.made or _day(job.job_id)
        if any(job.has(name) for name in (records.RUN, records.STATUS)):
            return False
        asked = job.has(records.REQUEST)
        return self.now - began > (NEVER_STARTED if asked else NEVER_ASKED)

    def _ended(self, job: Traces, needed: set[str]) -> None:
        if job.job_id in needed:
            self.swept.built_on.append(job.job_id)
        else:
            self._delete(job, self.swept.expired)

    def _delete(self, job: Traces, deleted: list[str]) -> None:
        if not self.swept.applied or _done(job, delete):
            deleted.append(job.job_id)
        else:
            self.swept.failed.append(job.job_id)

    def _tidy(self) -> None:
        """Remove months that are empty and past: nobody makes anything in them any more."""
        current = f"{self.now - timedelta(days=2):%Y-%m}"
        for above in (self.place, self.place / "index"):
            for month in directories(above):
                if month.name < current and not children(month):
                    with contextlib.suppress(OSError):
                        month.rmdir()


def delete(job: Traces) -> None:
    """Delete all traces of a job; done again after an interruption it goes on.

    Keys go first: the same key then makes a new job instead of naming half of one. Then the
    request and the entries, so that nobody is shown half of a job. What tells in the folder that
    the job has ended goes last.
    """
    _unlink(job.keys)
    there = {path.name: path for path in children(job.folder)}
    last = [there.pop(name) for name in _LAST if name in there]
    _delete_all(there.pop(name) for name in (records.REQUEST,) if name in there)
    for what in ("fetched", "made", "ended"):
        _unlink(job.entries.get(what, ()))
    _delete_all((*there.values(), *last))
    if job.folder.is_dir() and not job.folder.is_symlink():
        job.folder.rmdir()


def _delete_all(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # follows no link, not even one put there meanwhile
        else:
            _unlink([path])


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _done(job: Traces, work: Callable[[Traces], None]) -> bool:
    try:
        work(job)
    except OSError:
        return False
    return True


def _day(job_id: str) -> datetime:
    """Return the end of the day that an id names."""
    try:
        day = datetime.strptime(job_id[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:  # such as the 31st of February: it was made by nobody here
        return datetime.max.replace(tzinfo=UTC)
    return day + timedelta(days=1)


def _sweep_probes(place: Path, swept: Swept, now: datetime) -> None:
    for folder in directories(place):
        if JOB_ID.fullmatch(folder.name) and _day(folder.name) < now - NEVER_ASKED:
            swept.probes.append(folder.name)
            if swept.applied:
                shutil.rmtree(folder, ignore_errors=True)
