"""Documents and services as one source: asked side by side, ranked by joint statistics."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import anyio
from anyio import to_thread
from pydantic import JsonValue, TypeAdapter

from research_contract.records import Coverage
from research_contract.services import Service
from researcher_job.core.errors import JobError, LimitReached
from researcher_job.sources.base import (
    Frequencies,
    Lexicon,
    Mention,
    Passage,
    Query,
    Related,
    Source,
)
from researcher_job.sources.coverage import Tally
from researcher_job.sources.document import Reason, Unreadable
from researcher_job.sources.embeddings.base import embedded_text
from researcher_job.sources.embeddings.configured import Model
from researcher_job.sources.index.bm25 import scores
from researcher_job.sources.index.query import Question, analyse
from researcher_job.sources.services.base import (
    MAX_PAGE,
    MAX_PAGES,
    Page,
    PageService,
    Pay,
    ServiceCall,
    ServiceFailed,
    unpaid,
)
from researcher_job.sources.services.pages import (
    ReadPage,
    average_words,
    candidate,
    read_page,
)

MAX_WORDS = 400
"""Characters of a question that are sent to a service."""

_PAGES = TypeAdapter(list[Page])

T = TypeVar("T")


@dataclass(frozen=True)
class OpenService:
    """A service that may be asked: what is configured of it, and its port."""

    configured: Service
    port: PageService


class _Kept:
    """What all workers of a job share: pages by their hash, and what was read of services."""

    def __init__(self) -> None:
        self.pages: dict[str, ReadPage] = {}
        self.addresses: set[str] = set()
        self.tally = Tally()
        self.counted: set[tuple[str, str]] = set()
        self.calls: defaultdict[str, anyio.Lock] = defaultdict(anyio.Lock)

    def count(
        self, key: tuple[str, str], reason: Reason | None = None, gaps: Sequence[str] = ()
    ) -> None:
        """Count a page, or what was not read, once; ``key`` is source and address."""
        if key in self.counted:
            return
        self.counted.add(key)
        name = key[1] or key[0]
        if reason is None:
            self.tally.count_read(name, gaps)
        else:
            self.tally.count_skipped(reason, name)


class SourceSet:
    """The ``Source`` over ``documents`` and ``services``.

    Each service is asked the question, and its best pages are opened; their blocks are ranked
    together with those of the documents. Copies of ``paid_by`` share what was read, but count words
    only in the pages that they found, so that the order of questions changes no result.
    """

    kind = "sources"

    def __init__(
        self,
        documents: Source | None,
        services: Sequence[OpenService],
        *,
        refused: Coverage | None = None,
        model: Model | None = None,
    ) -> None:
        """``refused`` counts sources that could not be opened, ``model`` compares meanings."""
        self.documents = documents
        self.services = tuple(services)
        self._refused = refused or Coverage()
        self._model = model
        self._public = frozenset(
            one.configured.name for one in services if one.configured.is_public
        )
        self._kept = _Kept()
        self._found: dict[str, ReadPage] = {}
        self._pay: Pay = unpaid

    def paid_by(self, pay: Pay, documents: Source | None) -> SourceSet:
        """Return this source for one worker, whose calls are made by ``pay``."""
        paying = copy(self)
        paying.documents, paying._pay, paying._found = documents, pay, {}
        return paying

    @property
    def edition(self) -> str:
        parts = [one.configured.model_dump_json() for one in self.services]
        parts += [self.documents.edition] if self.documents else []
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @property
    def coverage(self) -> Coverage:
        together = Tally()
        for part in (self.documents and self.documents.coverage, self._refused):
            together.include(part or Coverage())
        pages = self._kept.tally.coverage
        together.include(pages)
        return together.coverage.model_copy(update={"pages": pages.found})

    @property
    def lexicon(self) -> Lexicon:
        return self

    async def frequencies(self, stems: Sequence[str]) -> Frequencies:
        own = self.documents.lexicon if self.documents else None
        counted = await own.frequencies(stems) if own else Frequencies(0, dict.fromkeys(stems, 0))
        words = [one for page in self._found.values() for one in page.words]
        containing = {
            stem: counted.containing.get(stem, 0) + sum(stem in one for one in words)
            for stem in stems
        }
        return Frequencies(counted.passages + len(words), containing)

    async def related(self, query: Query) -> Related:
        own = self.documents.lexicon if self.documents else None
        return await own.related(query) if own else Related()

    async def mentioned(self, texts: Sequence[str], query: Query) -> Sequence[Mention]:
        own = self.documents.lexicon if self.documents else None
        return await own.mentioned(texts, query) if own else ()

    async def unread(self, uri: str) -> bool:
        if uri in self._kept.addresses:
            return False
        return await self.documents.unread(uri) if self.documents else True

    async def snapshot(self, sha256: str) -> str:
        if page := self._kept.pages.get(sha256):
            return page.document.text
        if self.documents is None:
            raise KeyError(sha256)
        return await self.documents.snapshot(sha256)

    async def close(self) -> None:
        """End all connections; errors of services that end badly are nobody's concern."""
        for service in self.services:
            with anyio.move_on_after(10):
                await service.port.close()

    async def search(self, query: Query, *, limit: int) -> Sequence[Passage]:
        found = list(await self.documents.search(query, limit=limit)) if self.documents else []
        pages = await self._pages(query, something=bool(found))
        if not pages:
            return found
        self._found |= {page.document.snapshot: page for page in pages}
        question = await to_thread.run_sync(
            analyse, query.question, query.terms, await self.related(query)
        )
        frequencies = question.together(await self.frequencies(question.index_stems))
        return await to_thread.run_sync(self._ranked, question, found, pages, frequencies, limit)

    def _ranked(
        self,
        question: Question,
        found: Sequence[Passage],
        pages: Sequence[ReadPage],
        frequencies: Frequencies,
        limit: int,
    ) -> list[Passage]:
        """Score all passages by joint statistics: scores of other statistics compare nothing."""
        passages = [*found, *(one for page in pages for one in page.passages)]
        ranked = scores(
            [candidate(one) for one in passages],
            question,
            frequencies,
            average_length=average_words(passages),
        )
        scored = [replace(one, score=score) for one, score in zip(passages, ranked, strict=True)]
        best = sorted(
            (one for one in scored[len(found) :] if one.score), key=lambda one: -one.score
        )[:limit]
        both = [*scored[: len(found)], *self._compared(question.text, best)]
        return sorted(both, key=lambda one: (-one.score, one.uri, one.start))

    def _compared(self, question: str, passages: Sequence[Passage]) -> list[Passage]:
        """Return ``passages`` with their nearness in meaning, as those of documents have it."""
        embedder = self._model.load() if self._model else None
        if embedder is None or not passages or not embedder.knows(question):
            return list(passages)
        texts = [
            embedded_text(
                one.title,
                " > ".join(part.text for part in one.context if part.kind == "heading"),
                " ".join(part.text for part in one.context if part.kind != "heading"),
                one.text,
            )
            for one in passages
        ]
        cosines = embedder.passages(texts) @ embedder.questions([question])[0]
        return [
            replace(one, nearness=float(cosine))
            for one, cosine in zip(passages, cosines, strict=True)
        ]

    # --- asking services ------------------------------------------------------------------

    async def _pages(self, query: Query, *, something: bool) -> list[ReadPage]:
        """Return the pages of all services for ``query``, in the order of the services.

        Raises:
            LimitReached: no tool call was left for any service, and ``something`` is false.
        """
        asked = [
            partial(self._pages_of, one, query)
            for one in self.services
            if one.port.starts or self._may_ask(one, query)
        ]
        limits: list[LimitReached] = []
        found = [page for pages in await _side_by_side(asked, limits) for page in pages or ()]
        if limits and not found and not something:
            raise limits[0]
        return found

    def _may_ask(self, service: OpenService, query: Query) -> bool:
        allowed = service.configured.may_see(query.words_from, self._public)
        if not allowed and not query.words_from:
            self._kept.count((service.configured.name, ""), Reason.MAY_NOT_SEE)
        return allowed

    async def _pages_of(self, service: OpenService, query: Query) -> list[ReadPage]:
        results: list[Page] = []
        addresses = list(service.port.starts)
        if not addresses:
            words = " ".join(query.question.split())[:MAX_WORDS]
            results = await self._call(
                "search", service, words, partial(_found, service.port, words)
            )
            openable = dict.fromkeys(one.address for one in results if _is_web(one.address))
            addresses = list(openable)[: service.configured.pages]
        limits: list[LimitReached] = []
        opened = await _side_by_side(
            [
                partial(self._call, "open", service, one, partial(_opened, service.port, one))
                for one in addresses
            ],
            limits,
        )
        for address, pages in zip(addresses, opened, strict=True):
            if pages is None:
                self._kept.count((service.configured.name, address), Reason.NO_CALL_LEFT)
        if limits and not results and not any(opened):
            raise limits[0]
        whole = {address: pages for address, pages in zip(addresses, opened, strict=True) if pages}
        kept = [page for one in results for page in whole.pop(one.address, [one])]
        kept += [page for pages in whole.values() for page in pages]
        read = [await self._read(service.configured.name, page) for page in kept]
        return [page for page in read if page]

    async def _call(
        self,
        tool: str,
        service: OpenService,
        about: str,
        make: Callable[[], Awaitable[JsonValue]],
    ) -> list[Page]:
        """Return the pages of a paid call; none where it fails, which the coverage then says."""
        configured = service.configured
        arguments: dict[str, JsonValue] = {
            "source": configured.name,
            "uri": configured.uri,
            "settings": configured.settings.model_dump(mode="json", exclude={"seconds", "env"}),
            tool: about,
        }
        call = ServiceCall(tool, configured.name, about, arguments)
        # The same call of two questions is made once: the second finds the answer that is kept.
        async with self._kept.calls[json.dumps(arguments, sort_keys=True)]:
            answer = await self._pay(call, make)
        said = answer if isinstance(answer, dict) else {}
        if isinstance(reason := said.get("reason"), str):
            key = about if tool == "open" else ""
            self._kept.count((configured.name, key), Reason[reason])
        return _PAGES.validate_python(said.get("pages", []))

    async def _read(self, source: str, page: Page) -> ReadPage | None:
        key = (source, page.address if page.whole else f"{page.address} (result)")
        if not page.text.strip():
            return None
        try:
            read = await to_thread.run_sync(read_page, page, source)
        except Unreadable as error:
            self._kept.count(key, error.reason)
            return None
        self._kept.pages[read.document.snapshot] = read
        self._kept.addresses.add(page.address)
        self._kept.count(key, gaps=read.document.gaps)
        return read


