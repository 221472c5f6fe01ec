"""Secrets: configurations contain references, and only the process that needs a value reads it."""

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
    """A secret cannot be read. The message has its reference and the kind of error, no value."""

    safe_to_log = True


def read_secret(reference: str) -> str:
    """Return the secret that ``secret:scope/key`` or ``env:NAME`` refers to.

    A scope is read with the identity of this process. Do not log or store the value.

    Raises:
        SecretUnavailable: the secret does not exist or may not be read.
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
    else:
        scope, _, key = name.partition("/")
        try:
            encoded = workspace().secrets.get_secret(scope, key).value or ""
            value = base64.b64decode(encoded).decode()
        except Exception as error:  # noqa: BLE001 - the SDK raises many kinds, with hosts in texts
            raise SecretUnavailable(
                f"The secret {reference} cannot be read ({error_kind(error)}). Check that the job's"
                " principal may read the scope."
            ) from None
    if not value:
        raise SecretUnavailable(f"The secret {reference} is not set.")
    return value


def workspace() -> WorkspaceClient:
    """Return a workspace client with the identity of this process.

    Importing the library takes a second or two, and creating the client may access the network.
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
