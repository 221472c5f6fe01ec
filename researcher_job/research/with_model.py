"""What a job does with its language models: the strategy of its questions, and its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from research_contract import records
from research_contract.files import encode
from research_contract.records import Cost, Coverage, Depth, Limits, QuestionResult, Request
from researcher_job.limits.budget import NOTHING
from researcher_job.models.base import Role
from researcher_job.models.configured import Models
from researcher_job.models.metered import Meter, MeteredModels
from researcher_job.models.structured import Asked
from researcher_job.records.job_folder import JobFolder
from researcher_job.records.journal import Journal
from researcher_job.records.ledger import Ledger
from researcher_job.research.ranked_source import RankedSource
from researcher_job.sources.base import Source
from researcher_job.strategies.agent.prompts import PURPOSES, instructions
from researcher_job.strategies.agent.strategy import Agent
from researcher_job.strategies.agent.writer import WRITE_TOKENS, Writer
from researcher_job.strategies.base import Progress, Strategy
from researcher_job.tracing.base import Tracer

KEPT_SHARE = 0.3
"""Most of a limit that research leaves for writing and checking."""

KEPT_BYTES = 20_000
"""Bytes of prompts for which research leaves tokens and dollars."""

KEPT_SECONDS = 120.0
"""Most seconds that research leaves for writing."""


def seconds_to_write(limits: Limits) -> float:
    """Return how many active seconds of a limit research leaves for writing; 0 without a limit."""
    return min(KEPT_SECONDS, KEPT_SHARE * 60 * limits.minutes) if limits.minutes else 0.0


@dataclass(frozen=True)
class WithModel:
    """The models of one attempt, each call metered by ``meter``.

    ``limits_reached`` says which limits ended questions early, the first one first.
    """

    models: Models
    meter: Meter
    limits: Limits
    limits_reached: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        models: Models,
        limits: Limits,
        *,
        ledger: Ledger,
        journal: Journal,
        tracer: Tracer,
    ) -> WithModel:
        """Return the models for one attempt."""
        limiter = anyio.CapacityLimiter(models.concurrency)
        meter = Meter(ledger, journal, tracer, limiter, models.wait_seconds)
        return cls(models, meter, limits)

    @property
    def names(self) -> tuple[str, ...]:
        """The models by role, for the records: ``worker: openai:gpt-5-mini``."""
        return tuple(
            f"{role}: {found[0].model.name}" for role, found in self.models.by_role.items()
        )

    @property
    def prompts(self) -> tuple[str, ...]:
        """The instructions with their versions, for the records."""
        return tuple(instructions(kind).name for kind in PURPOSES)

    def strategy_of(self, without_model: Strategy) -> Callable[[Progress], Strategy]:
        """Return what makes the strategy of a question; it leaves enough of limits to write."""
        kept = self._kept()
        models = {role: self._metered(role, kept) for role in self.models.by_role}

        def ranked(source: Source, depth: Depth) -> Source:
            return RankedSource(source, without_model, self.meter.ledger, depth)

        read, reached = self.models.read_characters, self.limits_reached
        return partial(Agent, models, without_model, ranked, read, reached)

    async def write(
        self,
        folder: JobFolder,
        request: Request,
        coverage: Coverage,
        results: Sequence[QuestionResult],
    ) -> None:
        """Write ``work/claims.json``, where a model writes and its calls fit the limits."""
        models: Mapping[Role, Asked] = {
            role: self._metered(role, NOTHING) for role in self.models.by_role
        }
        written = await Writer(
            models=models,
            question=request.question,
            plan=request.plan,
            coverage=coverage,
            results=results,
            evidence={item.n: item for item in folder.evidence()},
        ).write()
        if written:
            folder.write(records.CLAIMS, encode(written))
            self.meter.journal.step(
                "status",
                f"Wrote {sum(len(one.claims) for one in written.sections)} sentences;"
                f" {len(written.removed)} were taken out or replaced by their quotes.",
            )

    def _metered(self, role: Role, keep: Cost) -> MeteredModels:
        return MeteredModels(self.models.by_role[role], self.meter, keep)

    def _kept(self) -> Cost:
        """Return the most that writing costs, within a share of each limit."""
        prices = self.models.by_role["writer"][0].prices
        most = prices.cost(2 * KEPT_BYTES, 2 * WRITE_TOKENS)
        tokens, usd = self.limits.tokens, self.limits.cost_usd
        return Cost(
            tokens=most.tokens if tokens is None else min(most.tokens, int(KEPT_SHARE * tokens)),
            cost_usd=most.cost_usd if usd is None else min(most.cost_usd, KEPT_SHARE * usd),
        )
