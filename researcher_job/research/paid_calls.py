"""Calls to services of one worker: charged, kept in the ledger and logged as steps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pydantic import JsonValue

from research_contract.records import Cost, StepKind
from research_contract.text.safe import in_quotes, named
from researcher_job.core.plural import counted
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Call, Ledger
from researcher_job.research.metered_source import MeteredSource
from researcher_job.sources.base import Source
from researcher_job.sources.services.base import ServiceCall
from researcher_job.sources.services.source_set import SourceSet
from researcher_job.tracing import base as tracing

_SHOWN = 160
"""Characters of a question or address in a step."""


class PaidCalls:
    """The ``Pay`` of one worker: a call costs one tool call and is never made again.

    What a service answered is kept, and that it failed, too: a resumed job goes on with the same.
    """

    def __init__(
        self, *, worker: str, journal: Journal, ledger: Ledger, tracer: tracing.Tracer
    ) -> None:
        self._worker = worker
        self._journal = journal
        self._ledger = ledger
        self._tracer = tracer

    async def __call__(
        self, call: ServiceCall, make: Callable[[], Awaitable[JsonValue]]
    ) -> JsonValue:
        """Return the answer of the call; see ``Pay``."""
        paid = Call(f"service {call.tool}", call.arguments, max_cost=Cost(tool_calls=1))
        about = in_quotes(call.about, most=_SHOWN)
        verb = "Asking" if call.tool == "search" else "Opening"
        answer = self._ledger.stored_answer(paid)
        if answer is not None:
            self._step("tool_result", f"{_said(answer)} Known from before: {about}.", call)
            return answer
        self._ledger.begin(paid)
        self._step("tool_call", f"{verb} {named(call.source)}: {about}", call)
        with self._tracer.span(tracing.SEARCH, {"source": call.source, "limit": 0}):
            answer = await make()
        self._ledger.store_answer(paid, answer)
        self._step("tool_result", _said(answer), call)
        return answer

    def _step(self, kind: StepKind, message: str, call: ServiceCall) -> None:
        payload = {"source": call.source, call.tool: call.about}
        self._journal.step(kind, message, worker=self._worker, tool=call.tool, payload=payload)


def _said(answer: JsonValue) -> str:
    """Return what a step says of an answer; the text of an error is the service's, so it is not."""
    said = answer if isinstance(answer, dict) else {}
    pages = said.get("pages")
    if isinstance(pages, list):
        return f"{counted(len(pages), 'page')} received."
    return str(said.get("failed") or "It failed.")


def metered(
    source: Source, *, worker: str, journal: Journal, ledger: Ledger, tracer: tracing.Tracer
) -> Source:
    """Return ``source`` for one worker, each of whose calls is charged, kept and logged."""

    def one(part: Source) -> Source:
        return MeteredSource(part, worker=worker, journal=journal, ledger=ledger, tracer=tracer)

    if not isinstance(source, SourceSet):
        return one(source)
    calls = PaidCalls(worker=worker, journal=journal, ledger=ledger, tracer=tracer)
    return source.paid_by(calls, one(source.documents) if source.documents else None)
