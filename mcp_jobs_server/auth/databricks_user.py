"""What the workspace says of a caller, and opens to one, asked with the caller's own token."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
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

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

ORG_HEADER = "X-Databricks-Org-Id"
Door = tuple[str, str]
"""Method and path of a request that succeeds where the caller may open a source."""

_APPLICATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_NOT_KNOWN = (
    "Databricks does not take your sign-in: it has expired or is not valid.",
    "Sign in again, then repeat the call. Nothing is lost.",
)


@dataclass(frozen=True)
class Person:
    """Who a token belongs to: ``id`` never changes and is unique in the ``workspace``.

    ``application`` is the id of a service principal, "" of a person.
    """

    workspace: str
    id: str
    groups: frozenset[str] = frozenset()
    application: str = ""


async def ask_who(workspace: Workspace) -> Person:
    """Return whose token the workspace was opened with.

    Raises:
        Unidentified: the workspace does not take the token. Unavailable: it does not answer.
    """

    def me(client: WorkspaceClient) -> object:
        path = "/api/2.0/preview/scim/v2/Me"
        head = {"Accept": "application/json"}
        return client.api_client.do("GET", path, headers=head, response_headers=[ORG_HEADER])

    try:
        return person_of(await workspace.call("ask who is calling", me))
    except (NotSignedIn, NotPermitted) as error:
        raise Unidentified(*_NOT_KNOWN) from error


def person_of(said: object) -> Person:
    """Return the person whom an answer of SCIM's ``Me`` describes.

    Raises:
        Unavailable: it does not say who, or of which workspace.
    """
    fields = said if isinstance(said, dict) else {}
    known, place = fields.get("id"), fields.get(ORG_HEADER)
    if not (known and place):
        raise Unavailable("Databricks did not say who is calling.", "Try again in a minute.")
    name = str(fields.get("userName") or "")
    groups = (group.get("display") for group in fields.get("groups") or ())
    return Person(
        workspace=str(place),
        id=str(known),
        groups=frozenset(group for group in groups if group),
        application=name if _APPLICATION.fullmatch(name) else "",
    )


class SourceDoor:
    """``Opening`` of Genie spaces and volumes with the caller's token; others have no such door."""

    def __init__(self, workspace: Workspace, digest: str, remembered: TtlCache[bool]) -> None:
        self._workspace = workspace
        self._digest = digest
        self._remembered = remembered

    async def refusal(self, source: SourceRef) -> JobsError | None:
        doors = _doors(source.uri)
        if not doors:
            return None
        key = f"{self._digest} {source.uri}"
        try:
            opened = await self._remembered.get(key, lambda: self._open(doors))
        except Unavailable as error:
            return error
        return None if opened else _closed(source)

    async def _open(self, doors: Sequence[Door]) -> bool:
        for method, path in doors:
            try:
                await self._workspace.do("open a source", method, path)
            except (NotFound, NotPermitted, Refused):
                continue
            except NotSignedIn as error:
                raise Unidentified(*_NOT_KNOWN) from error
            return True
        return False


def _closed(source: SourceRef) -> NotGranted:
    return NotGranted(
        f"You may not open what lies behind the source '{source.name}' yourself.",
        "Ask its owner for access in Databricks, or name other sources.",
    )


def _doors(uri: str) -> Sequence[Door]:
    """Return what opens a source without reading it; a volume's may be a folder or a file."""
    if uri.startswith("genie:"):
        space = quote(uri.removeprefix("genie:").strip("/"), safe="")
        return (("GET", f"/api/2.0/genie/spaces/{space}"),)
    if volume := volume_path(uri):
        path = quote(volume)
        folder = f"/api/2.0/fs/directories{path}?page_size=1"
        return (("GET", folder), ("HEAD", f"/api/2.0/fs/files{path}"))
    return ()
