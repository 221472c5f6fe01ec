"""The names of the entries of the index: all that lists need to know stands in them.

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
    r"(?P<job>\d{8}-[a-z2-7]{13})\.(?P<what>made|ended|fetched)\.(?P<at>\d{1,13})"
    r"(?:\.(?P<state>[a-z]+)\.(?P<outcome>[a-z_]+|-)\.(?P<kind>[0-9a-f]{8})"
    r"\.(?P<active>\d{1,12})\.(?P<cents>\d{1,12}))?",
    re.ASCII,
)

_LATEST = 10**13 - 1
_MOST = 10**12 - 1
"""The largest numbers that names hold: the year 2286, and what no job ran or cost."""


@dataclass(frozen=True)
class EndedEntry:
    """How a job ended, as its entry says it."""

    name: str
    at: int
    state: JobState
    outcome: OutcomeKind | None
    kind: str
    active_seconds: float
    cost_usd: float


@dataclass(frozen=True)
class Entry:
    """What the index says of one job. Times are milliseconds since the epoch."""

    job_id: str
    made: int = 0
    made_name: str = ""
    ended: EndedEntry | None = None
    fetched: int | None = None

    @property
    def order(self) -> tuple[int, str]:
        """Sorts by when the job was made."""
        return (self.made, self.job_id)


def milliseconds(at: datetime) -> int:
    """Return whole milliseconds since the epoch, as entries hold them: none before it."""
    since = at - datetime(1970, 1, 1, tzinfo=UTC)
    whole = (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000
    return min(max(0, whole), _LATEST)


def moment(ms: int) -> datetime:
    """Return the time of an entry."""
    return datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


def kind_of(request: Request) -> str:
    """Return what like jobs have in common, as eight hexadecimal digits."""
    names = sorted(source.name for source in request.sources)
    return hashlib.sha256("\0".join((request.depth, *names)).encode()).hexdigest()[:8]


def made_name(request: Request) -> str:
    return f"{request.job_id}.made.{milliseconds(request.created_at)}"


def fetched_name(job_id: str, at: datetime) -> str:
    return f"{job_id}.fetched.{milliseconds(at)}"


def ended_name(
    request: Request,
    at: datetime,
    state: JobState,
    outcome: OutcomeKind | None,
    *,
    active_seconds: float,
    cost_usd: float,
) -> str:
    active, cents = (min(max(0, round(n)), _MOST) for n in (active_seconds * 1000, cost_usd * 100))
    said = (state, outcome or "-", kind_of(request), str(active), str(cents))
    return ".".join((request.job_id, "ended", str(milliseconds(at)), *said))


def read_names(names: Iterable[str]) -> dict[str, Entry]:
    """Return what the names say by job; what is no entry is passed over.

    Of two ends a completed one holds (an outcome that became visible late), else the first. Of
    two times of being made or fetched the first.
    """
    found: dict[str, Entry] = {}
    for name in names:
        said = _NAME.fullmatch(name)
        if said is None:
            continue
        entry = found.get(said["job"]) or Entry(said["job"])
        at = int(said["at"])
        if said["what"] == "made" and (not entry.made or at < entry.made):
            entry = replace(entry, made=at, made_name=name)
        elif said["what"] == "fetched":
            entry = replace(entry, fetched=at if entry.fetched is None else min(at, entry.fetched))
        elif said["what"] == "ended" and said["state"] in ENDED_STATES:
            entry = replace(entry, ended=_first(entry.ended, _ended(name, said)))
        found[said["job"]] = entry
    return found


def _ended(name: str, said: re.Match[str]) -> EndedEntry:
    outcome = None if said["outcome"] == "-" else said["outcome"]
    return EndedEntry(
        name=name,
        at=int(said["at"]),
        state=cast("JobState", said["state"]),
        outcome=cast("OutcomeKind | None", outcome),
        kind=said["kind"],
        active_seconds=int(said["active"]) / 1000,
        cost_usd=int(said["cents"]) / 100,
    )


def _first(one: EndedEntry | None, other: EndedEntry) -> EndedEntry:
    if one is None:
        return other
    return min(one, other, key=lambda end: (end.state != "completed", end.at, end.name))
