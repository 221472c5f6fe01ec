"""A library whose every search is paid for once and stands in the step log."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue, TypeAdapter, ValidationError

from research_contract.records import Cost, Coverage, Record
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Call, Ledger
from researcher_job.sources.base import Lexicon, Passage, Query, Source
from researcher_job.tracing import base as tracing

SEARCH = "search"
"""Name of the tool in steps that search the library."""


class Place(Record):
    """A passage that was found, without its text: that stands in the snapshot."""

    source: str
    uri: str
    title: str
    locator: str
    snapshot: str
    start: int
    end: int
    score: float


_PLACES = TypeAdapter(list[Place])


class MeteredSource:
    """``library`` as one worker sees it.

    A search that this or an earlier attempt made is not made again while the library is of the
    same edition. ``search`` raises ``LimitReached`` where no tool call is left.
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
        self._source = source
        self._worker = worker
        self._journal = journal
        self._ledger = ledger
        self._tracer = tracer

    @property
    def edition(self) -> str:
        return self._source.edition

    @property
    def kind(self) -> str:
        return self._source.kind

    @property
    def coverage(self) -> Coverage:
        return self._source.coverage

    @property
    def lexicon(self) -> Lexicon | None:
        return self._source.lexicon

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        asked: dict[str, JsonValue] = {
            "question": query.question,
            "terms": list(query.terms),
            "limit": limit,
        }
        call = Call(SEARCH, {**asked, "edition": self.edition}, max_cost=Cost(tool_calls=1))
        kept = await self._passages(self._ledger.stored_answer(call))
        if kept is not None:
            self._tell(kept, f"Searched before: {_said(kept)}")
            return kept
        self._ledger.begin(call)
        said = f"Searching for: {query.question}"
        self._journal.step("tool_call", said, worker=self._worker, tool=SEARCH, payload=asked)
        with self._tracer.span(tracing.SEARCH, {"source": self.kind, "limit": limit}):
            passages = await self._source.search(query, limit=limit)
        self._ledger.store_answer(
            call, _PLACES.dump_python([_place(one) for one in passages], mode="json")
        )
        self._tell(passages, _said(passages))
        return passages

    def _tell(self, passages: Sequence[Passage], said: str) -> None:
        best: list[JsonValue] = [_named(item) for item in passages[:5]]
        payload = {"found": len(passages), "best": best}
        self._journal.step("tool_result", said, worker=self._worker, tool=SEARCH, payload=payload)

    async def _passages(self, answer: JsonValue) -> list[Passage] | None:
        """Read the places of a kept answer; ``None`` where it is none or does not hold now."""
        if answer is None:
            return None
        try:
            places = _PLACES.validate_python(answer)
            hashes = dict.fromkeys(place.snapshot for place in places)
            texts = {sha256: await self._source.snapshot(sha256) for sha256 in hashes}
        except (ValidationError, KeyError):
            return None
        return [_passage(place, texts[place.snapshot]) for place in places]

    async def snapshot(self, sha256: str) -> str:
        return await self._source.snapshot(sha256)


def _place(passage: Passage) -> Place:
    return Place.model_validate(passage, from_attributes=True)


def _passage(place: Place, text: str) -> Passage:
    return Passage(**dict(place), text=text[place.start : place.end])


def _said(passages: Sequence[Passage]) -> str:
    if not passages:
        return "No passage matches."
    count = f"{len(passages)} passage{'' if len(passages) == 1 else 's'} found"
    return f"{count}, the best in {_named(passages[0])}."


def _named(passage: Passage) -> str:
    return f"{passage.title}, {passage.locator}" if passage.locator else passage.title
