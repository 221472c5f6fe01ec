"""A source whose searches are charged to the budget, stored in the ledger and logged as steps."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue, TypeAdapter, ValidationError

from research_contract.records import Cost, Record
from research_contract.text.safe import in_quotes
from researcher_job.core.plural import counted
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Call, Ledger
from researcher_job.sources.base import ContextText, Passage, Query, Source, WrappedSource
from researcher_job.sources.document import BlockKind, ContextKind
from researcher_job.tracing import base as tracing

SEARCH = "search"
"""The tool name in the steps of a search."""


class StoredContext(Record):
    """A part of the context of a passage, without its text, which is in the snapshot."""

    kind: ContextKind
    start: int
    end: int
    cell: int


class StoredPassage(Record):
    """A passage that was found, without its text, which is in the snapshot.

    An answer without ``kind`` and ``context`` is from an earlier version and is not used.
    """

    source: str
    uri: str
    title: str
    locator: str
    snapshot: str
    start: int
    end: int
    score: float
    kind: BlockKind
    context: tuple[StoredContext, ...]


_STORED_PASSAGES = TypeAdapter(list[StoredPassage])


class MeteredSource(WrappedSource):
    """``source`` for one worker.

    A search that this or an earlier attempt made is not repeated while the source has the same
    edition. ``search`` raises ``LimitReached`` if no tool call is left.
    """

    def __init__(
        self,
        source: Source,
        *,
        worker: str,
        journal: Journal,
        ledger: Ledger,
        tracer: tracing.Tracer,
    ) -> None:
        super().__init__(source)
        self._worker = worker
        self._journal = journal
        self._ledger = ledger
        self._tracer = tracer

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        arguments: dict[str, JsonValue] = {
            "question": query.question,
            "terms": list(query.terms),
            "limit": limit,
        }
        call = Call(SEARCH, {**arguments, "edition": self.edition}, max_cost=Cost(tool_calls=1))
        known = await restored(self._ledger.stored_answer(call), self._source)
        if known is not None:
            self._log_result(known, prefix="Searched before: ")
            return known
        self._ledger.begin(call)
        message = f"Searching for: {query.question}"
        self._journal.step(
            "tool_call", message, worker=self._worker, tool=SEARCH, payload=arguments
        )
        with self._tracer.span(tracing.SEARCH, {"source": self.kind, "limit": limit}):
            passages = await self._source.search(query, limit=limit)
        self._ledger.store_answer(call, stored(passages))
        self._log_result(passages)
        return passages

    def _log_result(self, passages: Sequence[Passage], *, prefix: str = "") -> None:
        best = [f"{item.title}, {item.locator}".removesuffix(", ") for item in passages[:5]]
        found = (
            f"{counted(len(passages), 'passage')} found, the best in {in_quotes(best[0])}."
            if best
            else ""
        )
        self._journal.step(
            "tool_result",
            f"{prefix}{found or 'No passage matches.'}",
            worker=self._worker,
            tool=SEARCH,
            payload={"found": len(passages), "best": best},
        )


def stored(passages: Sequence[Passage]) -> JsonValue:
    """Return passages as an answer of the ledger: their places, without text."""
    places = [StoredPassage.model_validate(item, from_attributes=True) for item in passages]
    answer: JsonValue = _STORED_PASSAGES.dump_python(places, mode="json")
    return answer


async def restored(answer: JsonValue, source: Source) -> list[Passage] | None:
    """Return the passages of a stored answer; ``None`` if it is missing or no longer valid."""
    if answer is None:
        return None
    try:
        places = _STORED_PASSAGES.validate_python(answer)
        hashes = dict.fromkeys(place.snapshot for place in places)
        texts = {sha256: await source.snapshot(sha256) for sha256 in hashes}
    except (ValidationError, KeyError):
        return None
    return [_passage(place, texts[place.snapshot]) for place in places]


def _passage(place: StoredPassage, text: str) -> Passage:
    """Return the passage at ``place`` of its snapshot ``text``."""
    context = tuple(ContextText(text[one.start : one.end], **dict(one)) for one in place.context)
    fields = {**dict(place), "context": context}
    return Passage(**fields, text=text[place.start : place.end])