async def _found(port: PageService, words: str) -> JsonValue:
    return await _answer(lambda: port.search(words))


async def _opened(port: PageService, address: str) -> JsonValue:
    async def one() -> Sequence[Page]:
        return [await port.open(address)]

    return await _answer(one)


async def _answer(ask: Callable[[], Awaitable[Sequence[Page]]]) -> JsonValue:
    """Return what is kept of a call: its pages, or how it failed."""
    try:
        pages = list(await ask())[:MAX_PAGES]
    except ServiceFailed as error:
        return {"reason": error.reason.name, "failed": str(error)}
    except JobError as error:
        return {"reason": Reason.CALL_FAILED.name, "failed": str(error)}
    except Exception as error:  # noqa: BLE001 - code of services fails in its own ways
        return {"reason": Reason.CALL_FAILED.name, "failed": f"It broke ({type(error).__name__})."}
    # One more character than is read shows that a page was longer.
    kept = [one.model_copy(update={"text": one.text[: MAX_PAGE + 1]}) for one in pages]
    return {"pages": _PAGES.dump_python(kept, mode="json")}


async def _side_by_side(
    calls: Sequence[Callable[[], Awaitable[T]]], limits: list[LimitReached]
) -> list[T | None]:
    """Return the results in order, ``None`` for those for which no tool call was left."""
    results: list[T | None] = [None] * len(calls)

    async def run(index: int) -> None:
        try:
            results[index] = await calls[index]()
        except LimitReached as limit:
            limits.append(limit)

    async with anyio.create_task_group() as group:
        for index in range(len(calls)):
            group.start_soon(run, index)
    return results


def _is_web(address: str) -> bool:
    return address.startswith(("https://", "http://"))
