"""Lists the files of the jobs in an owner's folder: index entries, job folders and keys.

Symbolic links are never followed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from research_contract import records
from research_contract.files import NewerFormat, decode
from research_contract.records import JOB_ID, Ended, Outcome, Request

OWNER = re.compile(r"[a-z0-9-]{1,24}-[0-9a-f]{16}", re.ASCII)
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)
_ENTRY = re.compile(
    rf"(?P<job>{JOB_ID.pattern})\.(?P<what>made|ended|fetched)\.(?P<ms>\d{{1,13}})(\..*)?", re.ASCII
)
_KEY = re.compile(r"[0-9a-f]{64}\.json", re.ASCII)
_MAX_BYTES = 1_000_000
"""Files read here are much smaller; a larger file counts as unreadable."""


class Unreadable(ValueError):
    """A file that must be parsed before anything may be deleted cannot be parsed."""


class _Key(BaseModel):
    job_id: str


@dataclass
class JobFiles:
    """All files of one job: index entries by kind, the job folder, and keys."""

    job_id: str
    folder: Path
    entries: dict[str, list[Path]] = field(default_factory=dict)
    created_at: datetime | None = None
    ended_at: datetime | None = None
    keys: list[Path] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Return whether the job folder contains that file."""
        return _is_file(self.folder / name)

    def end(self) -> datetime | None:
        """Return when the job ended: from the index, or else from the files of its folder."""
        if self.ended_at:
            return self.ended_at
        try:
            outcome = decode(Outcome, _read(self.folder / records.OUTCOME))
            end = outcome or decode(Ended, _read(self.folder / records.ENDED))
        except NewerFormat:
            return None
        return end.ended_at if end else None

    def builds_on(self) -> set[str]:
        """Return the ids of the jobs that this job builds on.

        Raises:
            Unreadable: the request exists and cannot be parsed.
        """
        data = _read(self.folder / records.REQUEST)
        if data is None and not _is_file(self.folder / records.REQUEST):
            return set()
        try:
            request = decode(Request, data)
        except NewerFormat as error:
            raise Unreadable(self.job_id) from error
        if request is None:
            raise Unreadable(self.job_id)
        return {job_id for job_id in (request.follow_up_of, request.refresh_of) if job_id}


def job_files(owner: Path) -> list[JobFiles]:
    """Return the files of each job of an owner, sorted by job id."""
    jobs: dict[str, JobFiles] = {}

    def job(job_id: str) -> JobFiles:
        folder = owner / records.month_of(job_id) / job_id
        return jobs.setdefault(job_id, JobFiles(job_id, folder))

    for path in _month_children(owner / "index"):
        if entry := _ENTRY.fullmatch(path.name):
            indexed = job(entry["job"])
            indexed.entries.setdefault(entry["what"], []).append(path)
            at = datetime.fromtimestamp(int(entry["ms"]) / 1000, UTC)
            if entry["what"] == "made":
                indexed.created_at = max(indexed.created_at or at, at)
            if entry["what"] == "ended":
                indexed.ended_at = max(indexed.ended_at or at, at)
    for path in _month_children(owner):
        if JOB_ID.fullmatch(path.name) and path.parent.name == records.month_of(path.name):
            job(path.name)
    for path in children(owner / "keys"):
        if _KEY.fullmatch(path.name) and (job_id := _job_id_of_key(path)):
            job(job_id).keys.append(path)
    return [jobs[job_id] for job_id in sorted(jobs)]


def _job_id_of_key(key: Path) -> str:
    try:
        job_id = _Key.model_validate_json(_read(key) or b"").job_id
    except ValidationError:
        return ""
    return job_id if JOB_ID.fullmatch(job_id) else ""


def _month_children(folder: Path) -> Iterator[Path]:
    """Yield the contents of the month folders in ``folder``."""
    for month in directories(folder):
        if MONTH.fullmatch(month.name):
            yield from children(month)


def children(folder: Path) -> list[Path]:
    """Return the contents of a directory, sorted; nothing if it is a link or no directory."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(folder.iterdir())


def directories(folder: Path) -> list[Path]:
    """Return the subdirectories of a directory, without links."""
    return [path for path in children(folder) if path.is_dir() and not path.is_symlink()]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()


def _read(path: Path) -> bytes | None:
    """Return the content of a small regular file; ``None`` for anything else."""
    if not _is_file(path) or path.stat().st_size > _MAX_BYTES:
        return None
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MAX_BYTES)
