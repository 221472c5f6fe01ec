"""Several indexes searched as one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from research_contract.records import Coverage
from researcher_job.core.errors import JobError
from researcher_job.sources.base import Frequencies, Lexicon, Mention, Passage, Query
from researcher_job.sources.index.bm25 import scores
from researcher_job.sources.index.index import Candidate, Index, IndexBroken
from researcher_job.sources.index.query import Question, analyse
from researcher_job.sources.index.titles import runs
from researcher_job.sources.index.tokenizer import stems

_CANDIDATES_PER_PASSAGE = 2
"""How many an index may propose for each passage wanted, since its own statistics are not all."""


_SAME_NAME = 5
"""A title that more documents or sections share (``Overview``) names none of them."""


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

    def address(self, uri: str) -> str | None:
        """Return the address of the document at ``uri``; ``None`` if it is not below the root."""
        root = self.root.as_uri()
        if uri.rstrip("/") == root.rstrip("/"):
            return ""
        inside = uri.startswith(f"{root.rstrip('/')}/")
        return uri.removeprefix(f"{root.rstrip('/')}/") if inside else None


class DocumentSource:
    """The ``Source`` and ``Lexicon`` over document indexes.

    Calls run in worker threads and may overlap. Every method may raise ``IndexLost``.
    """

    kind = "documents"

    def __init__(self, shelves: Sequence[Shelf], coverage: Coverage) -> None:
        self._shelves = shelves
        self._coverage = coverage

    @property
    def edition(self) -> str:
        # An index is named by its source and by the state of all its files.
        shelves = [f"{one.source}\0{one.root}\0{one.index.path.name}" for one in self._shelves]
        return hashlib.sha256("\0\0".join(shelves).encode(errors="surrogateescape")).hexdigest()

    @property
    def coverage(self) -> Coverage:
        return self._coverage

    @property
    def lexicon(self) -> Lexicon:
        return self

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        return await to_thread.run_sync(self._search, query, limit)

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await to_thread.run_sync(self._frequencies, stems)

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        return await to_thread.run_sync(self._mentioned, texts, query)

    async def unread(self, uri: str) -> bool:
        return await to_thread.run_sync(self._unread, uri)

    async def snapshot(self, sha256: str) -> str:
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
        passages = self._scored(found, question)
        passages.sort(key=lambda passage: (-passage.score, passage.uri, passage.start))
        return passages[:limit]

    def _scored(
        self, found: Sequence[tuple[Shelf, Candidate]], question: Question
    ) -> list[Passage]:
        ranked = scores(
            [candidate for _, candidate in found],
            question,
            question.together(self._frequencies(question.index_stems)),
            average_length=self._average_length,
        )
        return [_passage(*one, score) for one, score in zip(found, ranked, strict=True)]

    def _mentioned(self, texts: Sequence[str], query: Query) -> list[Mention]:
        """Look every run of words in ``texts`` up among the titles of all indexes."""
        places: dict[str, list[int]] = {}
        for index, words in enumerate(stems(texts)):
            for run in runs(words):
                places.setdefault(run, []).append(index)
        named: dict[str, list[tuple[Shelf, Candidate]]] = {}
        for shelf in self._shelves:
            with _Translated(shelf.index):
                titled = shelf.index.named(list(places))
            for name, candidate in titled:
                named.setdefault(name, []).append((shelf, candidate))
        kept = [
            (name, *one) for name, held in named.items() if len(held) <= _SAME_NAME for one in held
        ]
        scored = self._scored(
            [(shelf, one) for _, shelf, one in kept], analyse(query.question, query.terms)
        )
        return [
            Mention(text, name, passage)
            for (name, *_), passage in zip(kept, scored, strict=True)
            for text in places[name]
        ]

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

    def _unread(self, uri: str) -> bool:
        for shelf in self._shelves:
            below = shelf.address(uri)
            if below is not None:
                with _Translated(shelf.index):
                    return shelf.index.holds_unread(below)
        return True

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
