"""Secrets, which are named everywhere and read only by the process that needs them."""

from __future__ import annotations

import base64
import os
from typing import TYPE_CHECKING

from researcher_job import __version__
from researcher_job.core.errors import JobError, error_kind

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

TIMEOUT_SECONDS = 15
RETRY_SECONDS = 30


class SecretUnavailable(JobError):
    """A secret cannot be read. The text names it and the kind of error, never its value."""

    safe_to_log = True


def read_secret(reference: str) -> str:
    """Return the secret that ``secret:scope/key`` or ``env:NAME`` names.

    A scope is read as the identity that this process has. The value must not be logged or stored.

    Raises:
        SecretUnavailable: it is not there, or may not be read.
    """
    kind, _, name = reference.partition(":")
    value = os.environ.get(name, "") if kind == "env" else _of_scope(reference, name)
    if not value:
        raise SecretUnavailable(f"The secret {reference} is not set.")
    return value


def _of_scope(reference: str, name: str) -> str:
    scope, _, key = name.partition("/")
    try:
        return base64.b64decode(workspace().secrets.get_secret(scope, key).value or "").decode()
    except Exception as error:  # noqa: BLE001 - the SDK raises of many kinds, and its texts name hosts
        raise SecretUnavailable(
            f"The secret {reference} cannot be read ({error_kind(error)}). Check that the job's"
            " principal may read the scope."
        ) from None


def workspace() -> WorkspaceClient:
    """Return a client of the workspace that acts as the identity of this process.

    Importing the library takes a second or two, and opening the client may call the network.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.core import Config

    return WorkspaceClient(
        config=Config(
            http_timeout_seconds=TIMEOUT_SECONDS,
            retry_timeout_seconds=RETRY_SECONDS,
            product="researcher-job",
            product_version=__version__,
        )
    )
