"""What a workspace or its SDK complains of, in our own errors. No other module knows theirs.

No message holds a host, an id of a client or a person, a token or a link: the vendor's own words
are cut before the SDK's account of its configuration, and what looks like one of these is left
out of what remains.
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

LONGEST = 200
"""Signs of the vendor's own words that a message holds at most."""

_PRIVATE = re.compile(
    r"https?://\S+"
    r"|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|us|cn|mil|azure|app|io)\b(?::\d+)?"
    r"|\b\S+@\S+\b"
    r"|\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b(?:dapi|dose|eyJ)[\w.-]{8,}"
    r"|\[?ReqId: [^\]\s]*\]?"
    r"|\b\d{9,}\b"
    r"|\b[0-9a-fA-F]{24,}\b"
)
_BAD_TOKEN = re.compile(r"invalid access token|token (?:is |has )?expired|invalid token", re.I)
_ALREADY = re.compile(r"already exists", re.I)


class ResourceNotFound(NotFound):
    """What was asked for is not in the workspace."""


class ResourceExists(Conflict):
    """What was to be made is there already."""


class RetryTooLate(Exception):
    """The SDK wanted to wait longer than the call may take."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"waiting {seconds:.0f} s would take too long")
        self.seconds = seconds


def sanitize(said: object) -> str:
    """Return the vendor's words on one line, without what must not be shown."""
    text = " ".join(str(said).split()).partition(". Config: ")[0].partition(". Env: ")[0]
    text = _PRIVATE.sub("…", text)
    text = "" if text in ("None", "") else text
    return text if len(text) <= LONGEST else text[: LONGEST - 2].rsplit(" ", 1)[0] + " …"


def translate_error(doing: str, error: BaseException, *, needs: str = "") -> JobsError:
    """Return our error for theirs.

    Args:
        doing: what was tried, after "to": ``read a file of the volume``.
        error: what the SDK raised.
        needs: the privilege it takes, for the message where that is missing.
    """
    from databricks.sdk.errors.base import DatabricksError

    if isinstance(error, JobsError):
        return error
    if isinstance(error, DatabricksError):
        return _of_workspace(doing, error, needs)
    if isinstance(error, RetryTooLate | TimeoutError):
        return _of_time(doing, error)
    return _of_library(doing, error)


def _of_workspace(doing: str, error: Exception, needs: str) -> JobsError:
    from databricks.sdk import errors

    said = sanitize(error)
    match error:
        case errors.Unauthenticated():
            return bad_credential()
        case errors.PermissionDenied() if _BAD_TOKEN.search(said):
            return bad_credential()
        case errors.PermissionDenied():
            return not_permitted(doing, needs, said)
        case errors.NotFound():
            return ResourceNotFound(f"The workspace finds nothing there to {doing}.", said)
        case errors.ResourceConflict():
            return ResourceExists(
                f"It is there already, so that nothing was done to {doing}.", said
            )
        case errors.TooManyRequests():
            return _limited(getattr(error, "retry_after_secs", None))
        case errors.BadRequest() if _ALREADY.search(said):
            return ResourceExists(
                f"It is there already, so that nothing was done to {doing}.", said
            )
        case errors.BadRequest() if "unable to parse response" not in said:
            reason = f": {said}" if said else "."
            return Refused(
                f"The workspace refuses to {doing}{reason}",
                "Whoever runs this server: check volume and job (`mcp-jobs-server doctor`).",
            )
    return _broken(doing)


def _of_time(doing: str, error: BaseException) -> JobsError:
    """Translate a call that was given up; what went wrong before that says why."""
    from databricks.sdk import errors
    from databricks.sdk.errors.base import DatabricksError

    before = error.__cause__ or error.__context__
    seconds = error.seconds if isinstance(error, RetryTooLate) else None
    if isinstance(before, errors.TooManyRequests):
        return _limited(seconds or getattr(before, "retry_after_secs", None))
    if isinstance(before, DatabricksError):
        return _broken(doing, seconds)
    return no_answer(doing)


def _of_library(doing: str, error: BaseException) -> JobsError:
    import requests

    if isinstance(error, requests.exceptions.JSONDecodeError):
        return _unreadable(doing)
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return no_answer(doing)
    if isinstance(error, requests.RequestException | KeyError | TypeError | AttributeError):
        return _unreadable(doing)
    if isinstance(error, ValueError | OSError):
        return not_configured(error)
    return _unreadable(doing)


