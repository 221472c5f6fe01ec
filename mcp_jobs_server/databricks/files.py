"""The Files API, one request per call: whole files, byte ranges and folders."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from mcp_jobs_server.core.errors import Unavailable
from mcp_jobs_server.core.models import Slice
from mcp_jobs_server.databricks.failures import ResourceNotFound
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


@dataclass(eq=False)
class FilesApi:
    """Files of a workspace by absolute path, which the caller has validated.

    ``ResourceNotFound`` is raised if the file or folder, or a folder above it, does not exist.
    """

    workspace: Workspace

    async def read(self, path: str, *, start: int = 0, limit: int = -1) -> Slice:
        """Return part of a file as ``Folders.read`` defines it, by one request."""
        if limit == 0:
            return Slice(data=b"", start=max(0, start), size=await self._size(path))
        # The range begins one byte early: at the very end of a file such a range is still
        # satisfiable, and most reads of a growing file start exactly there.
        first = max(0, start - 1) if start >= 0 else start
        length = limit if limit < 0 or start < 0 else limit + (start - first)
        part = await self._range(path, first, length)
        begin = start if start >= 0 else max(0, part.size + start)
        data = part.data[max(0, begin - part.start) :]
        return Slice(data=data if limit < 0 else data[:limit], start=begin, size=part.size)

    async def write(self, path: str, data: bytes, *, overwrite: bool) -> None:
        """Write the whole file.

        Raises:
            ResourceExists: the file exists and ``overwrite`` is false.
            ResourceNotFound: the volume or folder does not exist.
        """
        await self.workspace.call(
            "write a file of the volume",
            lambda client: client.files.upload(path, io.BytesIO(data), overwrite=overwrite),
            needs=_WRITE,
        )

    async def make_folder(self, path: str) -> None:
        """Create the folder and its parents within the volume."""
        action = "create a folder of the volume"
        await self.workspace.do(action, "PUT", f"{_FOLDERS}{quote(path)}", needs=_WRITE)

    async def list(self, path: str) -> list[DirectoryEntry]:
        """Return the entries of a folder, with one request per thousand entries."""
        entries: list[DirectoryEntry] = []
        query: dict[str, Any] = {}
        while True:
            page = await self.workspace.do(
                "list a folder of the volume",
                "GET",
                f"{_FOLDERS}{quote(path)}",
                query=query,
                needs=_READ,
            )
            for entry in page.get("contents") or ():
                last_part = str(entry.get("path", "")).rstrip("/").rpartition("/")[2]
                name = str(entry.get("name") or last_part)
                entries.append(DirectoryEntry(name, is_folder=bool(entry.get("is_directory"))))
            if not page.get("next_page_token"):
                return entries
            query = {"page_token": page["next_page_token"]}

    async def remove(self, path: str, *, folder: bool = False) -> None:
        """Remove a file or an empty folder; a missing one counts as removed."""
        kind = _FOLDERS if folder else _FILES
        try:
            action = "remove a file of the volume"
            await self.workspace.do(action, "DELETE", f"{kind}{quote(path)}", needs=_WRITE)
        except ResourceNotFound:
            return

    async def _size(self, path: str) -> int:
        return await self.workspace.call(
            "look up a file of the volume",
            lambda client: client.files.get_metadata(path).content_length or 0,
            needs=_READ,
        )

    async def _range(self, path: str, start: int, limit: int) -> Slice:
        """Return a range of a file; no bytes if ``start`` is at or behind the end of the file."""
        headers = {"Accept": "application/octet-stream"}
        if start < 0:
            headers["Range"] = f"bytes={start}"
        elif start > 0 or limit >= 0:
            headers["Range"] = f"bytes={start}-" + (str(start + limit - 1) if limit > 0 else "")

        def get(client: WorkspaceClient) -> Slice:
            response = client.api_client.do(
                "GET",
                f"{_FILES}{quote(path)}",
                headers=headers,
                response_headers=["content-range"],
                raw=True,
            )
            if not isinstance(response, Mapping):
                raise TypeError("no file")
            with closing(response["contents"]) as contents:
                data = contents.read()
            content_range = _RANGE.fullmatch(str(response.get("content-range") or ""))
            if content_range:
                return Slice(data=data, start=int(content_range[1]), size=int(content_range[2]))
            return Slice(data=data, start=0, size=len(data))

        try:
            return await self.workspace.call("read a file of the volume", get, needs=_READ)
        except Unavailable:
            if start < 0 or (start == 0 and limit < 0):  # no range, or one of any file
                raise
            # The SDK has no specific error for "range not satisfiable", so compare with the size.
            size = await self._size(path)
            if size > start:
                raise
            return Slice(data=b"", start=start, size=size)
