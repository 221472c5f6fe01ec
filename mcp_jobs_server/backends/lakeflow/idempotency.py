"""Files that tell which job a key, or the same request made lately, led to.

``<owner>/keys/<sha256>.json``, created once. A request without a key has a chain: its first file
names a job; where that one ended or is too old, the next file, named by request and that job,
holds who came after it. So of any number of simultaneous starts one makes the job.
"""

from __future__ import annotations

import hashlib
import time

import anyio

from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import Conflict, Unavailable
from mcp_jobs_server.core.models import Owner
from research_contract.files import decode, encode
from research_contract.records import Record

APPEARS_SECONDS = 15.0
"""How long a file that another start wrote is waited for."""

PAUSE_SECONDS = 0.5


class Claim(Record):
    """Which job it is, for which request, with which token its run is asked for, and when the
    claim was made (milliseconds)."""

    job_id: str
    fingerprint: str = ""
    token: str = ""
    at: int = 0


class Keys:
    """The key files of all owners."""

    def __init__(self, folders: VolumeFolders) -> None:
        self._folders = folders

    async def read(self, owner: Owner, name: str) -> Claim | None:
        found = await self._folders.read(_folder(owner), name)
        return decode(Claim, found.data if found else None)

    async def claim(self, owner: Owner, name: str, ours: Claim) -> Claim:
        """Create the file; return what stands in it: ``ours``, or what another start claimed.

        A file that is there and not seen yet is waited for: going on without it would make a
        second job. One that was taken back meanwhile is created.

        Raises:
            Unavailable: it is still not seen.
        """
        until = time.monotonic() + APPEARS_SECONDS
        while not await self._folders.create(_folder(owner), name, encode(ours)):
            found = await self._folders.read(_folder(owner), name)
            if found is not None:
                return decode(Claim, found.data) or ours
            if time.monotonic() > until:
                raise Unavailable(
                    "Another start of the same was made just now, and the workspace does not show"
                    " it yet.",
                    "Make the same call again in a minute: it makes no second job.",
                )
            await anyio.sleep(PAUSE_SECONDS)
        return ours

    async def replace(self, owner: Owner, name: str, ours: Claim) -> None:
        await self._folders.write(_folder(owner), name, encode(ours))

    async def remove(self, owner: Owner, name: str) -> None:
        await self._folders.remove_file(_folder(owner), name)


def key_name(key: str) -> str:
    """Return the file of a caller's idempotency key."""
    return f"{_hash('key', key)}.json"


def first_name(fingerprint: str) -> str:
    """Return the first file of a request's chain."""
    return f"{_hash('same', fingerprint)}.json"


def next_name(fingerprint: str, job_id: str) -> str:
    """Return the file of who comes after this job with the same request."""
    return f"{_hash('same', fingerprint, job_id)}.json"


def key_conflict() -> Conflict:
    """Return the error for a key that was used for something else."""
    return Conflict(
        "This idempotency key was used before, for another request.",
        "Use a new key for a new request, or repeat the earlier one unchanged.",
    )


def _folder(owner: Owner) -> str:
    return f"{owner.folder}/keys"


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
