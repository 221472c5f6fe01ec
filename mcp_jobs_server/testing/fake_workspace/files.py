"""The Files API. Volumes are directories on this machine."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import (
    ApiError,
    endpoint_not_found,
    files_error,
    invalid_parameter,
)
from mcp_jobs_server.testing.fake_workspace.identity.identities import Identity
from mcp_jobs_server.testing.fake_workspace.mount import DelayedChanges
from mcp_jobs_server.testing.fake_workspace.mount.delayed_changes import API, MOUNT
from mcp_jobs_server.testing.fake_workspace.mount.volumes import STAGING
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.unity_catalog.api import UnityCatalog

MAX_PAGE = 1000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(eq=False)
class Files:
    """Files and directories of volumes below ``root``. A file becomes visible when it is complete.

    ``late_seconds``: files are visible to this API only that long after their last change.
    ``crossing_seconds``: a change made through the mount of a job becomes visible to this API
    after that time, and the other way round; until then the previous file is visible.
    """

    root: Path
    catalog: UnityCatalog
    rights: Rights
    late_seconds: float = field(default=0.0, init=False)
    crossing_seconds: float = field(default=0.0, init=False)

    async def file(self, request: Request, caller: Identity, path: str) -> Response:
        """Respond to ``/api/2.0/fs/files{path}``."""
        place = self._locate(path, caller, writes=request.method in ("PUT", "DELETE"))
        match request.method:
            case "PUT":
                return self._put(place, await request.body(), request.query_params)
            case "DELETE":
                self._visible(place)
                self._delayed.keep_previous(str(place), MOUNT)
                place.unlink(missing_ok=True)
                return Response(status_code=204)
            case "HEAD":
                try:
                    _, status = self._visible(place)
                except ApiError:
                    return Response(status_code=404)
                return Response(headers=_headers(status) | {"Content-Length": str(status.st_size)})
            case "GET":
                return self._get(place, request.headers.get("range", ""))
        raise endpoint_not_found(request.method, request.url.path)

    async def directory(self, request: Request, caller: Identity, path: str) -> Response:
        """Respond to ``/api/2.0/fs/directories{path}``."""
        place = self._locate(path, caller, writes=request.method in ("PUT", "DELETE"))
        match request.method:
            case "PUT":
                try:
                    place.mkdir(parents=True, exist_ok=True)
                except OSError as error:
                    message = "A file is at the path of the directory."
                    raise _conflict(message, "DIRECTORY_ALREADY_EXISTS") from error
                return Response(status_code=204)
            case "DELETE":
                if not place.is_dir():
                    raise _not_found("directory")
                try:
                    place.rmdir()
                except OSError as error:
                    message = "The directory being deleted is not empty."
                    reason = "DIRECTORY_IS_NOT_EMPTY"
                    raise files_error(400, "BAD_REQUEST", message, reason) from error
                return Response(status_code=204)
            case "HEAD":
                return Response(status_code=200 if place.is_dir() else 404)
            case "GET":
                return self._list(place, path.rstrip("/"), request.query_params)
        raise endpoint_not_found(request.method, request.url.path)

    def _locate(self, path: str, caller: Identity, *, writes: bool) -> Path:
        """Return the real path of a path below ``/Volumes`` that the caller may use.

        Raises:
            ApiError: 400 for a path outside volumes, 403 without the privileges, 404 for an
                unknown volume.
        """
        _, *parts = path.removesuffix("/").split("/")
        if parts[:1] != ["Volumes"]:
            first = parts[0] if parts else ""
            raise _invalid_path(f"unsupported first path component: {first}")
        if len(parts) < 4 or "\0" in path or {"", ".", ".."} & set(parts):
            raise _invalid_path("no file or directory of a volume")
        catalog, schema, volume = (part.lower() for part in parts[1:4])
        full_name = f"{catalog}.{schema}.{volume}"
        self.catalog.find("volumes", full_name)
        self.rights.require(caller, "USE_CATALOG", f"catalog {catalog}")
        self.rights.require(caller, "USE_SCHEMA", f"schema {catalog}.{schema}")
        privilege = "WRITE_VOLUME" if writes else "READ_VOLUME"
        self.rights.require(caller, privilege, f"volume {full_name}")
        top = self.root / catalog / schema / volume
        place = top.joinpath(*parts[4:])
        if not place.resolve().is_relative_to(top.resolve()):
            raise _invalid_path("it leads out of the volume")
        return place

    def _put(self, place: Path, data: bytes, query: Mapping[str, str]) -> Response:
        if place.is_dir():
            raise _conflict("A directory is at the path of the file.", "FILE_ALREADY_EXISTS")
        staged = self.root / STAGING / token_hex(8)
        staged.parent.mkdir(exist_ok=True)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            staged.write_bytes(data)
            self._delayed.keep_previous(str(place), MOUNT)
            if query.get("overwrite", "true").lower() == "false":
                os.link(staged, place)  # fails if the file exists, also with concurrent writers
            else:
                staged.replace(place)
        except FileExistsError as error:
            message = "The file being created already exists."
            raise _conflict(message, "FILE_ALREADY_EXISTS") from error
        except NotADirectoryError as error:
            message = "A file is at the path of a directory above."
            raise _conflict(message, "FILE_ALREADY_EXISTS") from error
        except OSError as error:
            raise _invalid_path("it cannot be written") from error
        finally:
            staged.unlink(missing_ok=True)
        return Response(status_code=204)

    def _get(self, place: Path, byte_range: str) -> Response:
        """Return a file, or a part of it for a valid ``Range`` header."""
        visible, status = self._visible(place)
        try:
            with visible.open("rb") as file:
                return _part(file, status, byte_range)
        except OSError as error:
            raise _not_found("file") from error

    @property
    def _delayed(self) -> DelayedChanges:
        return DelayedChanges(str(self.root.resolve()), self.crossing_seconds)

    def _visible(self, place: Path) -> tuple[Path, os.stat_result]:
        """Return the file to read in place of ``place``, and its status.

        Raises:
            ApiError: 404 if no file is visible yet.
        """
        visible = self._delayed.visible(str(place), API)
        with contextlib.suppress(OSError):
            if visible is not None:
                status = Path(visible).stat()
                is_late = time.time() - status.st_mtime < self.late_seconds
                if stat.S_ISREG(status.st_mode) and not is_late:
                    return Path(visible), status
        raise _not_found("file")

    def _list(self, place: Path, path: str, query: Mapping[str, str]) -> Response:
        """Return one page of a directory. The page token is the last name of the previous page."""
        try:
            names = sorted(child.name for child in place.iterdir())
        except OSError as error:
            raise _not_found("directory") from error
        try:
            token = base64.b64decode(query.get("page_token", ""), validate=True)
            after = token.decode("utf-8", "surrogateescape")
        except ValueError as error:
            raise invalid_parameter("The page token is not valid.") from error
        size = min(int(query.get("page_size") or MAX_PAGE) or MAX_PAGE, MAX_PAGE)
        entries = (self._entry(place / name, f"{path}/{name}") for name in names if name > after)
        page = list(itertools.islice(filter(None, entries), size + 1))
        body: dict[str, object] = {"contents": page[:size]} if page else {}
        if len(page) > size:
            last = str(page[size - 1]["name"]).encode("utf-8", "surrogateescape")
            body["next_page_token"] = base64.b64encode(last).decode()
        return JSONResponse(body)

    def _entry(self, place: Path, path: str) -> dict[str, object] | None:
        """Return one entry of a directory; ``None`` if it is not visible yet or was removed."""
        try:
            is_directory = place.is_dir()
            status = place.stat() if is_directory else self._visible(place)[1]
        except (OSError, ApiError):
            return None
        entry: dict[str, object] = {
            "path": path,
            "is_directory": is_directory,
            "last_modified": int(status.st_mtime * 1000),
            "name": place.name,
        }
        return entry if is_directory else entry | {"file_size": status.st_size}


def _part(file: BinaryIO, status: os.stat_result, byte_range: str) -> Response:
    """Return the file, or the part of it that a valid ``Range`` header names; only that is read."""
    parsed = _RANGE.fullmatch(byte_range.strip())
    if parsed is None or parsed.groups() == ("", ""):
        return Response(file.read(), headers=_headers(status))
    first, last = parsed.groups()
    size = os.fstat(file.fileno()).st_size
    if not first:
        start, stop = max(0, size - int(last)), size
    elif int(first) < size:
        start, stop = int(first), min(int(last) + 1, size) if last else size
    else:
        message = f"The range begins behind the end of the file ({size} bytes)."
        reason = "RANGE_NOT_SATISFIABLE"
        raise files_error(416, "RANGE_NOT_SATISFIABLE", message, reason)
    file.seek(start)
    content_range = {"Content-Range": f"bytes {start}-{stop - 1}/{size}"}
    return Response(file.read(stop - start), 206, headers=_headers(status) | content_range)


def _headers(status: os.stat_result) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
    }


def _not_found(kind: str) -> ApiError:
    reason = "FILE_NOT_FOUND" if kind == "file" else "DIRECTORY_IS_NOT_FOUND"
    return files_error(404, "NOT_FOUND", f"The {kind} being accessed is not found.", reason)


_conflict = partial(files_error, 409, "ALREADY_EXISTS")


def _invalid_path(why: str) -> ApiError:
    return files_error(400, "BAD_REQUEST", f"Invalid path: {why}", "INVALID_PATH")
