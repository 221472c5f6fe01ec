"""The Files API over the directory that stands for ``/Volumes``."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from secrets import token_hex
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.fake_workspace.errors import ApiError, of_files
from mcp_jobs_server.fake_workspace.identities import Identity
from mcp_jobs_server.fake_workspace.rights import Rights
from mcp_jobs_server.fake_workspace.unity_catalog import UnityCatalog

PAGE = 1000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)|bytes=-(\d+)")


class Files:
    """Files and directories of volumes.

    ``late_seconds``: what was written lately is not there yet for readers. Anything written by a
    run is whole before it is seen, as in an object store.
    """

    def __init__(self, root: Path, catalog: UnityCatalog, rights: Rights) -> None:
        self.late_seconds = 0.0
        self._root = root
        self._catalog = catalog
        self._rights = rights

    async def file(self, request: Request, who: Identity, path: str) -> Response:
        """Answer ``/api/2.0/fs/files{path}``."""
        place = self._place(path, who, writes=request.method in ("PUT", "DELETE"))
        match request.method:
            case "PUT":
                return self._put(place, await request.body(), request.query_params)
            case "DELETE":
                return self._delete(place)
            case "HEAD":
                return self._head(place)
            case _:
                return self._get(place, request.headers.get("range", ""))

    async def directory(self, request: Request, who: Identity, path: str) -> Response:
        """Answer ``/api/2.0/fs/directories{path}``."""
        place = self._place(path, who, writes=request.method in ("PUT", "DELETE"))
        match request.method:
            case "PUT":
                return _make(place)
            case "DELETE":
                return _remove(place)
            case "HEAD":
                return Response(status_code=200 if place.is_dir() else 404)
            case _:
                return self._list(place, path, request.query_params)

    def _place(self, path: str, who: Identity, *, writes: bool) -> Path:
        parts = [part for part in path.split("/") if part]
        if not parts or parts[0] != "Volumes":
            raise of_files(
                400,
                "BAD_REQUEST",
                f"Invalid path: unsupported first path component: {parts[0] if parts else ''}",
                "INVALID_PATH",
            )
        if len(parts) < 4 or ".." in parts or "\0" in path:
            raise of_files(400, "BAD_REQUEST", "Invalid path.", "INVALID_PATH")
        names = [part.lower() for part in parts[1:4]]
        self._catalog.volume(".".join(names))
        self._rights.need(
            who, "WRITE_VOLUME" if writes else "READ_VOLUME", f"volume {'.'.join(names)}"
        )
        return self._root.joinpath(*names, *parts[4:])

    def _put(self, place: Path, data: bytes, query: Mapping[str, str]) -> Response:
        if place.is_dir():
            raise of_files(409, "ALREADY_EXISTS", "A directory is there.", "DIRECTORY_EXISTS")
        if query.get("overwrite") == "false" and place.exists():
            raise of_files(
                409,
                "ALREADY_EXISTS",
                "The file being created already exists.",
                "FILE_ALREADY_EXISTS",
            )
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if query.get("overwrite") == "false":
                return _created(place, data)
            _whole(place, data)
        except (FileExistsError, NotADirectoryError) as error:
            raise of_files(409, "ALREADY_EXISTS", "A file is there.", "FILE_EXISTS") from error
        except OSError as error:
            raise of_files(400, "BAD_REQUEST", "Invalid path.", "INVALID_PATH") from error
        return Response(status_code=204)

    def _get(self, place: Path, wanted: str) -> Response:
        data = self._data(place)
        headers = {"Last-Modified": formatdate(place.stat().st_mtime, usegmt=True)}
        found = _RANGE.fullmatch(wanted)
        if not found:
            return Response(data, headers=headers, media_type="application/octet-stream")
        size = len(data)
        start = max(0, size - int(found[3])) if found[3] else int(found[1])
        stop = min(size, int(found[2]) + 1) if found[2] else size
        if start >= size:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return Response(
            data[start:stop], 206, headers=headers, media_type="application/octet-stream"
        )

    def _head(self, place: Path) -> Response:
        try:
            data = self._data(place)
        except ApiError:
            return Response(status_code=404)
        return Response(
            headers={
                "Content-Length": str(len(data)),
                "Content-Type": "application/octet-stream",
                "Last-Modified": formatdate(place.stat().st_mtime, usegmt=True),
            }
        )

    def _delete(self, place: Path) -> Response:
        self._data(place)
        place.unlink()
        return Response(status_code=204)

    def _data(self, place: Path) -> bytes:
        try:
            if self._is_seen(place):
                return place.read_bytes()
        except OSError:
            pass
        raise of_files(404, "NOT_FOUND", "The file being accessed is not found.", "FILE_NOT_FOUND")

    def _is_seen(self, place: Path) -> bool:
        if not place.is_file():
            return False
        return time.time() - place.stat().st_mtime >= self.late_seconds

    def _list(self, place: Path, path: str, query: Mapping[str, str]) -> Response:
        if not place.is_dir():
            raise of_files(
                404,
                "NOT_FOUND",
                "The directory being accessed is not found.",
                "DIRECTORY_IS_NOT_FOUND",
            )
        names = sorted(one.name for one in place.iterdir() if one.is_dir() or self._is_seen(one))
        begin = int(query.get("page_token") or 0)
        size = min(int(query.get("page_size") or PAGE), PAGE)
        page = names[begin : begin + size]
        body: dict[str, Any] = {}
        if page:
            body["contents"] = [_entry(place / name, f"{path.rstrip('/')}/{name}") for name in page]
        if begin + size < len(names):
            body["next_page_token"] = str(begin + size)
        return JSONResponse(body)


def _entry(place: Path, path: str) -> dict[str, Any]:
    about = place.stat()
    entry = {
        "path": path,
        "is_directory": place.is_dir(),
        "last_modified": int(about.st_mtime * 1000),
        "name": place.name,
    }
    return entry if place.is_dir() else entry | {"file_size": about.st_size}


def _make(place: Path) -> Response:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise of_files(409, "ALREADY_EXISTS", "A file is there.", "FILE_EXISTS") from error
    return Response(status_code=204)


def _remove(place: Path) -> Response:
    if not place.is_dir():
        raise of_files(
            404, "NOT_FOUND", "The directory being accessed is not found.", "DIRECTORY_IS_NOT_FOUND"
        )
    try:
        place.rmdir()
    except OSError as error:
        raise of_files(
            400, "BAD_REQUEST", "The directory is not empty.", "DIRECTORY_IS_NOT_EMPTY"
        ) from error
    return Response(status_code=204)


def _whole(place: Path, data: bytes) -> None:
    fresh = place.with_name(f".{place.name[:60]}.{token_hex(4)}.put")
    fresh.write_bytes(data)
    fresh.replace(place)


def _created(place: Path, data: bytes) -> Response:
    """Write the file unless it is there, whole, whoever else tries at the same moment."""
    fresh = place.with_name(f".{place.name[:60]}.{token_hex(4)}.put")
    fresh.write_bytes(data)
    try:
        os.link(fresh, place)
    except FileExistsError as error:
        raise of_files(
            409, "ALREADY_EXISTS", "The file being created already exists.", "FILE_ALREADY_EXISTS"
        ) from error
    finally:
        fresh.unlink()
    return Response(status_code=204)
