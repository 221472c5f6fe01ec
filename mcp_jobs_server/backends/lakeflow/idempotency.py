"""Files that name the job of an idempotency key, or of a recent identical request.

``<owner>/keys/<sha256>.json``, each created once. Requests without a key have a chain of files. Its
first file names a job; if that job has ended or is too old, the next file, whose name is made from
the request and that job, names its successor. So one of any number of simultaneous starts makes the
job.
"""

from __future__ import annotations

import hashlib
import time
from typing import Literal

import anyio

from mcp_jobs_server.backends.lakeflow.volume import VolumeFolders
from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Owner
from research_contract.files import decode, encode
from research_contract.records import Record

VISIBLE_SECONDS = 15.0
"""How long to wait for a file that another start has created and that is not visible yet."""

PAUSE_SECONDS = 0.5


class KeyClaim(Record):
    """Content of a file: the job of the key or request.

    ``token`` is the idempotency token for its run, ``at`` the time of the claim in milliseconds.
    """

    job_id: str
    fingerprint: str = ""
    token: str = ""
    at: int = 0


class IdempotencyKeys:
    """The files of all owners."""

    def __init__(self, folders: VolumeFolders) -> None:
        self._folders = folders

    async def read(self, owner: Owner, name: str) -> KeyClaim | None:
        return await self._folders.record(KeyClaim, f"{owner.folder}/keys", name)

    async def claim(self, owner: Owner, name: str, own: KeyClaim) -> KeyClaim:
        """Create the file, and return its content: ``own``, or the claim of another start.

        This waits for a file that exists but is not visible yet: a start that went on without it
        would make a second job. If the other start removes its file, this one is created.

        Raises:
            Unavailable: the file is still not visible.
        """
        folder = f"{owner.folder}/keys"
        until = time.monotonic() + VISIBLE_SECONDS
        while not await self._folders.create(folder, name, encode(own)):
            found = await self._folders.read(folder, name)
            if found is not None:
                return decode(KeyClaim, found.data) or own
            if time.monotonic() > until:
                raise Unavailable(
                    "An identical start was made just now, and the workspace does not show it yet.",
                    "Make the same call again in a minute; it does not make a second job.",
                )
            await anyio.sleep(PAUSE_SECONDS)
        return own

    async def replace(self, owner: Owner, name: str, own: KeyClaim) -> None:
        await self._folders.write(f"{owner.folder}/keys", name, encode(own))

    async def remove(self, owner: Owner, name: str) -> None:
        await self._folders.remove_file(f"{owner.folder}/keys", name)


def key_file(kind: Literal["key", "same"], *parts: str) -> str:
    """Return the name of a file.

    ``"key", key``: the file of an idempotency key. ``"same", fingerprint``: the first file of the
    chain of a request. ``"same", fingerprint, job_id``: the file that follows that job.
    """
    digest = hashlib.sha256("\0".join((kind, *parts)).encode()).hexdigest()
    return f"{digest}.json"
