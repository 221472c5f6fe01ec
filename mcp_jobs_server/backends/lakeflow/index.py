"""The index of an owner's jobs: small files whose names have all that lists need.

``<owner>/index/<yyyy-mm>/<entry>``, in the month of the job's id. One listing of a month shows all
its jobs. Entries are only added, and adding one twice changes nothing. Their names are
``<job>.made.<epoch ms>``, ``<job>.fetched.<epoch ms>`` and
``<job>.ended.<epoch ms>.<state>.<outcome or ->.<kind>.<active ms>.<cents>``.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import cast

from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.concurrency import gather, gather_pair
from mcp_jobs_server.core.models import ENDED_STATES, JobState, Owner
from mcp_jobs_server.core.single_flight import SingleFlightCache, one_call
from research_contract.records import OutcomeKind, Request, month_of

FRESH_SECONDS = 2.0
"""How old the listings of the newest months may be."""

OLDER_SECONDS = 60.0
"""How old the listings of earlier months, and the list of months, may be."""

NEWEST = 2
"""Number of months that change: jobs are made in one, and end in the one before as well."""

MAX_MONTHS = 12
"""Months that lists go back."""

_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)

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
    ms = str(to_milliseconds(at))
    kind = kind_of(request)
    return ".".join((request.job_id, "ended", ms, state, outcome or "-", kind, active, cents))


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


class Index:
    """The entries of all owners, cached for a moment.

    An entry that this process has written is visible to it at once, even if listings show it later.
    """

    def __init__(
        self,
        folders: VolumeFolders,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh_seconds: float = FRESH_SECONDS,
    ) -> None:
        self._folders = folders
        self._clock = clock
        self._fresh_seconds = fresh_seconds
        self._names: SingleFlightCache[str, list[str]] = SingleFlightCache(
            most=200_000, weigh=len, clock=clock
        )
        self._months: SingleFlightCache[str, list[str]] = SingleFlightCache(most=2_000, clock=clock)
        self._written: dict[tuple[str, str], float] = {}

    async def entry(
        self, owner: Owner, job_id: str, *, max_age: float | None = None
    ) -> IndexEntry | None:
        """Return the entries of one job; ``max_age`` in seconds."""
        seconds = self._fresh_seconds if max_age is None else max_age
        return read_names(await self._list(_folder(owner, job_id), seconds)).get(job_id)

    def known(self, owner: Owner, job_id: str) -> IndexEntry | None:
        """Return what this process last read or wrote of a job's entries, without a request."""
        folder = _folder(owner, job_id)
        listed = self._names.known(folder, float("inf"))
        written = [name for month, name in self._written if month == folder]
        return read_names([*(listed.value if listed else ()), *written]).get(job_id)

    async def entries(self, owner: Owner, *, max_age: float | None = None) -> list[IndexEntry]:
        """Return the entries of the last months, newest job first; ``max_age`` in seconds."""
        fresh = self._fresh_seconds if max_age is None else max_age
        root = f"{owner.folder}/index"
        known = self._months.known(root, float("inf"))
        # An owner without jobs may have made the first one through another server just now.
        seconds = OLDER_SECONDS if known and known.value else fresh

        async def listings(months: Iterable[str]) -> list[set[str]]:
            newest_first = sorted(filter(_MONTH.fullmatch, months), reverse=True)[:MAX_MONTHS]
            return await gather(
                partial(self._list, f"{root}/{month}", fresh if n < NEWEST else OLDER_SECONDS)
                for n, month in enumerate(newest_first)
            )

        list_months = partial(self._folders.names, root, subfolders=True)
        with one_call():
            # The months are mostly those that they were, so their entries are listed meanwhile.
            months, _ = await gather_pair(
                partial(self._months.get, root, seconds, list_months),
                partial(listings, known.value if known else _last_months()),
            )
            names_by_month = await listings(months)
        return _newest_first(names_by_month)

    def known_entries(self, owner: Owner) -> list[IndexEntry]:
        """Return the entries as they were listed last, without a request."""
        root = f"{owner.folder}/index"
        months = self._months.known(root, float("inf"))
        listed = (
            self._names.known(f"{root}/{month}", float("inf"))
            for month in (months.value if months else ())
        )
        return _newest_first(names.value for names in listed if names)

    async def add(self, owner: Owner, job_id: str, name: str, data: bytes = b"") -> None:
        """Write an entry; an existing one is left as it is."""
        folder = _folder(owner, job_id)
        await self._folders.create(folder, name, data)
        now = self._clock()
        recent = {key: at for key, at in self._written.items() if now - at < OLDER_SECONDS}
        self._written = {**recent, (folder, name): now}
        root, _, month = folder.rpartition("/")
        known = self._months.known(root, OLDER_SECONDS)
        if known is not None and month not in known.value:
            self._months.drop(root)

    async def replace(self, owner: Owner, job_id: str, name: str, data: bytes) -> None:
        """Replace the content of an entry."""
        await self._folders.write(_folder(owner, job_id), name, data)

    async def read(self, owner: Owner, job_id: str, name: str) -> bytes:
        """Return the content of an entry; empty if there is none."""
        found = await self._folders.read(_folder(owner, job_id), name)
        return found.data if found else b""

    async def remove(self, owner: Owner, job_id: str) -> None:
        """Remove the entries of a job; the entry of its creation is removed last."""
        folder = _folder(owner, job_id)
        names = await self._folders.names(folder)
        own = [name for name in names if name.startswith(f"{job_id}.")]
        for name in sorted(own, key=lambda name: ".made." in name):
            await self._folders.remove_file(folder, name)
            self._written.pop((folder, name), None)
        self._names.drop(folder)

    async def _list(self, folder: str, max_age: float) -> set[str]:
        """Return the names of a month's entries, including those written lately."""
        listed = await self._names.get(folder, max_age, partial(self._folders.names, folder))
        now = self._clock()
        written = {
            name
            for (month, name), at in self._written.items()
            if month == folder and now - at < OLDER_SECONDS
        }
        return written.union(listed)


def _newest_first(names_by_month: Iterable[Iterable[str]]) -> list[IndexEntry]:
    entries = [entry for names in names_by_month for entry in read_names(names).values()]
    return sorted(entries, key=lambda entry: (entry.created_at, entry.job_id), reverse=True)


def _last_months() -> tuple[str, str]:
    """Return this month and the one before, where the jobs of most owners are."""
    today = datetime.now(UTC)
    return f"{today:%Y-%m}", f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"


def _folder(owner: Owner, job_id: str) -> str:
    return f"{owner.folder}/index/{month_of(job_id)}"
