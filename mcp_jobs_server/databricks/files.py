"""The Files API, one request a call: whole files, ranges of them, folders."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Slice
from mcp_jobs_server.databricks.failures import ResourceExists, ResourceNotFound
from mcp_jobs_server.databricks.workspace import Workspace

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_FILES = "/api/2.0/fs/files"
_FOLDERS = "/api/2.0/fs/directories"
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")
_READ = "READ VOLUME on the volume, and USE SCHEMA and USE CATALOG above it"
_WRITE = "WRITE VOLUME on the volume, and USE SCHEMA and USE CATALOG above it"


@dataclass(frozen=True)
class DirectoryEntry:
    """One entry of a folder."""

    name: str
    is_folder: bool


class FilesApi:
    """Files of a workspace by absolute path, which the caller has checked.

    ``ResourceNotFound`` is raised where there is no such file or folder, or nothing above it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def read(self, path: str, *, start: int = 0, limit: int = -1) -> Slice:
        """Return part of a file as ``Folders.read`` defines it, by one request."""
        if limit == 0:
            return Slice(data=b"", start=max(0, start), size=await self._size(path))
        # One byte before the start is read as well: at the very end of a file that is a range
        # that can be answered, and most reads of a growing file ask for just that.
        first = max(0, start - 1) if start >= 0 else start
        asked = limit if limit < 0 or start < 0 else limit + (start - first)
        found = await self._range(path, first, asked)
        if found is None:
            return Slice(data=b"", start=start, size=await self._size(path))
        begin = start if start >= 0 else max(0, found.size + start)
        data = found.data[max(0, begin - found.start) :]
        return Slice(data=data if limit < 0 else data[:limit], start=begin, size=found.size)

    async def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """Write the whole file.

        Raises:
            ResourceExists: it is there, and is not to be overwritten.
            ResourceNotFound: there is no such volume or folder.
        """

        def put(client: WorkspaceClient) -> None:
            client.files.upload(path, io.BytesIO(data), overwrite=overwrite)

        await self._workspace.call("write a file of the volume", put, needs=_WRITE)

    async def make_folder(self, path: str) -> None:
        """Make the folder and those above it, below the volume."""
        doing = "make a folder of the volume"
        await self._workspace.do(doing, "PUT", f"{_FOLDERS}{quote(path)}", needs=_WRITE)

    async def list(self, path: str) -> list[DirectoryEntry]:
        """Return what is in a folder, in one request for each thousand."""
        found: list[DirectoryEntry] = []
        query: dict[str, Any] = {}
        while True:
            page = await self._workspace.do(
                "list a folder of the volume",
                "GET",
                f"{_FOLDERS}{quote(path)}",
                query=query,
                needs=_READ,
            )
            found += [_listed(entry) for entry in page.get("contents") or ()]
            if not page.get("next_page_token"):
                return found
            query = {"page_token": page["next_page_token"]}

    async def remove(self, path: str, *, folder: bool = False) -> None:
        """Remove a file or an empty folder; one that is not there is removed already."""
        kind = _FOLDERS if folder else _FILES
        try:
            doing = "remove a file of the volume"
            await self._workspace.do(doing, "DELETE", f"{kind}{quote(path)}", needs=_WRITE)
        except ResourceNotFound:
            return

    async def _size(self, path: str) -> int:
        def head(client: WorkspaceClient) -> int:
            return client.files.get_metadata(path).content_length or 0

        return await self._workspace.call("look for a file of the volume", head, needs=_READ)

    async def _range(self, path: str, start: int, limit: int) -> Slice | None:
        """Return what the workspace sends of the range; ``None``: nothing is there any more."""
        whole = start == 0 and limit < 0
        headers = {} if whole else {"Range": _asked_range(start, limit)}

        def get(client: WorkspaceClient) -> Slice:
            answer = client.api_client.do(
                "GET",
                f"{_FILES}{quote(path)}",
                headers={"Accept": "application/octet-stream", **headers},
                response_headers=["content-range"],
                raw=True,
            )
            return _slice(answer)

        try:
            return await self._workspace.call("read a file of the volume", get, needs=_READ)
        except Unavailable:
            if start <= 0:
                raise
            # "Range not satisfiable" has no error of its own in the SDK: the size tells.
            if await self._size(path) > start:
                raise
            return None


def _asked_range(start: int, limit: int) -> str:
    if start < 0:
        return f"bytes={start}"
    return f"bytes={start}-" + (str(start + limit - 1) if limit > 0 else "")


def _slice(answer: object) -> Slice:
    if not isinstance(answer, Mapping):
        raise TypeError("no file")
    contents = answer["contents"]
    try:
        data = contents.read()
    finally:
        contents.close()
    said = _RANGE.fullmatch(str(answer.get("content-range") or ""))
    if said:
        return Slice(data=data, start=int(said[1]), size=int(said[2]))
    return Slice(data=data, start=0, size=len(data))


def _listed(entry: Mapping[str, Any]) -> DirectoryEntry:
    name = str(entry.get("name") or str(entry.get("path", "")).rstrip("/").rpartition("/")[2])
    return DirectoryEntry(name=name, is_folder=bool(entry.get("is_directory")))


__all__ = ["DirectoryEntry", "FilesApi", "ResourceExists", "ResourceNotFound"]
