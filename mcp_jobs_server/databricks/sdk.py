"""The SDK's client as this server uses it. Importing this takes seconds: do it in a thread."""

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

# The SDK's own log names hosts. What goes wrong is told in our words, by who asked.
logging.getLogger("databricks").addHandler(logging.NullHandler())
logging.getLogger("databricks").propagate = False


class BoundedClock(Clock):
    """Sleeps between the SDK's attempts, but never past the deadline of the call.

    The SDK waits as long as ``Retry-After`` says, which may be an hour.
    """

    def time(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        if time.monotonic() + seconds > getattr(_call, "until", float("inf")):
            raise RetryTooLate(seconds)
        time.sleep(seconds)


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Let what this thread asks of a client end by ``deadline`` (of ``time.monotonic``)."""
    _call.until = deadline
    try:
        yield
    finally:
        del _call.until


def client(
    *, http_seconds: float, retry_seconds: float, host: str = "", token: str = ""
) -> WorkspaceClient:
    """Return a client: of the environment's credentials, or of ``token`` alone.

    Asks the host for its metadata, so it blocks. ``http_seconds`` bounds one attempt,
    ``retry_seconds`` is how long new attempts are begun.

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
    config.authenticate()  # fetches a token where one is needed: a refusal is known now
    return WorkspaceClient(config=config)
