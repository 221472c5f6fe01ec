"""The Databricks user of a token, and the sources that this user can open."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from mcp_jobs_server.core.errors import (
    JobsError,
    NotFound,
    NotGranted,
    NotPermitted,
    NotSignedIn,
    Refused,
    Unavailable,
    Unidentified,
)
from mcp_jobs_server.core.ttl_cache import TtlCache
from mcp_jobs_server.databricks.workspace import Workspace
from research_contract.configuration import volume_path
from research_contract.records import SourceRef

ORG_HEADER = "X-Databricks-Org-Id"
AccessProbe = tuple[str, str]
"""Method and path of a request that succeeds if the caller may open a source."""

_APPLICATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_TOKEN_REJECTED = (
    "Databricks rejects your sign-in: it has expired or is not valid.",
    "Sign in again, then repeat the call. Nothing is lost.",
)


@dataclass(frozen=True)
class DatabricksUser:
    """The owner of a token. ``id`` never changes and is unique within ``workspace``.

    ``application`` is the application id of a service principal; "" for a person.
    """

    workspace: str
    id: str
    groups: frozenset[str] = frozenset()
    application: str = ""


async def current_user(workspace: Workspace) -> DatabricksUser:
    """Return the user whose credential ``workspace`` uses.

    Raises:
        Unidentified: the workspace rejects the token.
        Unavailable: the workspace does not respond, or does not name the user.
    """
    try:
        response = await workspace.call(
            "identify the caller",
            lambda client: client.api_client.do(
                "GET",
                "/api/2.0/preview/scim/v2/Me",
                headers={"Accept": "application/json"},
                response_headers=[ORG_HEADER],
            ),
        )
    except (NotSignedIn, NotPermitted) as error:
        raise Unidentified(*_TOKEN_REJECTED) from error
    fields = response if isinstance(response, dict) else {}
    user_id, workspace_id = fields.get("id"), fields.get(ORG_HEADER)
    if not (user_id and workspace_id):
        raise Unavailable("Databricks did not identify the caller.", "Try again in a minute.")
    name = str(fields.get("userName") or "")
    groups = (group.get("display") for group in fields.get("groups") or ())
    return DatabricksUser(
        workspace=str(workspace_id),
        id=str(user_id),
        groups=frozenset(group for group in groups if group),
        application=name if _APPLICATION.fullmatch(name) else "",
    )


@dataclass(eq=False)
class CallerSourceCheck:
    """``SourceCheck`` of Genie spaces and volumes with the caller's token; others always pass."""

    workspace: Workspace
    digest: str
    cache: TtlCache[bool]

    async def refusal(self, source: SourceRef) -> JobsError | None:
        # Requests that open a source without reading it; a volume path may be a folder or a file.
        probes: Sequence[AccessProbe] = ()
        if source.uri.startswith("genie:"):
            space = quote(source.uri.removeprefix("genie:").strip("/"), safe="")
            probes = (("GET", f"/api/2.0/genie/spaces/{space}"),)
        elif volume := volume_path(source.uri):
            path = quote(volume)
            folder = f"/api/2.0/fs/directories{path}?page_size=1"
            probes = (("GET", folder), ("HEAD", f"/api/2.0/fs/files{path}"))
        if not probes:
            return None
        key = f"{self.digest} {source.uri}"
        try:
            opened = await self.cache.get(key, lambda: self._open(probes))
        except Unavailable as error:
            return error
        if opened:
            return None
        return NotGranted(
            f"You may not open the source '{source.name}' yourself.",
            "Ask its owner for access in Databricks, or name other sources.",
        )

    async def _open(self, probes: Sequence[AccessProbe]) -> bool:
        for method, path in probes:
            try:
                await self.workspace.do("open a source", method, path)
            except (NotFound, NotPermitted, Refused):
                continue
            except NotSignedIn as error:
                raise Unidentified(*_TOKEN_REJECTED) from error
            return True
        return False
