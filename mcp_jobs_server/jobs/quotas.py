"""How much one owner may start. Asked before each start; an earlier job is returned in any case."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

import anyio

from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import QuotaReached
from mcp_jobs_server.core.models import Owner, Started, StartOptions, Usage
from mcp_jobs_server.core.settings import Quotas
from mcp_jobs_server.messages.wording import when
from research_contract.records import Request

DAY = timedelta(hours=24)


class Admission:
    """Starts jobs of a runner within the quotas.

    Starts of one owner come one after the other where there are quotas, so that calls made at
    the same moment do not all find the last free place. Several servers on the same jobs do not
    know of each other's calls: each may let one more pass.
    """

    def __init__(self, runner: Runner, quotas: Quotas, clock: Callable[[], datetime]) -> None:
        self._runner = runner
        self._quotas = quotas
        self._clock = clock
        self._turns: WeakValueDictionary[Owner, anyio.Lock] = WeakValueDictionary()

    async def start(self, request: Request, *, owner: Owner, options: StartOptions) -> Started:
        """Start the job, or return the earlier one that this call repeats.

        Raises:
            QuotaReached: a new job would be needed, and there may be none now.
        """
        async with self._turn(owner):
            reached = await self._reached(owner)
            if reached is None:
                return await self._runner.start(request, owner=owner, options=options)
            earlier = await self._runner.earlier(request, owner=owner, options=options)
            if earlier is None:
                raise reached
            return Started(job=earlier, created=False)

    def _turn(self, owner: Owner) -> AbstractAsyncContextManager[None]:
        if self._quotas == Quotas():
            return nullcontext()
        return self._turns.setdefault(owner, anyio.Lock())

    async def _reached(self, owner: Owner) -> QuotaReached | None:
        quotas = self._quotas
        if quotas.queued and await self._runner.waiting() >= quotas.queued:
            return QuotaReached(
                f"{quotas.queued} jobs wait to run already; no more are taken.",
                "Try again in a few minutes.",
            )
        if not (quotas.active or quotas.starts_a_day or quotas.cost_a_day):
            return None
        return self._of(await self._runner.usage(owner, self._clock() - DAY))

    def _of(self, usage: Usage) -> QuotaReached | None:
        quotas = self._quotas
        if quotas.active and usage.active >= quotas.active:
            return QuotaReached(
                f"You have {usage.active} unended jobs; {quotas.active} are allowed.",
                "Try again when one has ended, or cancel one; list_active_jobs shows them.",
            )
        first_free = when((usage.first or self._clock()) + DAY)
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