def no_answer(doing: str) -> Unavailable:
    """Return the error for a workspace that says nothing within the time a call may take."""
    return Unavailable(
        f"The Databricks workspace did not answer in time to {doing}.",
        "Nothing is lost; try again in a minute.",
    )


def bad_credential() -> NotSignedIn:
    """Return the error for a credential that the workspace does not take."""
    return NotSignedIn(
        "The Databricks workspace does not take this server's credential: it has expired or is"
        " not valid.",
        "Sign in again (`databricks auth login`) or renew the token or secret, then try again.",
    )


def not_permitted(doing: str, needs: str, said: str = "") -> NotPermitted:
    """Return the error for a privilege that is missing, naming it."""
    known = f" It needs {needs}." if needs else ""
    told = f" The workspace says: {said.rstrip('.')}." if said and not needs else ""
    return NotPermitted(
        f"The identity of this server may not {doing}.{known}{told}",
        "Ask who administers the workspace to grant it; nothing was changed.",
    )


def _limited(seconds: float | None) -> Unavailable:
    wait = f"{max(1, round(seconds))} s" if seconds else "a minute"
    return Unavailable(
        "The Databricks workspace limits how often it may be asked.",
        f"Nothing is lost; try again in {wait}.",
    )


def _broken(doing: str, seconds: float | None = None) -> Unavailable:
    wait = f"{max(1, round(seconds))} s" if seconds else "a minute"
    return Unavailable(
        f"The Databricks workspace has an error of its own and could not {doing}.",
        f"Nothing is lost; try again in {wait}.",
    )


def _unreadable(doing: str) -> Unavailable:
    return Unavailable(
        f"The Databricks workspace answered something that cannot be read when asked to {doing}.",
        "Nothing is lost; try again. If it stays so, check DATABRICKS_HOST: it must name the"
        " workspace itself.",
    )


_WAYS = (
    "Set DATABRICKS_HOST and DATABRICKS_TOKEN, or DATABRICKS_HOST, DATABRICKS_CLIENT_ID and"
    " DATABRICKS_CLIENT_SECRET, or run `databricks auth login` and set DATABRICKS_CONFIG_PROFILE."
)
_UNCONFIGURED: tuple[tuple[str, str, str], ...] = (
    ("cannot configure default credentials", "No credentials for Databricks were found.", _WAYS),
    (
        r"has no (\S+) profile configured",
        "The file of Databricks profiles has no profile of that name.",
        "Check DATABRICKS_CONFIG_PROFILE; `databricks auth profiles` lists what is there.",
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
        "Signing in with client id and secret did not work: the workspace names no place for it.",
        "Check that DATABRICKS_HOST is the address of a workspace and can be reached.",
    ),
    (
        "invalid_grant|refresh token",
        "The sign-in to Databricks has ended.",
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
        "Signing in with an Azure service principal did not work.",
        "Check ARM_CLIENT_ID, ARM_CLIENT_SECRET and ARM_TENANT_ID.",
    ),
    (
        "google",
        "Signing in with Google credentials did not work.",
        "Check GOOGLE_CREDENTIALS, or sign in with `gcloud auth application-default login`.",
    ),
    (
        "oidc",
        "Signing in with a token of an identity provider did not work.",
        "Check DATABRICKS_OIDC_TOKEN_ENV or the file that holds it, and the federation policy.",
    ),
    (
        "external-browser",
        "Signing in through the browser did not work.",
        "Run `databricks auth login` instead and set DATABRICKS_AUTH_TYPE=databricks-cli.",
    ),
    (
        "metadata-service",
        "The service that lends Databricks credentials on this machine gave none.",
        "Check DATABRICKS_METADATA_SERVICE_URL, or sign in another way.",
    ),
    ("pat auth|pat:", "The token for Databricks cannot be used.", _WAYS),
)


def not_configured(error: BaseException) -> NotSignedIn:
    """Return the error for a sign-in that cannot even be tried, saying what to set or run."""
    said = str(error).partition(". Config: ")[0]
    for pattern, message, hint in _UNCONFIGURED:
        if re.search(pattern, said, re.I):
            return NotSignedIn(message, hint)
    return NotSignedIn("Signing in to Databricks did not work.", _WAYS)
