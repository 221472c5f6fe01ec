"""What lies in the folder of one owner: index entries, job folders, keys. Follows no link."""

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
_MOST_BYTES = 1_000_000
"""Files that are read here are far smaller; a larger one is taken for unreadable."""


class Unreadable(ValueError):
    """A file that must be understood before anything may be deleted cannot be."""


class _Key(BaseModel):
    job_id: str


@dataclass
class Traces:
    """All that is there of one job: index entries, folder, keys."""

    job_id: str
    folder: Path
    entries: dict[str, list[Path]] = field(default_factory=dict)
    made: datetime | None = None
    ended: datetime | None = None
    keys: list[Path] = field(default_factory=list)

    def has(self, name: str) -> bool:
        """Tell whether the job folder holds that file."""
        return _is_file(self.folder / name)

    def end(self) -> datetime | None:
        """Return when the job ended: by the index, or by its folder where nobody looked since."""
        if self.ended:
            return self.ended
        try:
            outcome = decode(Outcome, _read(self.folder / records.OUTCOME))
            found = outcome or decode(Ended, _read(self.folder / records.ENDED))
        except NewerFormat:
            return None
        return found.ended_at if found else None

    def builds_on(self) -> set[str]:
        """Return the ids of the jobs that this one was asked to build on.

        Raises:
            Unreadable: its request is there and cannot be understood.
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


def owners(root: Path) -> list[Path]:
    """Return the folders of owners below ``root``, in order."""
    return [path for path in directories(root) if OWNER.fullmatch(path.name)]


def traces(owner: Path) -> list[Traces]:
    """Return what is there of each job of an owner, in the order of their ids."""
    found: dict[str, Traces] = {}

    def of(job_id: str) -> Traces:
        place = owner / records.month_of(job_id) / job_id
        return found.setdefault(job_id, Traces(job_id, place))

    for path in _entries(owner / "index"):
        if entry := _ENTRY.fullmatch(path.name):
            _add(of(entry["job"]), path, entry["what"], int(entry["ms"]))
    for path in _entries(owner):
        if JOB_ID.fullmatch(path.name) and path.parent.name == records.month_of(path.name):
            of(path.name)
    for path in children(owner / "keys"):
        if _KEY.fullmatch(path.name) and (job_id := _named_by(path)):
            of(job_id).keys.append(path)
    return [found[job_id] for job_id in sorted(found)]


def _add(job: Traces, path: Path, what: str, milliseconds: int) -> None:
    job.entries.setdefault(what, []).append(path)
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    if what == "made":
        job.made = max(job.made or at, at)
    if what == "ended":
        job.ended = max(job.ended or at, at)


def _entries(place: Path) -> Iterator[Path]:
    """Yield what lies in the folders of months in ``place``."""
    for month in directories(place):
        if MONTH.fullmatch(month.name):
            yield from children(month)


def _named_by(key: Path) -> str:
    try:
        job_id = _Key.model_validate_json(_read(key) or b"").job_id
    except ValidationError:
        return ""
    return job_id if JOB_ID.fullmatch(job_id) else ""


def children(place: Path) -> list[Path]:
    """Return what lies in a real directory, in order; nothing where it is none."""
    if place.is_symlink() or not place.is_dir():
        return []
    return sorted(place.iterdir())


def directories(place: Path) -> list[Path]:
    return [path for path in children(place) if path.is_dir() and not path.is_symlink()]


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()


def _read(path: Path) -> bytes | None:
    """Return the contents of a plain, small file; ``None`` of anything else."""
    if not _is_file(path) or path.stat().st_size > _MOST_BYTES:
        return None
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(descriptor, "rb") as file:
        return file.read(_MOST_BYTES)
