"""Writes down how a job ended: in its folder, and in the index for all lists."""

from __future__ import annotations

import logging

from mcp_jobs_server.backends.lakeflow.index import Index
from mcp_jobs_server.backends.lakeflow.index_names import Entry, ended_name, moment
from mcp_jobs_server.backends.lakeflow.index_records import Card, completed_card, ended_card
from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import JobsError
from mcp_jobs_server.core.models import Job, Owner, job_folder
from research_contract import records
from research_contract.files import decode, encode
from research_contract.records import Ended, Outcome, Request, Spent, Status

log = logging.getLogger(__name__)


class Records:
    """Ends of jobs. What cannot be written now is written by whoever looks next."""

    def __init__(self, folders: VolumeFolders, index: Index) -> None:
        self._folders = folders
        self._index = index

    async def completed(self, job: Job, outcome: Outcome) -> Job:
        """Enter a job that has an outcome, and return it."""
        return await self._enter(completed_card(job, outcome), job.owner, outcome.spent)

    async def record(self, job: Job, ended: Ended, status: Status | None) -> Job:
        """Write ``ended.json``, enter the job and return it; an end that stands there holds."""
        try:
            if not await self._folders.create(job.folder, records.ENDED, encode(ended)):
                found = await self._folders.read(job.folder, records.ENDED)
                ended = decode(Ended, found.data if found else None) or ended
        except JobsError as error:
            log.warning("the end of job %s could not be written: %s", job.id, error.message)
            return ended_card(job, ended).job(job.owner)
        return await self.as_recorded(job, ended, status)

    async def as_recorded(self, job: Job, ended: Ended, status: Status | None) -> Job:
        """Enter a job whose end stands in its folder, and return it."""
        spent = status.spent if status else Spent()
        return await self._enter(ended_card(job, ended), job.owner, spent)

    async def ended(self, owner: Owner, entry: Entry) -> Job | None:
        """Return a job that the index says has ended; ``None`` where nothing is left of it."""
        if entry.ended is None:
            return None
        fetched = moment(entry.fetched) if entry.fetched is not None else None
        data = await self._index.read(owner.folder, entry.job_id, entry.ended.name)
        card = decode(Card, data) or await self._card_of_folder(owner, entry)
        return card.job(owner, fetched) if card else None

    async def _enter(self, card: Card, owner: Owner, spent: Spent) -> Job:
        name = ended_name(
            card.request,
            card.ended_at,
            card.state,
            card.outcome,
            active_seconds=spent.active_seconds,
            cost_usd=spent.cost_usd,
        )
        job_id = card.request.job_id
        try:
            await self._index.add(owner.folder, job_id, name, encode(card))
        except JobsError as error:
            log.warning("the end of job %s is not in the index yet: %s", job_id, error.message)
        return card.job(owner)

    async def _card_of_folder(self, owner: Owner, entry: Entry) -> Card | None:
        """Make the card of an entry that holds none from the job's folder."""
        folder = job_folder(owner, entry.job_id)
        request = decode(Request, await self._read(folder, records.REQUEST))
        if request is None or entry.ended is None:
            return None
        job = Job(owner=owner, request=request, state="running")
        outcome = decode(Outcome, await self._read(folder, records.OUTCOME))
        if outcome is not None:
            return completed_card(job, outcome)
        ended = decode(Ended, await self._read(folder, records.ENDED))
        return ended_card(job, ended) if ended else None

    async def _read(self, folder: str, name: str) -> bytes | None:
        found = await self._folders.read(folder, name)
        return found.data if found else None
