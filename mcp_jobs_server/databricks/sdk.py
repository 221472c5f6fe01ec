"""Creates clients of the Databricks SDK. Import this in a thread: loading the SDK takes seconds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import Clock
from databricks.sdk.core import Config

from mcp_jobs_server import __version__
from mcp_jobs_server.databricks.failures import RetryTooLate

PRODUCT = "mcp-jobs-server"

_call = threading.local()

# The SDK's own log contains host names. Callers log errors in sanitized form instead.
logging.getLogger("databricks").addHandler(logging.NullHandler())
logging.getLogger("databricks").propagate = False


class BoundedClock(Clock):
    """Sleeps between the SDK's attempts, but never beyond the deadline of the call.

    Without it the SDK would wait as long as ``Retry-After`` demands, which may be an hour.
    """

    def time(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if time.monotonic() + seconds > getattr(_call, "until", float("inf")):
            raise RetryTooLate(seconds)
        time.sleep(seconds)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Set the deadline (on ``time.monotonic``) for SDK calls of this thread."""
    _call.until = deadline
    try:
        yield
    finally:
        del _call.until


def client(
    *, http_seconds: float, retry_seconds: float, host: str = "", token: str = ""
) -> WorkspaceClient:
    """Return a client with the credentials of the environment, or with ``token`` only.

    This blocks, because it requests the metadata of the host. ``http_seconds`` limits one
    attempt; no attempt is started after ``retry_seconds``.

    Raises:
        ValueError, OSError: the credentials cannot be used; see ``failures.py``.
    """
    config = Config(
        host=host or None,
        token=token or None,
        auth_type="pat" if token else None,
        product=PRODUCT,
        product_version=__version__,
        clock=BoundedClock(),
        http_timeout_seconds=http_seconds,
        retry_timeout_seconds=max(1, int(retry_seconds)),
        disable_experimental_files_api_client=True,
    )
    config.authenticate()  # fetches a token if one is needed, so that a rejection is known now
    return WorkspaceClient(config=config)
