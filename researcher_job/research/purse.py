"""Pays for calls that a model makes while a job runs: by the ledger of the job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from anyio import from_thread
from pydantic import JsonValue

from research_contract.records import Cost
from researcher_job.records.ledger import Call, Ledger
from researcher_job.sources.embeddings.base import EmbeddingFailed

EMBEDDING = "embedding"
"""The kind of a call for vectors."""


class Purse:
    """The ``Pay`` of a job. Models are made before the job's ledger: ``open`` gives it.

    It is called in worker threads; the ledger is used in the thread of the job alone.
    """

    def __init__(self) -> None:
        self._ledger: Ledger | None = None

    def open(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def __call__(
        self,
        arguments: Mapping[str, JsonValue],
        most: Cost,
        make: Callable[[], tuple[JsonValue, Cost]],
    ) -> JsonValue:
        """Return the answer of a call, one of an earlier attempt where the ledger has it.

        A call that is refused costs a tool call; one that dies, or whose answer is of no use,
        costs the most it may.
        """
        if self._ledger is None:
            raise RuntimeError("a model was called before the job began")
        ledger, call = self._ledger, Call(EMBEDDING, arguments, max_cost=most)
        if (stored := from_thread.run_sync(ledger.stored_answer, call)) is not None:
            return stored
        from_thread.run_sync(ledger.begin, call)
        try:
            answer, cost = make()
        except EmbeddingFailed as error:
            if error.cost is not None:
                from_thread.run_sync(partial(ledger.store_answer, call, None, cost=error.cost))
            raise
        from_thread.run_sync(partial(ledger.store_answer, call, answer, cost=cost))
        return answer
