"""Translates errors of the Databricks SDK into ``JobsError``. No other module uses SDK errors.

Messages contain no host, token, link, or id of a client or person: the SDK's description of its
configuration is cut off, and text that looks like one of these is removed from the rest.
"""

from __future__ import annotations

import re

from mcp_jobs_server.core.errors import (
    Conflict,
    JobsError,
    NotFound,
    NotPermitted,
    NotSignedIn,
    Refused,
    Unavailable,
)

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 15, 480
"""How long callers are asked to wait where the workspace does not say, at first and at most."""

MAX_LENGTH = 200
"""Maximum characters of an SDK message that are quoted in ours."""

_PRIVATE = re.compile(
    r"https?://\S+"
    r"|(?<![\w.-])[\w.-]+\.(?:com|net|us|cn|mil|azure|app|io)\b(?::\d+)?"
    r"|(?<!\S)\S*@\S*"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b(?:dapi|dose|eyJ)[\w.-]{8,}"
    r"|\[?ReqId: [^\]\s]*\]?"
    r"|\b\d{9,}\b"
    r"|\b[0-9a-fA-F]{24,}\b"
)
_BAD_TOKEN = re.compile(r"invalid access token|token (?:is |has )?expired|invalid token", re.I)
_ALREADY = re.compile(r"already exists", re.I)


class ResourceNotFound(NotFound):
    """The requested resource does not exist in the workspace."""


class ResourceExists(Conflict):
    """The resource to create exists already."""


