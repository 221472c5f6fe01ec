"""The names of the index entries, which hold all that lists need to select and sort jobs.

``<job>.made.<epoch ms>``, ``<job>.fetched.<epoch ms>`` and
``<job>.ended.<epoch ms>.<state>.<outcome or ->.<kind>.<active ms>.<cents>``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from mcp_jobs_server.core.models import ENDED_STATES, JobState
from research_contract.records import OutcomeKind, Request

_NAME = re.compile(
    r"(?P<job>\d{8}-[a-z2-7]{13})\.(?P<event>made|ended|fetched)\.(?P<at>\d{1,13})"
    r"(?:\.(?P<state>[a-z]+)\.(?P<outcome>[a-z_]+|-)\.(?P<kind>[0-9a-f]{8})"
    r"\.(?P<active>\d{1,12})\.(?P<cents>\d{1,12}))?",
    re.ASCII,
)

_MAX_TIME = 10**13 - 1
_MAX_AMOUNT = 10**12 - 1
"""The largest numbers in names: the year 2286, and more than any job runs or costs."""


@dataclass(frozen=True)
class EndedEntry:
    """How a job ended, according to the name of its entry.

    ``at`` is in milliseconds since the epoch; similar jobs have the same ``kind``.
    """

    name: str
    at: int
    state: JobState
    outcome: OutcomeKind | None
    kind: str
    active_seconds: float
    cost_usd: float


@dataclass(frozen=True)
class IndexEntry:
    """All entries of one job. Times are milliseconds since the epoch, 0 or ``None`` if missing."""

    job_id: str
    created_at: int = 0
    created_name: str = ""
    ended: EndedEntry | None = None
    fetched_at: int | None = None


def to_milliseconds(at: datetime) -> int:
    """Return whole milliseconds since the epoch, limited to 13 digits."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    return min(max(0, whole), _MAX_TIME)


def from_milliseconds(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def kind_of(request: Request) -> str:
    """Return a hash of depth and sources, by which similar jobs are found: eight hex digits."""
    names = sorted(source.name for source in request.sources)
    return hashlib.sha256("\0".join((request.depth, *names)).encode()).hexdigest()[:8]


def created_name(request: Request) -> str:
    return f"{request.job_id}.made.{to_milliseconds(request.created_at)}"


def fetched_name(job_id: str, at: datetime) -> str:
    return f"{job_id}.fetched.{to_milliseconds(at)}"


def ended_name(
    request: Request,
    at: datetime,
    state: JobState,
    outcome: OutcomeKind | None,
    *,
    active_seconds: float,
    cost_usd: float,
) -> str:
    amounts = (active_seconds * 1000, cost_usd * 100)
    active, cents = (str(min(max(0, round(amount)), _MAX_AMOUNT)) for amount in amounts)
    time = str(to_milliseconds(at))
    kind = kind_of(request)
    return ".".join((request.job_id, "ended", time, state, outcome or "-", kind, active, cents))


def read_names(names: Iterable[str]) -> dict[str, IndexEntry]:
    """Return the entries by job id; other names are ignored.

    If a job has several ends, a completed one wins (its outcome became visible late), else the
    first. Of several times of creation or fetching the first counts.
    """
    entries: dict[str, IndexEntry] = {}
    for name in names:
        parts = _NAME.fullmatch(name)
        if parts is None:
            continue
        entry = entries.get(parts["job"]) or IndexEntry(parts["job"])
        at = int(parts["at"])
        if parts["event"] == "made" and (not entry.created_at or at < entry.created_at):
            entry = replace(entry, created_at=at, created_name=name)
        elif parts["event"] == "fetched":
            earlier = at if entry.fetched_at is None else min(at, entry.fetched_at)
            entry = replace(entry, fetched_at=earlier)
        elif parts["event"] == "ended" and parts["state"] in ENDED_STATES:
            ends = filter(None, (entry.ended, _ended_entry(name, parts)))
            ended = min(ends, key=lambda end: (end.state != "completed", end.at, end.name))
            entry = replace(entry, ended=ended)
        entries[parts["job"]] = entry
    return entries


def _ended_entry(name: str, parts: re.Match[str]) -> EndedEntry:
    outcome = None if parts["outcome"] == "-" else parts["outcome"]
    return EndedEntry(
        name=name,
        at=int(parts["at"]),
        state=cast("JobState", parts["state"]),
        outcome=cast("OutcomeKind | None", outcome),
        kind=parts["kind"],
        active_seconds=int(parts["active"]) / 1000,
        cost_usd=int(parts["cents"]) / 100,
    )
