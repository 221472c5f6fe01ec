"""Quotas: how much one owner may start. A repeated start returns its earlier job in any case."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import anyio

from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import QuotaReached
from mcp_jobs_server.core.models import Owner, Started, StartOptions
from mcp_jobs_server.core.settings import Quotas
from mcp_jobs_server.messages.wording import when
from research_contract.records import Request

DAY = timedelta(hours=24)


@dataclass(eq=False)
class Admission:
    """Starts jobs within the quotas.

    Where there are quotas, the starts of one owner run one after the other, so that simultaneous
    calls cannot share the last free place. Several servers over the same jobs do not coordinate:
    each may admit one start too many.
    """

    runner: Runner
    quotas: Quotas
    clock: Callable[[], datetime]
    _locks: WeakValueDictionary[Owner, anyio.Lock] = field(
        default_factory=WeakValueDictionary, init=False
    )

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Start the job, or return the earlier one that this call repeats.

        Raises:
            QuotaReached: it would be a new job, and a quota allows none now.
        """
        lock = self._locks.setdefault(owner, anyio.Lock())
        async with nullcontext() if self.quotas == Quotas() else lock:
            reached = await self._reached(owner)
            if reached is None:
                return await self.runner.start(request, owner=owner, options=options)
            earlier = await self.runner.earlier(request, owner=owner, options=options)
            if earlier is None:
                raise reached
            return Started(job=earlier, created=False)

    async def _reached(self, owner: Owner) -> QuotaReached | None:
        quotas = self.quotas
        if quotas.queued and await self.runner.waiting() >= quotas.queued:
            return QuotaReached(
                f"{quotas.queued} jobs are already waiting; no more are accepted.",
                "Try again in a few minutes.",
            )
        if not (quotas.active or quotas.starts_a_day or quotas.cost_a_day):
            return None
        usage = await self.runner.usage(owner, self.clock() - DAY)
        if quotas.active and usage.active >= quotas.active:
            return QuotaReached(
                f"You have {usage.active} unfinished jobs; {quotas.active} are allowed.",
                "Try again when one has ended, or cancel one; list_active_jobs shows them.",
            )
        first_free = when((usage.first or self.clock()) + DAY)
        if quotas.starts_a_day and usage.starts >= quotas.starts_a_day:
            return QuotaReached(
                f"You started {usage.starts} jobs in 24 hours; {quotas.starts_a_day} are allowed.",
                f"Try again after {first_free}.",
            )
        if quotas.cost_a_day and usage.cost_usd >= quotas.cost_a_day:
            return QuotaReached(
                f"Your jobs cost ${usage.cost_usd:.2f} in 24 hours; ${quotas.cost_a_day:g} are"
                " allowed.",
                f"Try again after {first_free}, when the first of them no longer counts.",
            )
        return None
