"""Several indexes searched as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from researcher_job.contract import Coverage
from researcher_job.errors import JobError
from researcher_job.sources.base import Frequencies, Passage, Query
from researcher_job.sources.index import Candidate, Index, IndexBroken
from researcher_job.sources.ranking import scores
from researcher_job.terms import analyse

_CANDIDATES_PER_PASSAGE = 2
"""How many an index may propose for each passage wanted, since its own statistics are not all."""


class IndexLost(JobError):
    """An index broke or vanished while the job used it; the next attempt builds it anew."""

    def __init__(self, index: Index) -> None:
        super().__init__(
            f"The search index {index.path.name} is damaged or gone. Start the job again: the"
            " index is then built anew."
        )


@dataclass(frozen=True)
class Shelf:
    """A source by its name, where its files are, and its index."""

    source: str
    root: Path
    index: Index

    def uri(self, address: str) -> str:
        """Return the URI of the document at ``address`` (relative, quoted) below the root."""
        root = self.root.as_uri()
        return f"{root.rstrip('/')}/{address}" if address else root


class DocumentLibrary:
    """The ``Library`` over document indexes. Calls run in worker threads and may overlap.

    Every method may raise ``IndexLost``.
    """

    def __init__(self, shelves: Sequence[Shelf], coverage: Coverage) -> None:
        self._shelves = shelves
        self._coverage = coverage

    @property
    def coverage(self) -> Coverage:
        return self._coverage

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        return await to_thread.run_sync(self._search, query, limit)

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await to_thread.run_sync(self._frequencies, stems)

    async def snapshot(self, sha256: str) -> str:
        """Return the text; ``KeyError`` where no document has this hash."""
        return await to_thread.run_sync(self._snapshot, sha256)

    def _search(self, query: Query, limit: int) -> list[Passage]:
        question = analyse(query.question, query.terms)
        match = " OR ".join(f'"{words}"' for words in question.matches)
        if not match:
            return []
        found: list[tuple[Shelf, Candidate]] = []
        for shelf in self._shelves:
            with _Translated(shelf.index):
                best = shelf.index.candidates(match, limit=limit * _CANDIDATES_PER_PASSAGE)
            found += [(shelf, candidate) for candidate in best]
        ranked = scores(
            [candidate for _, candidate in found],
            question,
            question.together(self._frequencies(question.index_stems)),
            average_length=self._average_length,
        )
        passages = [_passage(*one, score) for one, score in zip(found, ranked, strict=True)]
        passages.sort(key=lambda passage: (-passage.score, passage.uri, passage.start))
        return passages[:limit]

    @property
    def _average_length(self) -> float:
        passages = sum(shelf.index.passages for shelf in self._shelves)
        return sum(shelf.index.length for shelf in self._shelves) / max(passages, 1)

    def _frequencies(self, stems: Sequence[str]) -> Frequencies:
        containing = dict.fromkeys(stems, 0)
        for shelf in self._shelves:
            with _Translated(shelf.index):
                counts = shelf.index.containing(stems)
            for stem, count in counts.items():
                containing[stem] += count
        return Frequencies(sum(shelf.index.passages for shelf in self._shelves), containing)

    def _snapshot(self, sha256: str) -> str:
        for shelf in self._shelves:
            with _Translated(shelf.index):
                text = shelf.index.snapshot(sha256)
            if text is not None:
                return text
        raise KeyError(sha256)


class _Translated:
    """Turns a broken index into the job's error and removes it, so that it is built anew."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IndexBroken):
            self._index.path.unlink(missing_ok=True)
            raise IndexLost(self._index) from error


def _passage(shelf: Shelf, found: Candidate, score: float) -> Passage:
    return Passage(
        source=shelf.source,
        uri=shelf.uri(found.address),
        title=found.document,
        locator=found.locator,
        snapshot=found.snapshot,
        start=found.start,
        end=found.end,
        text=found.body,
        score=score,
    )
