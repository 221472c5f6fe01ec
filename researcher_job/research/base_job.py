"""The evidence of an earlier job, each quote checked again before anything is made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from research_contract import records
from research_contract.records import Evidence, Request
from researcher_job.core.errors import InvalidQuote, JobError
from researcher_job.evidence.evidence_book import check_quote, read_snapshot
from researcher_job.records.job_folder import JobFolder
from researcher_job.sources.base import Frequencies, Lexicon, Mention, Passage, Query, Quote, Source


class BaseJobUnreadable(JobError):
    """The folder of the earlier job is not there or is not the folder of that job."""


@dataclass(frozen=True)
class BaseJob:
    """What an earlier job found: quotes that stand in its snapshots, in the order of its numbers.

    ``unusable`` counts those that do not, ``withheld`` those of sources that the request withholds.
    The job may be running: then it is what it found so far.
    """

    root: Path
    job_id: str
    created_at: datetime
    questions: Sequence[str]
    quotes: tuple[Evidence, ...]
    unusable: int
    withheld: int = 0

    def text_of(self, sha256: str) -> str:
        """Return the snapshot with this hash.

        Raises:
            InvalidQuote: it is not there any more or was changed.
        """
        return _text_of(self.root, sha256)

    def sentence(self) -> str:
        """Say what there is to take over, and what was left out."""
        count = len(self.quotes)
        said = f"Job {self.job_id} found {count} quote{'' if count == 1 else 's'} before."
        if self.unusable:
            said += f" {self.unusable} did not stand in their kept texts and were left out."
        if self.withheld:
            said += f" {self.withheld} of sources that may not be used now were left out."
        return said

    def origin(self, item: Evidence) -> str:
        """Return the job that found a quote: this one, or the one that it was taken over from."""
        return item.carried_from or self.job_id


def read_base_job(request: Request, root: Path) -> BaseJob | None:
    """Return what the job that ``request`` follows up or repeats found; ``None`` without one.

    ``root`` is the folder of the request's own job.

    Raises:
        EarlierUnreadable: its folder cannot be read, or belongs to another job.
    """
    job_id = request.refresh_of or request.follow_up_of
    if not job_id or not request.earlier:
        return None
    folder = JobFolder(root / request.earlier)
    try:
        asked = folder.request()
        if asked.job_id != job_id:
            raise BaseJobUnreadable(f"The earlier folder is not that of job {job_id}.")
        every = [item for item in folder.evidence() if item.question >= 0]
    except (JobError, OSError, ValueError) as error:
        if isinstance(error, BaseJobUnreadable):
            raise
        raise BaseJobUnreadable(f"The folder of job {job_id} cannot be read.") from error
    not_now = {name.casefold() for name in request.withheld}
    found = [item for item in every if item.source.casefold() not in not_now]
    sound = tuple(item for item in found if _stands(folder.path, item))
    return BaseJob(
        folder.path,
        job_id,
        asked.created_at,
        records.questions_of(asked.question, asked.plan),
        _distinct(sound),
        unusable=len(found) - len(sound),
        withheld=len(every) - len(found),
    )


def quote_of(item: Evidence, *, score: float | None = None) -> Quote:
    """Return earlier evidence as a quote whose passage is itself."""
    passage = Passage(
        source=item.source,
        uri=item.uri,
        title=item.title,
        locator=item.locator,
        snapshot=item.snapshot,
        start=item.start,
        end=item.end,
        text=item.quote,
        score=item.score,
    )
    return Quote(passage, item.start, item.end, item.quote, item.score if score is None else score)


@lru_cache(maxsize=4)
def _text_of(root: Path, sha256: str) -> str:
    return read_snapshot(root, sha256)


def _stands(root: Path, item: Evidence) -> bool:
    try:
        check_quote(quote_of(item), _text_of(root, item.snapshot))
    except (InvalidQuote, OSError):
        return False
    return True


def _distinct(items: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Keep one of the quotes that two questions share."""
    kept = {(item.snapshot, item.start, item.end): item for item in reversed(items)}
    return tuple(reversed(kept.values()))


@dataclass(frozen=True)
class BaseJobSource:
    """The quotes of an earlier job as a ``Source``; word statistics are those of ``now``."""

    earlier: BaseJob
    now: Source
    kind = "earlier job"

    @property
    def edition(self) -> str:
        return f"{self.earlier.job_id} {self.now.edition}"

    @property
    def coverage(self) -> records.Coverage:
        return self.now.coverage

    @property
    def lexicon(self) -> Lexicon | None:
        return _WithoutTitles(self.now.lexicon) if self.now.lexicon else None

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Return all quotes that share a word with the query, the most shared first."""
        wanted = _words(" ".join((query.question, *query.terms)))
        quotes = self.earlier.quotes
        shared = {item.n: len(wanted & _words(f"{item.title} {item.quote}")) for item in quotes}
        best = sorted((item for item in quotes if shared[item.n]), key=lambda item: -shared[item.n])
        return [quote_of(item).passage for item in best[:limit]]

    async def snapshot(self, sha256: str) -> str:
        return self.earlier.text_of(sha256)


@dataclass(frozen=True)
class _WithoutTitles:
    """Word statistics of today's sources. Their titles are of documents that were not quoted."""

    now: Lexicon

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await self.now.frequencies(stems)

    async def mentioned(self, _texts: Sequence[str], _query: Query) -> Sequence[Mention]:
        return ()


def _words(text: str) -> set[str]:
    """Return the words by their first letters, so that endings do not part them."""
    return {word[:5] for word in text.lower().split()}
