"""Several indexes searched as one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar

from anyio import to_thread

from research_contract.records import Coverage
from research_contract.text.stop_words import language_of
from researcher_job.core.errors import JobError
from researcher_job.core.secrets import SecretUnavailable
from researcher_job.sources.base import Frequencies, Lexicon, Mention, Passage, Query, Related
from researcher_job.sources.embeddings.base import EmbeddingFailed
from researcher_job.sources.embeddings.vectors import QuestionVectors, Vectors
from researcher_job.sources.index.bm25 import scores
from researcher_job.sources.index.index import Candidate, Index, IndexBroken
from researcher_job.sources.index.inflections import inflections
from researcher_job.sources.index.query import Question, analyse, words_that_matter
from researcher_job.sources.index.titles import runs
from researcher_job.sources.index.tokenizer import WORD, stems

T = TypeVar("T")

_CANDIDATES_PER_PASSAGE = 2
"""How many an index may propose for each passage wanted, since its own statistics are not all."""


NEAREST = 20
"""Blocks that are added because they are nearest in meaning, of all indexes together."""

NEAREST_AHEAD = 10
"""The same by vectors that were made ahead. Each costs the second stage as much as a quote does."""

_KEPT_QUESTIONS = 64
"""Questions whose related words are kept, since each step of a search asks for them."""

_SAME_NAME = 5
"""A title that more documents or sections share (``Overview``) names none of them."""


class IndexLost(JobError):
    """An index broke or vanished while the job used it; the next attempt builds it anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The search index {path.name} is damaged or gone. Start the job again: the"
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


Found = tuple[Shelf, Candidate]


class _Hit(NamedTuple):
    shelf: Shelf
    block: Candidate
    score: float


