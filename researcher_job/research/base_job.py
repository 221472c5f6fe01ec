"""The base job of a follow-up or refresh. Each quote of it is verified before it is used."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import cast

from research_contract import records
from research_contract.context import context_text
from research_contract.records import Evidence, Request
from research_contract.text.tokens import terms
from researcher_job.core.errors import InvalidQuote, JobError
from researcher_job.core.plural import counted
from researcher_job.evidence.evidence_book import check_quote, read_snapshot
from researcher_job.records.job_folder import JobFolder
from researcher_job.sources.base import (
    ContextText,
    Frequencies,
    Lexicon,
    Mention,
    Passage,
    Query,
    Quote,
    Related,
    Source,
)
from researcher_job.sources.document import BlockKind, ContextKind


class BaseJobUnreadable(JobError):
    """The folder of the base job is missing, invalid, or belongs to another job."""


@dataclass(frozen=True)
class BaseJob:
    """The evidence of a base job: quotes that match its snapshots, in the order of their numbers.

    ``unusable`` counts quotes that do not match or are gone, ``withheld`` those from sources that
    the request withholds. ``incomplete`` tells that files of the folder are missing, as while it is
    being removed. ``sources`` are those that it searched. The base job may still be running; then
    this is its evidence so far.
    """

    root: Path
    job_id: str
    created_at: datetime
    questions: Sequence[str]
    quotes: tuple[Evidence, ...]
    unusable: int
    withheld: int = 0
    incomplete: bool = False
    sources: tuple[records.SourceRef, ...] = ()

    def snapshot(self, sha256: str) -> str:
        """Return the snapshot with this hash.

        Raises:
            InvalidQuote: the snapshot is missing or was changed.
        """
        return _read_snapshot(self.root, sha256)

    def sentence(self) -> str:
        """Return how many quotes can be used and how many were left out."""
        sentence = f"Job {self.job_id} found {counted(len(self.quotes), 'usable quote')}."
        if self.incomplete:
            sentence += " Its folder is incomplete, as if it were being removed."
        if self.unusable:
            sentence += f" {self.unusable} did not match their stored snapshots and were left out."
        if self.withheld:
            sentence += f" {self.withheld} from sources that this job may not use were left out."
        return sentence

    def origin(self, item: Evidence) -> str:
        """Return the job that found a quote: the base job, or the job that it was carried from."""
        return item.carried_from or self.job_id


@lru_cache(maxsize=4)
def _read_snapshot(root: Path, sha256: str) -> str:
    return read_snapshot(root, sha256)


def read_base_job(request: Request, root: Path, *, without: Collection[str] = ()) -> BaseJob | None:
    """Return the job that ``request`` follows up on or repeats, or ``None`` if there is none.

    ``root`` is the folder of the requested job. Evidence of the sources in ``without`` is withheld,
    as that of those which the request withholds.

    Raises:
        BaseJobUnreadable: the folder of the base job cannot be read, or belongs to another job.
    """
    job_id = request.refresh_of or request.follow_up_of
    if not job_id or not request.earlier:
        return None
    folder = JobFolder(root / request.earlier)
    try:
        base_request = folder.request()
        found = folder.evidence()
        evidence = [item for item in found if item.question >= 0]
        status = folder.status()
    except (JobError, OSError, ValueError) as error:
        raise BaseJobUnreadable(f"The folder of job {job_id} cannot be read.") from error
    if base_request.job_id != job_id:
        raise BaseJobUnreadable(f"The folder named for job {job_id} belongs to another job.")
    withheld_sources = {name.casefold() for name in (*request.withheld, *without)}
    allowed = [item for item in evidence if item.source.casefold() not in withheld_sources]
    valid = []
    for item in allowed:
        with suppress(InvalidQuote, OSError):
            check_quote(evidence_as_quote(item), _read_snapshot(folder.path, item.snapshot))
            valid.append(item)
    gone = max(0, (status.last_evidence if status else 0) - len(found))
    snapshots = {records.snapshot_name(item.snapshot) for item in allowed}
    # Two questions may have the same quote; the first one is used.
    distinct = {(item.snapshot, item.start, item.end): item for item in reversed(valid)}
    return BaseJob(
        folder.path,
        job_id,
        base_request.created_at,
        folder.questions(base_request),
        tuple(reversed(distinct.values())),
        unusable=len(allowed) - len(valid) + gone,
        incomplete=gone > 0 or not all(folder.file(name).exists() for name in snapshots),
        withheld=len(evidence) - len(allowed),
        sources=base_request.sources,
    )


def evidence_as_quote(item: Evidence) -> Quote:
    """Return evidence as a quote whose passage is the quote itself."""
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
        kind=cast("BlockKind", item.kind),
        context=tuple(
            ContextText(one.text, cast("ContextKind", one.kind), one.start, one.end, one.cell)
            for one in item.context
        ),
    )
    return Quote(passage, item.start, item.end, item.quote, item.score)


@dataclass(frozen=True)
class BaseJobSource:
    """The quotes of a base job as a ``Source``. Word statistics are those of ``current``."""

    base_job: BaseJob
    current: Source
    kind = "base job"

    @property
    def edition(self) -> str:
        return f"{self.base_job.job_id} {self.current.edition}"

    @property
    def coverage(self) -> records.Coverage:
        return self.current.coverage

    @property
    def lexicon(self) -> Lexicon | None:
        return _LexiconWithoutTitles(self.current.lexicon) if self.current.lexicon else None

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        """Return the quotes that share words with the query, those with most words first."""
        wanted = _word_stems(" ".join((query.question, *query.terms)))
        quotes = self.base_job.quotes
        shared = {
            item.n: len(wanted & _word_stems(f"{item.title} {context_text(item)} {item.quote}"))
            for item in quotes
        }
        best = sorted((item for item in quotes if shared[item.n]), key=lambda item: -shared[item.n])
        return [evidence_as_quote(item).passage for item in best[:limit]]

    async def unread(self, uri: str) -> bool:
        return await self.current.unread(uri)

    async def snapshot(self, sha256: str) -> str:
        return self.base_job.snapshot(sha256)


@dataclass(frozen=True)
class _LexiconWithoutTitles:
    """The word statistics of the current sources, without titles.

    The titles belong to documents of the current sources, which the base job did not quote.
    """

    current: Lexicon

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await self.current.frequencies(stems)

    async def related(self, query: Query) -> Related:
        return await self.current.related(query)

    async def mentioned(self, _texts: Sequence[str], _query: Query) -> Sequence[Mention]:
        return ()


def _word_stems(text: str) -> set[str]:
    return {term.key for term in terms(text) if term.matters}
