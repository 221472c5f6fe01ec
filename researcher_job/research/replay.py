"""Runs a finished job again from its folder: no source is read and no model is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import anyio

from research_contract.records import Coverage, Evidence, Outcome, SourceRef
from researcher_job.core.errors import InvalidQuote, JobError, LimitReached
from researcher_job.evidence.evidence_book import read_snapshot
from researcher_job.records.ledger import paid_calls
from researcher_job.sources.base import Passage, Place, Query, Quote, Reading, Source

TURN_SECONDS = 5.0
"""How long a quote waits for those that were recorded before it."""


class ReplayDiffers(JobError):
    """A replayed job does not do what the job did."""


class Turns:
    """Lets the quotes of concurrent questions be recorded in the order of ``recorded``."""

    def __init__(self, recorded: Sequence[Evidence]) -> None:
        self._order = {
            (one.question, Place(one.snapshot, one.start, one.end), one.nearest): (at, one.task)
            for at, one in enumerate(recorded)
        }
        self._next = 0
        self._changed = anyio.Event()

    async def wait(self, question: int, quote: Quote, *, nearest: bool, task: str) -> None:
        """Wait until all quotes that were recorded before this one are recorded.

        So is this one, if another task was first to find it.

        Raises:
            ReplayDiffers: they are not.
        """
        at, finder = self._order.get((question, quote.place, nearest), (self._next, task))
        before = at + 1 if task and finder != task else at
        with anyio.move_on_after(TURN_SECONDS):
            while self._next < before:
                await self._changed.wait()
        if self._next < before:
            raise ReplayDiffers("The job does not find the quotes that it found in this order.")
        if self._next == at:
            self._next += 1
            changed, self._changed = self._changed, anyio.Event()
            changed.set()


@dataclass(frozen=True)
class Replay:
    """A job that is run again: what it did is known from ``outcome`` and ``turns``."""

    outcome: Outcome
    embeddings: tuple[str, ...]
    turns: Turns

    @property
    def reason(self) -> str:
        """Why calls that are not kept were not made."""
        return self.outcome.reason or "The call is not in the folder."


@dataclass(frozen=True)
class KeptSource:
    """The ``Source`` of a replayed job: the snapshots in its folder. Searches are in the ledger."""

    root: Path
    coverage: Coverage
    reason: str
    kind: str = "documents"
    lexicon: None = None

    @cached_property
    def edition(self) -> str:
        """The edition that the kept searches were made in; "" if there are none."""
        calls = (paid for _, paid in paid_calls(self.root) if paid)
        editions = (paid.arguments.get("edition") for paid in calls)
        return next((edition for edition in editions if isinstance(edition, str)), "")

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Search nothing.

        Raises:
            LimitReached: always: a search that was made is in the ledger.
        """
        del query, limit
        raise LimitReached(self.reason)

    async def unread(self, uri: str) -> bool:
        """Return true: nothing is read."""
        del uri
        return True

    async def snapshot(self, sha256: str) -> str:
        try:
            return read_snapshot(self.root, sha256)
        except InvalidQuote as error:
            raise KeyError(sha256) from error

    async def open(
        self,
        sources: Sequence[SourceRef],
        *,
        cache_dir: Path,
        reading: Reading | None = None,
        about: Sequence[str] = (),
    ) -> Source:
        """Return this source, whatever the request names."""
        del sources, cache_dir, reading, about
        return self
