"""Finds the job that a caller names: by id, by a unique prefix, or the newest one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from mcp_jobs_server.backends.runner import Runner
from mcp_jobs_server.core.errors import NotFound
from mcp_jobs_server.core.models import Job, Owner
from mcp_jobs_server.messages import wording
from research_contract.records import JOB_ID, is_expired

_PREFIX = re.compile(r"[a-z0-9][a-z0-9-]{0,21}", re.ASCII)


@dataclass(eq=False)
class Lookup:
    """Finds jobs of one owner; jobs of others do not exist for it.

    ``retention_days``: how long ended jobs are kept; 0 for ever.
    """

    runner: Runner
    _: KW_ONLY
    retention_days: int
    clock: Callable[[], datetime]

    async def find(self, owner: Owner, named: str) -> Job:
        """Return the job with this id, or the only one whose id begins so; "" is the newest.

        Raises:
            NotFound: no job fits, or several do.
        """
        prefix = named.lower()
        fitting: list[Job] = []
        if JOB_ID.fullmatch(named):
            found = await self.runner.job(owner, named)
            fitting = [found] if found else []
        elif not named or _PREFIX.fullmatch(prefix):
            fitting = list(await self.runner.match(owner, prefix))
        if not fitting:
            raise await self._missing(owner, named)
        if named and len(fitting) > 1:
            raise NotFound(*wording.ambiguous(named, fitting))
        return fitting[0]

    async def find_exact(self, owner: Owner, job_id: str) -> Job:
        """Return the job with exactly this id.

        Raises:
            NotFound: there is none; the error lists jobs whose ids begin so.
        """
        job = await self.runner.job(owner, job_id)
        if job is not None:
            return job
        prefix = job_id.lower()
        fitting = await self.runner.match(owner, prefix) if _PREFIX.fullmatch(prefix) else ()
        if fitting:
            raise NotFound(*wording.not_exact(job_id, fitting))
        raise await self._missing(owner, job_id)

    async def _missing(self, owner: Owner, named: str) -> NotFound:
        days = self.retention_days
        if JOB_ID.fullmatch(named) and is_expired(named, self.clock(), days=days):
            return NotFound(*wording.expired(named, days))
        message, hint = wording.not_found(named, await self.runner.match(owner, ""))
        return NotFound(message, f"{hint} {await self.runner.notice()}".strip())
