"""The one door to a Databricks workspace: every request to it passes here.

The SDK blocks and takes seconds to import, so it is loaded and called in worker threads, a few
at one time. A call has a deadline of its own; within it the SDK repeats what can be repeated.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from mcp_jobs_server.core.errors import JobsError, NotSignedIn, Unavailable
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import no_answer, translate_error

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONE_TIME = 8
"""Requests at one time; the Files API is said to take ten."""

RENEW_SECONDS = 30.0
"""A refused credential is read again from where it is kept, at most this often."""


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds: ``call`` is the deadline of one call with all its attempts.

    One attempt may take ``http``; none is begun after ``retry``. ``http + retry`` must stay
    below ``call``, so that no thread works on for a caller that was answered.
    """

    call: float = 20.0
    http: float = 8.0
    retry: float = 11.0
    sign_in: float = 40.0


class Workspace:
    """Calls of one identity to one workspace.

    Args:
        make: builds the client; blocks, and is called in a worker thread.
        timeouts: how long calls may take.
        renew_seconds: how long a refused credential is not read again from where it is kept.
    """

    def __init__(
        self,
        make: Callable[[], WorkspaceClient],
        *,
        timeouts: Timeouts = Timeouts(),
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._make = make
        self._renew_seconds = renew_seconds
        self._timeouts = timeouts
        self._clients: SingleFlightCache[str, WorkspaceClient] = SingleFlightCache(most=1)
        self._made_at = float("-inf")
        self._limiter: anyio.CapacityLimiter | None = None

    @classmethod
    def from_environment(
        cls, *, timeouts: Timeouts = Timeouts(), renew_seconds: float = RENEW_SECONDS
    ) -> Workspace:
        """Return the workspace that the environment or a profile names, as the identity there."""
        make = partial(_client, timeouts)
        return cls(make, timeouts=timeouts, renew_seconds=renew_seconds)

    @classmethod
    def from_token(
        cls, token: str, *, host: str = "", timeouts: Timeouts = Timeouts()
    ) -> Workspace:
        """Return the same workspace as the person whose token this is; it is kept nowhere else."""
        where = host or os.environ.get("DATABRICKS_HOST", "")
        return cls(partial(_client, timeouts, host=where, token=token), timeouts=timeouts)

    async def warm(self) -> None:
        """Load the SDK and sign in, so that the first call does not wait for it.

        Raises:
            NotSignedIn: there is no usable credential.
        """
        await self._ready()

    async def call(
        self,
        doing: str,
        work: Callable[[WorkspaceClient], T],
        *,
        needs: str = "",
        seconds: float | None = None,
    ) -> T:
        """Return what ``work`` returns, done in a worker thread.

        ``work`` makes one request. Where it is given up at the deadline, the request may still
        be carried out: whatever is not harmless twice needs an idempotency token.

        Args:
            doing: what is tried, after "to", for messages.
            work: given the client.
            needs: the privilege that it takes, for the message where that is missing.
            seconds: its deadline, where it is not the usual one.

        Raises:
            NotSignedIn, NotPermitted, Refused, Unavailable: as they say.
            ResourceNotFound, ResourceExists: what was named is not there, or there already.
        """
        began = time.monotonic()
        client = await self._ready()
        try:
            return await self._once(doing, partial(work, client), needs, seconds)
        except NotSignedIn:
            if self._made_at > began - self._renew_seconds:
                raise
            log.warning("the credential was refused; it is read again")
            self._clients.drop("")
        return await self._once(doing, partial(work, await self._ready()), needs, seconds)

    async def do(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        needs: str = "",
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object that the request is answered with, every word as it came."""

        def ask(client: WorkspaceClient) -> dict[str, Any]:
            found = client.api_client.do(
                method,
                path,
                query=dict(query) if query else None,
                body=dict(body) if body else None,
                headers={"Accept": "application/json"},
            )
            if not isinstance(found, dict):
                raise TypeError("no object")
            return found

        return await self.call(doing, ask, needs=needs, seconds=seconds)

    async def _once(
        self, doing: str, work: Callable[[], T], needs: str, seconds: float | None
    ) -> T:
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(AT_ONE_TIME)
        return await _in_thread(
            doing, work, self._limiter, seconds or self._timeouts.call, needs=needs
        )

    async def _ready(self) -> WorkspaceClient:
        """Return the client. Who waits for the same sign-in shares how it ends."""
        return await self._clients.get("", float("inf"), self._signed_in)

    async def _signed_in(self) -> WorkspaceClient:
        limiter = anyio.CapacityLimiter(1)
        client = await _in_thread("sign in", self._make, limiter, self._timeouts.sign_in)
        self._made_at = time.monotonic()
        return client


def _client(timeouts: Timeouts, **told: str) -> WorkspaceClient:
    from mcp_jobs_server.databricks import sdk

    return sdk.client(http_seconds=timeouts.http, retry_seconds=timeouts.retry, **told)


async def _in_thread(
    doing: str,
    work: Callable[[], T],
    limiter: anyio.CapacityLimiter,
    seconds: float,
    *,
    needs: str = "",
) -> T:
    """Do it by the deadline, whatever becomes of the thread."""
    deadline = time.monotonic() + seconds
    outcome: list[T | JobsError] = []
    with anyio.move_on_after(seconds):
        run = partial(_done, doing, work, deadline, needs)
        outcome.append(await to_thread.run_sync(run, abandon_on_cancel=True, limiter=limiter))
    if not outcome:
        raise no_answer(doing)
    found = outcome[0]
    if isinstance(found, JobsError):
        raise found
    return found


def _done(doing: str, work: Callable[[], T], deadline: float, needs: str) -> T | JobsError:
    from mcp_jobs_server.databricks import sdk

    try:
        with sdk.until(deadline):
            return work()
    except Exception as error:  # noqa: BLE001 - the SDK lets errors of many libraries through
        ours = translate_error(doing, error, needs=needs)
        level = logging.INFO if isinstance(ours, Unavailable) else logging.DEBUG
        log.log(level, "could not %s: %s", doing, type(error).__name__)
        return ours