class DocumentSource:
    """The ``Source`` and ``Lexicon`` over document indexes.

    Calls run in worker threads and may overlap. Every method may raise ``IndexLost``.
    """

    kind = "documents"

    def __init__(
        self,
        shelves: Sequence[Shelf],
        coverage: Coverage,
        vectors: Vectors | None = None,
        ahead: Vectors | None = None,
    ) -> None:
        self._shelves = shelves
        self._coverage = coverage
        self._vectors = vectors
        self._ahead = ahead
        self._related_words = lru_cache(maxsize=_KEPT_QUESTIONS)(self._look_up_related)

    @property
    def edition(self) -> str:
        # An index is named by its source and by the state of all its files.
        parts = [f"{one.source}\0{one.root}\0{one.index.path.name}" for one in self._shelves]
        parts += [one.edition for one in (self._vectors, self._ahead) if one]
        return hashlib.sha256("\0\0".join(parts).encode(errors="surrogateescape")).hexdigest()

    @property
    def coverage(self) -> Coverage:
        return self._coverage

    @property
    def lexicon(self) -> Lexicon:
        return self

    async def ready(self) -> None:
        """Return once the vectors are made, if there are any; searches wait for them anyway."""
        for one in (self._vectors, self._ahead):
            if one is not None:
                await _worked(one.wait)

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        return await _worked(self._search, query, limit)

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        return await _worked(self._frequencies, stems)

    async def related(self, query: Query) -> Related:
        return await _worked(self._related_words, query.question)

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        return await _worked(self._mentioned, texts, query)

    async def unread(self, uri: str) -> bool:
        return await _worked(self._unread, uri)

    async def snapshot(self, sha256: str) -> str:
        return await _worked(self._snapshot, sha256)

    def _search(self, query: Query, limit: int) -> list[Passage]:
        question = analyse(query.question, query.terms, self._related_words(query.question))
        hits = self._scored(self._matching(question, limit), question)[:limit]
        compared = self._compared(query)
        if compared is not None:
            hits += self._scored(self._near(compared, NEAREST, hits), question)
        passages = _passages(hits, compared)
        if (before := self._compared_ahead(query)) is not None:
            added = self._scored(self._near(before, NEAREST_AHEAD, hits), question)
            passages += [replace(one, ahead=True) for one in _passages(added, compared)]
        return passages

    def _look_up_related(self, question: str) -> Related:
        words = words_that_matter(question)
        language = language_of([word.lower() for word in WORD.findall(question)])
        names = runs(stems([question])[0])
        meanings: dict[str, None] = {}
        forms: dict[str, dict[str, None]] = {}
        for shelf in self._shelves:
            meanings |= dict.fromkeys(shelf.index.meanings([*words, *names]))
            found = inflections(words, language, shelf.index.beginning_with)
            for word, of in found.items():
                forms.setdefault(word, {}).update(dict.fromkeys(of))
        return Related(tuple(meanings), {word: tuple(of) for word, of in forms.items()})

    def _matching(self, question: Question, limit: int) -> list[Found]:
        """Return the blocks that hold words of the question, the best of each index."""
        match = " OR ".join(f'"{words}"' for words in question.matches)
        found: list[Found] = []
        for shelf in self._shelves if match else ():
            best = shelf.index.candidates(match, limit=limit * _CANDIDATES_PER_PASSAGE)
            found += [(shelf, block) for block in best]
        return found

    def _compared(self, query: Query) -> QuestionVectors | None:
        return self._vectors.of(query.question) if self._vectors else None

    def _compared_ahead(self, query: Query) -> QuestionVectors | None:
        """Compare by vectors made before; a service that fails now adds no passages."""
        try:
            return self._ahead.of(query.question) if self._ahead else None
        except (EmbeddingFailed, SecretUnavailable):
            return None

    def _near(self, compared: QuestionVectors, most: int, hits: Sequence[_Hit]) -> list[Found]:
        """Return those of the ``most`` blocks nearest in meaning that are not among ``hits``."""
        known = {(hit.shelf.index.path, hit.block.id) for hit in hits}
        nearest = [
            (cosine, shelf, number)
            for shelf in self._shelves
            for number, cosine in compared.nearest(shelf.index.path, most)
        ]
        nearest.sort(key=lambda one: -one[0])
        found: list[Found] = []
        for shelf in self._shelves:
            ids = [number for _, of, number in nearest[:most] if of is shelf]
            new = [number for number in ids if (shelf.index.path, number) not in known]
            found += [(shelf, block) for block in shelf.index.at(new)]
        return found

    def _scored(self, found: Sequence[Found], question: Question) -> list[_Hit]:
        """Score by the joint word statistics, the best first."""
        passages = sum(shelf.index.blocks for shelf in self._shelves)
        ranked = scores(
            [block for _, block in found],
            question,
            question.together(self._frequencies(question.index_stems)),
            average_length=sum(shelf.index.length for shelf in self._shelves) / max(passages, 1),
        )
        hits = [_Hit(*one, score) for one, score in zip(found, ranked, strict=True)]
        return sorted(
            hits, key=lambda hit: (-hit.score, hit.shelf.root, hit.block.address, hit.block.start)
        )

    def _mentioned(self, texts: Sequence[str], query: Query) -> list[Mention]:
        """Look every run of words in ``texts`` up among the titles of all indexes."""
        places: dict[str, list[int]] = {}
        for index, words in enumerate(stems(texts)):
            for run in runs(words):
                places.setdefault(run, []).append(index)
        named: dict[str, list[Found]] = {}
        for shelf in self._shelves:
            titled = shelf.index.named(list(places))
            for name, block in titled:
                named.setdefault(name, []).append((shelf, block))
        question = analyse(query.question, query.terms, self._related_words(query.question))
        compared = self._compared(query)
        return [
            Mention(text, name, passage)
            for name, held in named.items()
            if len(held) <= _SAME_NAME
            for passage in _passages(self._scored(held, question), compared)
            for text in places[name]
        ]

    def _frequencies(self, stems: Sequence[str]) -> Frequencies:
        containing = dict.fromkeys(stems, 0)
        for shelf in self._shelves:
            counts = shelf.index.containing(stems)
            for stem, count in counts.items():
                containing[stem] += count
        return Frequencies(sum(shelf.index.blocks for shelf in self._shelves), containing)

    def _unread(self, uri: str) -> bool:
        for shelf in self._shelves:
            below = shelf.address(uri)
            if below is not None:
                return shelf.index.holds_unread(below)
        return True

    def _snapshot(self, sha256: str) -> str:
        for shelf in self._shelves:
            text = shelf.index.snapshot(sha256)
            if text is not None:
                return text
        raise KeyError(sha256)


async def _worked(work: Callable[..., T], *values: object) -> T:
    """Work in a thread. A broken index is removed, so that it is built anew, and told as lost."""
    try:
        return await to_thread.run_sync(work, *values)
    except IndexBroken as error:
        error.path.unlink(missing_ok=True)
        raise IndexLost(error.path) from error


def _passages(hits: Sequence[_Hit], compared: QuestionVectors | None) -> list[Passage]:
    return [
        Passage(
            source=shelf.source,
            uri=shelf.uri(block.address),
            title=block.document,
            kind=block.kind,
            context=block.spans,
            locator=block.locator,
            snapshot=block.snapshot,
            start=block.start,
            end=block.end,
            text=block.body,
            score=score,
            nearness=compared.nearness(shelf.index.path, block.id) if compared else 0.0,
        )
        for shelf, block, score in hits
    ]
