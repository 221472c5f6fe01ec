"""Client of a Databricks workspace. Every request to a workspace goes through this class.

The SDK blocks and takes seconds to import, so it is loaded and called in a few worker threads.
Each call has its own deadline, within which the SDK retries requests that are safe to repeat.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio import to_thread

from mcp_jobs_server.core.errors import JobsError, NotSignedIn, Unavailable
from mcp_jobs_server.core.single_flight import SingleFlightCache
from mcp_jobs_server.databricks.failures import (
    RateLimited,
    no_answer,
    rate_limited_again,
    translate_error,
)

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CONCURRENT = 8
"""Concurrent requests; the documented limit of the Files API is ten."""

RENEW_SECONDS = 30.0
"""Minimum time between two reloads of a rejected credential."""


@dataclass(frozen=True)
class Timeouts:
    """Timeouts in seconds; ``call`` is the deadline of one call with all its attempts.

    One attempt may take ``http``; no attempt is started after ``retry``. ``http + retry`` must be
    less than ``call``, so that no thread continues for a caller that already has its answer.
    """

    call: float = 20.0
    http: float = 8.0
    retry: float = 11.0
    sign_in: float = 40.0


@dataclass(eq=False)
class Workspace:
    """Calls of one identity to one workspace.

    Args:
        make: creates the client; it may block, because it is called in a worker thread.
        timeouts: limits for the duration of calls.
        renew_seconds: minimum time between two reloads of a rejected credential.
    """

    make: Callable[[], WorkspaceClient]
    _: KW_ONLY
    timeouts: Timeouts = Timeouts()
    renew_seconds: float = RENEW_SECONDS
    _clients: SingleFlightCache[str, WorkspaceClient] = field(
        default_factory=lambda: SingleFlightCache(most=1), init=False
    )
    _made_at: float = field(default_factory=lambda: float("-inf"), init=False)
    _refusals: int = field(default=0, init=False)
    _limiter: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(MAX_CONCURRENT), init=False
    )

    @classmethod
    def from_environment(
        cls, *, timeouts: Timeouts = Timeouts(), renew_seconds: float = RENEW_SECONDS
    ) -> Workspace:
        """Return the workspace and identity that the environment or a profile configures."""
        make = partial(_client, timeouts)
        return cls(make, timeouts=timeouts, renew_seconds=renew_seconds)

    @classmethod
    def from_token(
        cls, token: str, *, host: str = "", timeouts: Timeouts = Timeouts()
    ) -> Workspace:
        """Return the same workspace as the owner of ``token``, which is stored nowhere else."""
        host = host or os.environ.get("DATABRICKS_HOST", "")
        return cls(partial(_client, timeouts, host=host, token=token), timeouts=timeouts)

    async def sign_in(self) -> WorkspaceClient:
        """Load the SDK, sign in and return the client. Concurrent callers share one sign-in.

        Raises:
            NotSignedIn: there is no usable credential.
        """
        return await self._clients.get("", float("inf"), self._make_client)

    async def call(
        self,
        action: str,
        work: Callable[[WorkspaceClient], T],
        *,
        needs: str = "",
        seconds: float | None = None,
    ) -> T:
        """Run ``work``, which makes one request, in a worker thread and return its result.

        If the call is given up at the deadline, the request may still be carried out. A request
        that is not safe to repeat therefore needs an idempotency token.

        Args:
            action: what is attempted, as a verb phrase for error messages.
            work: a function of the client.
            needs: the required privilege, for the error message if it is missing.
            seconds: the deadline, if it differs from the default.

        Raises:
            NotSignedIn, NotPermitted, Refused, Unavailable: the request failed.
            ResourceNotFound, ResourceExists: a resource does not exist, or exists already.
        """
        try:
            result = await self._call(action, work, needs, seconds or self.timeouts.call)
        except RateLimited as error:
            self._refusals += 1
            raise rate_limited_again(self._refusals) from error
        self._refusals = 0
        return result

    async def _call(
        self, action: str, work: Callable[[WorkspaceClient], T], needs: str, deadline: float
    ) -> T:
        """Run ``work``; if the credential is rejected, load it again and repeat once."""
        began = time.monotonic()
        client = await self.sign_in()
        try:
            run = partial(work, client)
            return await _in_thread(action, run, self._limiter, deadline, needs=needs)
        except NotSignedIn:
            if self._made_at > began - self.renew_seconds:
                raise
            log.warning("the credential was rejected and is loaded again")
            self._clients.drop("")
        run = partial(work, await self.sign_in())
        return await _in_thread(action, run, self._limiter, deadline, needs=needs)

    async def do(
        self,
        action: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        needs: str = "",
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """Send a REST request and return the JSON object of its response, unchanged.

        Arguments and errors are those of ``call``.
        """

        def request(client: WorkspaceClient) -> dict[str, Any]:
            response = client.api_client.do(
                method,
                path,
                query=dict(query) if query else None,
                body=dict(body) if body else None,
                headers={"Accept": "application/json"},
            )
            if not isinstance(response, dict):
                raise TypeError("no object")
            return response

        return await self.call(action, request, needs=needs, seconds=seconds)

    async def _make_client(self) -> WorkspaceClient:
        limiter = anyio.CapacityLimiter(1)
        client = await _in_thread("sign in", self.make, limiter, self.timeouts.sign_in)
        self._made_at = time.monotonic()
        return client


def _client(timeouts: Timeouts, **credentials: str) -> WorkspaceClient:
    from mcp_jobs_server.databricks import sdk

    return sdk.client(http_seconds=timeouts.http, retry_seconds=timeouts.retry, **credentials)


async def _in_thread(
    action: str,
    work: Callable[[], T],
    limiter: anyio.CapacityLimiter,
    seconds: float,
    *,
    needs: str = "",
) -> T:
    """Run ``work`` in a thread, which is abandoned if it does not finish within ``seconds``."""
    deadline = time.monotonic() + seconds
    results: list[T | JobsError] = []
    with anyio.move_on_after(seconds):
        run = partial(_run_until, deadline, action, work, needs)
        results.append(await to_thread.run_sync(run, abandon_on_cancel=True, limiter=limiter))
    if not results:
        raise no_answer(action)
    result = results[0]
    if isinstance(result, JobsError):
        raise result
    return result


def _run_until(deadline: float, action: str, work: Callable[[], T], needs: str) -> T | JobsError:
    from mcp_jobs_server.databricks import sdk

    try:
        with sdk.until(deadline):
            return work()
    except Exception as error:  # noqa: BLE001 - the SDK raises errors of many libraries
        translated = translate_error(action, error, needs=needs)
        level = logging.INFO if isinstance(translated, Unavailable) else logging.DEBUG
        log.log(level, "could not %s: %s", action, type(error).__name__)
        return translated
