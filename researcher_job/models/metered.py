"""Model calls of a job: each charged before it is made, and kept with its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import anyio
from pydantic import JsonValue, TypeAdapter, ValidationError

from research_contract.records import Cost, Record
from researcher_job.core.errors import LimitReached
from researcher_job.limits.budget import NOTHING
from researcher_job.models.base import FailureKind, LanguageModel, ModelFailure, Prompt, Reply
from researcher_job.models.prices import Prices
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import MODEL, Call, Ledger
from researcher_job.tracing import base as tracing

TRIES = 3
"""How often a call is made that fails for a reason that may pass."""

MOST_WAIT = 60.0
"""Longest wait before a call is repeated, in seconds, whatever the server asks for."""

BYTES_IN_TOKEN = 4
"""Bytes of text in a token, at the most: a call with more is not made, since it cannot fit."""

_MAY_PASS: frozenset[FailureKind] = frozenset({"unavailable", "rate_limited", "timeout"})


class KeptReply(Record):
    """The answer to a model call as the ledger keeps it, or why there is none."""

    text: str = ""
    failed: FailureKind | None = None
    message: str = ""


_KEPT = TypeAdapter(KeptReply)


@dataclass(frozen=True)
class PricedModel:
    """A model, what its calls cost, and how many tokens fit into one and into its answer."""

    model: LanguageModel
    prices: Prices
    context_tokens: int = 32_000
    output_tokens: int = 4_000


@dataclass
class Meter:
    """What the model calls of a job share.

    ``concurrency`` bounds how many are made at once. ``wait_seconds`` is the first wait before a
    call is repeated; each further one is four times as long. ``asking`` makes the same question,
    asked twice at once, one call. ``ended`` says why no further call is made; else it is "".
    """

    ledger: Ledger
    journal: Journal
    tracer: tracing.Tracer
    concurrency: anyio.CapacityLimiter
    wait_seconds: float = 1.0
    asking: dict[str, anyio.Lock] = field(default_factory=dict)
    ended: str = ""


@dataclass(frozen=True)
class MeteredModels:
    """The models that are asked in this order for one role, until one of them answers.

    ``keep`` is what every call must leave of the limits. A server that reports more tokens than a
    call could have ends the spending.
    """

    models: Sequence[PricedModel]
    meter: Meter
    keep: Cost = NOTHING

    async def reply(self, prompt: Prompt, *, worker: str) -> Reply:
        """Return the kept answer of this or an earlier attempt, or make the call.

        Raises:
            LimitReached: the most that the call may cost is over what is left of a limit.
            ModelFailure: none of the models answered. That is kept, too.
        """
        failure = ModelFailure("unavailable", "no model is configured")
        for priced in self.models:
            try:
                return await self._reply_of(priced, prompt, worker)
            except ModelFailure as error:
                failure = error
                if error.kind in {"context", "refused", "truncated"}:
                    break
        raise failure

    async def _reply_of(self, priced: PricedModel, prompt: Prompt, worker: str) -> Reply:
        most = min(prompt.output_tokens, priced.output_tokens)
        prompt = replace(prompt, output_tokens=most)
        if prompt.size // BYTES_IN_TOKEN + most > priced.context_tokens:
            message = f"the call does not fit into {priced.context_tokens} tokens"
            raise ModelFailure("context", message)
        call = Call(
            MODEL, {"model": priced.model.name, **prompt.arguments}, priced.prices.most(prompt)
        )
        async with self.meter.asking.setdefault(call.name, anyio.Lock()):
            kept = _restored(self.meter.ledger.stored_answer(call))
            if kept is None:
                async with self.meter.concurrency:
                    kept = await self._ask(priced, prompt, call, worker)
        if kept.failed:
            raise ModelFailure(kept.failed, kept.message)
        return Reply(kept.text)

    async def _ask(self, priced: PricedModel, prompt: Prompt, call: Call, worker: str) -> KeptReply:
        """Make the call, again where that may help, and keep how it ended."""
        name = priced.model.name
        for number in range(TRIES):
            if self.meter.ended:
                raise LimitReached(self.meter.ended)
            self.meter.ledger.begin(call, keep=self.keep)
            message = f"{prompt.purpose or prompt.name}, by {name}."
            self.meter.journal.step("tool_call", message, worker=worker, tool=MODEL)
            try:
                with self.meter.tracer.span(tracing.MODEL, {"model": name, "call": prompt.name}):
                    reply = await priced.model.reply(prompt)
            except ModelFailure as failure:
                kept = KeptReply(failed=failure.kind, message=str(failure))
                ends = failure.kind not in _MAY_PASS or number == TRIES - 1
                cost = None if failure.paid else Cost()
                self.meter.ledger.store_answer(call, kept.model_dump() if ends else None, cost=cost)
                again = "" if ends else " It is asked again."
                self.meter.journal.step(
                    "error", f"{name} did not answer: {failure}.{again}", worker=worker, tool=MODEL
                )
                if ends:
                    return kept
                wait = self.meter.wait_seconds * 4**number
                await anyio.sleep(min(max(wait, failure.retry_after or 0.0), MOST_WAIT))
                continue
            return self._keep(priced, prompt, call, reply, worker)
        raise AssertionError("the loop above returns")

    def _keep(
        self, priced: PricedModel, prompt: Prompt, call: Call, reply: Reply, worker: str
    ) -> KeptReply:
        cost = priced.prices.of(prompt, reply)
        kept = KeptReply(text=reply.text)
        self.meter.ledger.store_answer(call, kept.model_dump(), cost=cost)
        dollars = f", ${cost.cost_usd:.4f}" if priced.prices.known and cost.cost_usd else ""
        self.meter.journal.step(
            "tool_result",
            f"{priced.model.name} answered ({cost.tokens} tokens{dollars}).",
            worker=worker,
            tool=MODEL,
            payload={"tokens": cost.tokens, "cost_usd": cost.cost_usd},
        )
        if cost.tokens > call.max_cost.tokens:
            self.meter.ended = (
                f"{priced.model.name} reported {cost.tokens} tokens for a call that was limited to"
                f" {call.max_cost.tokens}, so no further call is made."
            )
        return kept


def _restored(answer: JsonValue) -> KeptReply | None:
    try:
        return None if answer is None else _KEPT.validate_python(answer)
    except ValidationError:
        return None
