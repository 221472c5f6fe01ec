"""Finds and deletes expired jobs. A sweep can be interrupted at any moment and run again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_jobs_server.core.errors import InvalidArgument, NotFound
from mcp_jobs_server.operations.retention.inventory import (
    OWNER,
    JobFiles,
    Unreadable,
    children,
    directories,
    job_files,
)
from research_contract import records
from research_contract.records import JOB_ID

MAX_AGE_WITHOUT_REQUEST = timedelta(days=1)
"""After this time a start without a request is given up: no run can have been started for it."""
MAX_AGE_WITHOUT_RUN = timedelta(days=3)
"""After this time a request without a run is given up: the platform queues a run for two days."""

PROBES = "probe"
_DELETED_LAST = (records.OUTCOME, records.ENDED)
"""Files that mark a job as ended. While one exists, a partly deleted folder is known to be one of
an ended job."""


@dataclass
class Swept:
    """The ids of the jobs that were deleted, or would be.

    ``failed`` could not be deleted this time. ``unended`` are old enough but have not ended.
    ``built_on`` are kept for an active job. ``unreadable`` are owners for whom nothing is deleted,
    because a request cannot be parsed.
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
    """Delete jobs that ended more than ``days`` ago, and starts that never ran.

    Args:
        root: the folder of the owners' folders; nothing outside is touched.
        days: 0 deletes no ended job; ``None`` deletes all ended jobs of one owner.
        owner: the folder name of the only owner to process; "" for all owners.
        now: the current time.
        apply: if false, nothing is deleted and the result is what would be.

    Raises:
        InvalidArgument: ``owner`` is not a valid folder name, or is missing while ``days`` is
            ``None``.
        NotFound: the root or the owner does not exist.
    """
    if days is None and not owner:
        raise InvalidArgument(
            "All jobs can be deleted for one person only.", "Name the person with --owner."
        )
    if not root.is_dir():
        raise NotFound("The root does not exist.", "Name the folder that holds the job folders.")
    if owner and not OWNER.fullmatch(owner):
        raise InvalidArgument(
            "--owner is not the folder name of a person.",
            "It looks like ana-example-com-0123456789abcdef.",
        )
    people = [path for path in directories(root) if OWNER.fullmatch(path.name)]
    folders = [path for path in people if owner in ("", path.name)]
    if owner and not folders:
        raise NotFound("The root has no folder of that person.", "No data of theirs is kept.")
    ended_before = None if days == 0 else now - timedelta(days=days or 0)
    swept = Swept(applied=apply)
    for folder in folders:
        _OwnerSweep(folder, swept, ended_before, now).run()
    if not owner:
        for probe in directories(root / PROBES):
            expired = now - MAX_AGE_WITHOUT_REQUEST
            if JOB_ID.fullmatch(probe.name) and _end_of_day(probe.name) < expired:
                swept.probes.append(probe.name)
                if apply:
                    shutil.rmtree(probe, ignore_errors=True)
    return swept


@dataclass(frozen=True)
class _OwnerSweep:
    folder: Path
    swept: Swept
    ended_before: datetime | None
    now: datetime

    def run(self) -> None:
        jobs = job_files(self.folder)
        ends = {job.job_id: job.end() for job in jobs}
        unended = [job for job in jobs if ends[job.job_id] is None]
        try:
            needed = {job_id for job in unended for job_id in job.builds_on()}
        except Unreadable:
            self.swept.unreadable.append(self.folder.name)
            return
        for job in jobs:
            end = ends[job.job_id]
            if end is None and self._never_ran(job):
                self._delete(job, self.swept.never_ran)
            elif self.ended_before and (end or _end_of_day(job.job_id)) < self.ended_before:
                if end is None:
                    self.swept.unended.append(job.job_id)
                elif job.job_id in needed:
                    self.swept.built_on.append(job.job_id)
                else:
                    self._delete(job, self.swept.expired)
        if self.swept.applied:
            self._remove_empty_months()

    def _never_ran(self, job: JobFiles) -> bool:
        if any(job.has(name) for name in (records.RUN, records.STATUS)):
            return False
        age = self.now - (job.created_at or _end_of_day(job.job_id))
        return age > (MAX_AGE_WITHOUT_RUN if job.has(records.REQUEST) else MAX_AGE_WITHOUT_REQUEST)

    def _delete(self, job: JobFiles, deleted: list[str]) -> None:
        if self.swept.applied:
            try:
                delete(job)
            except OSError:
                self.swept.failed.append(job.job_id)
                return
        deleted.append(job.job_id)

    def _remove_empty_months(self) -> None:
        """Remove empty folders of past months, in which nothing is created any more."""
        current = f"{self.now - timedelta(days=2):%Y-%m}"
        for parent in (self.folder, self.folder / "index"):
            for month in directories(parent):
                if month.name < current and not children(month):
                    with contextlib.suppress(OSError):
                        month.rmdir()


def delete(job: JobFiles) -> None:
    """Delete all files of a job. After an interruption, calling it again continues.

    Keys are deleted first, so that the same key creates a new job instead of naming a partly
    deleted one. The request and the index entries follow, so that no list shows a partly deleted
    job. The files that mark the job as ended are deleted last.
    """
    _unlink(job.keys)
    paths = {path.name: path for path in children(job.folder)}
    last = [paths.pop(name) for name in _DELETED_LAST if name in paths]
    if records.REQUEST in paths:
        _delete_all([paths.pop(records.REQUEST)])
    for what in ("fetched", "made", "ended"):
        _unlink(job.entries.get(what, ()))
    _delete_all((*paths.values(), *last))
    if job.folder.is_dir() and not job.folder.is_symlink():
        job.folder.rmdir()


def _delete_all(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # does not follow links, not even one created in the meantime
        else:
            _unlink([path])


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _end_of_day(job_id: str) -> datetime:
    """Return the end of the day in a job id."""
    try:
        day = datetime.strptime(job_id[:8], "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:  # an invalid date such as February 31: not an id of this server
        return datetime.max.replace(tzinfo=UTC)
    return day + timedelta(days=1)