class RetryTooLate(Exception):
    """The SDK would wait beyond the deadline of the call."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"waiting {seconds:.0f} s would take too long")
        self.seconds = seconds


class RateLimited(Unavailable):
    """The workspace limits the rate of requests and did not say for how long."""


def sanitize(message: object) -> str:
    """Return an SDK message as one line of at most 200 characters without private data."""
    text = " ".join(str(message).split()).partition(". Config: ")[0].partition(". Env: ")[0]
    text = _PRIVATE.sub("…", text)
    text = "" if text in ("None", "") else text
    return text if len(text) <= MAX_LENGTH else text[: MAX_LENGTH - 2].rsplit(" ", 1)[0] + " …"


def translate_error(action: str, error: BaseException, *, needs: str = "") -> JobsError:
    """Return the ``JobsError`` for an error that the SDK raised.

    Args:
        action: what was attempted, as a verb phrase: ``read a file of the volume``.
        error: the error.
        needs: the required privilege, for the message if it is missing.
    """
    import requests
    from databricks.sdk.errors.base import DatabricksError

    if isinstance(error, JobsError):
        return error
    if isinstance(error, DatabricksError):
        return _translate_response(action, error, needs)
    if isinstance(error, RetryTooLate | TimeoutError):
        return _translate_timeout(action, error)
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return no_answer(action)
    if isinstance(error, ValueError | OSError) and not isinstance(error, requests.RequestException):
        text = str(error).partition(". Config: ")[0]
        for pattern, message, hint in _SIGN_IN_ERRORS:
            if re.search(pattern, text, re.I):
                return NotSignedIn(message, hint)
        return NotSignedIn("Signing in to Databricks failed.", _WAYS_TO_SIGN_IN)
    return Unavailable(
        f"The answer of the Databricks workspace to the request to {action} cannot be read.",
        "Nothing is lost; try again. If the error persists, check DATABRICKS_HOST: it must be the"
        " address of the workspace itself.",
    )


def no_answer(action: str) -> Unavailable:
    """Return the error for a workspace that did not answer before the deadline of the call."""
    return _try_later(f"The Databricks workspace did not answer in time to {action}.")


def _translate_response(action: str, error: Exception, needs: str) -> JobsError:
    from databricks.sdk import errors

    reason = sanitize(error)
    denied, invalid = (
        isinstance(error, kind) for kind in (errors.PermissionDenied, errors.BadRequest)
    )
    if isinstance(error, errors.Unauthenticated) or (denied and _BAD_TOKEN.search(reason)):
        return NotSignedIn(
            "The Databricks workspace rejects the credential of this server: it has expired or is"
            " not valid.",
            "Sign in again (`databricks auth login`) or renew the token or secret, then try again.",
        )
    if denied:
        needed = f" It needs {needs}." if needs else ""
        said = f" The workspace says: {reason.rstrip('.')}." if reason and not needs else ""
        return NotPermitted(
            f"The identity of this server may not {action}.{needed}{said}",
            "Ask an administrator of the workspace to grant it; nothing was changed.",
        )
    if isinstance(error, errors.NotFound):
        return ResourceNotFound(
            f"The Databricks workspace could not {action}: it does not exist.", reason
        )
    if isinstance(error, errors.ResourceConflict) or (invalid and _ALREADY.search(reason)):
        return ResourceExists(
            f"The Databricks workspace did not {action}: it exists already.", reason
        )
    if isinstance(error, errors.TooManyRequests):
        return _rate_limited(getattr(error, "retry_after_secs", None))
    if invalid and "unable to parse response" not in reason:
        return Refused(
            f"The Databricks workspace refused to {action}{f': {reason}' if reason else '.'}",
            "Operator of this server: check volume and job (`mcp-jobs-server doctor`).",
        )
    return _try_later(_INTERNAL_ERROR.format(action))


def _translate_timeout(action: str, error: BaseException) -> JobsError:
    """Translate a call that was given up; the error that preceded it gives the reason."""
    from databricks.sdk import errors
    from databricks.sdk.errors.base import DatabricksError

    previous = error.__cause__ or error.__context__
    seconds = error.seconds if isinstance(error, RetryTooLate) else None
    if isinstance(previous, errors.TooManyRequests):
        stated = getattr(previous, "retry_after_secs", None) or 0
        return _rate_limited(max(seconds or 0, stated) if stated > 1 else None)
    if isinstance(previous, DatabricksError):
        return _try_later(_INTERNAL_ERROR.format(action), seconds)
    return no_answer(action)


_RATE_LIMITED = "The Databricks workspace limits the rate of requests."
_INTERNAL_ERROR = "The Databricks workspace has an internal error and could not {}."


def _rate_limited(seconds: float | None) -> Unavailable:
    """``seconds``: what the workspace asked for; the SDK says 1 where it asked for nothing."""
    if seconds and seconds > 1:
        return _try_later(_RATE_LIMITED, seconds)
    return RateLimited(_RATE_LIMITED)


def rate_limited_again(times: int) -> Unavailable:
    """Return the error for the ``times``-th refusal in a row; each asks to wait twice as long."""
    seconds = min(FIRST_PAUSE_SECONDS * 2 ** min(times - 1, 9), LONGEST_PAUSE_SECONDS)
    return _try_later(_RATE_LIMITED, seconds)


def _try_later(message: str, seconds: float | None = None) -> Unavailable:
    wait = f"{max(1, round(seconds))} s" if seconds else "a minute"
    return Unavailable(message, f"Nothing is lost; try again in {wait}.")


_WAYS_TO_SIGN_IN = (
    "Set DATABRICKS_HOST and DATABRICKS_TOKEN, or DATABRICKS_HOST, DATABRICKS_CLIENT_ID and"
    " DATABRICKS_CLIENT_SECRET, or run `databricks auth login` and set DATABRICKS_CONFIG_PROFILE."
)
_SIGN_IN_ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        "cannot configure default credentials",
        "No credentials for Databricks were found.",
        _WAYS_TO_SIGN_IN,
    ),
    (
        r"has no (\S+) profile configured",
        "The file of Databricks profiles has no profile of that name.",
        "Check DATABRICKS_CONFIG_PROFILE; `databricks auth profiles` lists the profiles.",
    ),
    (
        "more than one authorization method",
        "More than one way to sign in to Databricks is configured.",
        "Set DATABRICKS_AUTH_TYPE to the one to use (pat, oauth-m2m, databricks-cli …), or unset"
        " the variables of the others.",
    ),
    (
        "invalid_client|invalid_request|unauthorized_client",
        "The workspace does not know this client id and secret.",
        "Check DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET; secrets expire and are renewed"
        " in the account console.",
    ),
    (
        "oauth-m2m",
        "Signing in with client id and secret failed: the workspace names no token endpoint.",
        "Check that DATABRICKS_HOST is the address of a workspace and can be reached.",
    ),
    (
        "invalid_grant|refresh token",
        "The sign-in to Databricks has expired.",
        "Sign in again: `databricks auth login`.",
    ),
    (
        "databricks-cli",
        "The Databricks command line is not signed in to this workspace.",
        "Run `databricks auth login`, then try again.",
    ),
    (
        "azure-cli",
        "The Azure command line is not signed in.",
        "Run `az login`, then try again.",
    ),
    (
        "azure",
        "Signing in with an Azure service principal failed.",
        "Check ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID.",
    ),
    (
        "google",
        "Signing in with Google credentials failed.",
        "Check GOOGLE_CREDENTIALS, or sign in with `gcloud auth application-default login`.",
    ),
    (
        "oidc",
        "Signing in with a token of an identity provider failed.",
        "Check DATABRICKS_OIDC_TOKEN_ENV or the file that holds it, and the federation policy.",
    ),
    (
        "external-browser",
        "Signing in through the browser failed.",
        "Run `databricks auth login` instead and set DATABRICKS_AUTH_TYPE=databricks-cli.",
    ),
    (
        "metadata-service",
        "The metadata service of this machine returned no Databricks credentials.",
        "Check DATABRICKS_METADATA_SERVICE_URL, or sign in another way.",
    ),
    ("pat auth|pat:", "The token for Databricks cannot be used.", _WAYS_TO_SIGN_IN),
)
