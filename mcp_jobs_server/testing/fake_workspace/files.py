"""The Files API over the directory that stands for ``/Volumes``."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from pathlib import Path
from secrets import token_hex
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mcp_jobs_server.testing.fake_workspace.errors import ApiError, no_route, of_files, wrong
from mcp_jobs_server.testing.fake_workspace.mount import Lateness
from mcp_jobs_server.testing.fake_workspace.mount.lateness import API, MOUNT
from mcp_jobs_server.testing.fake_workspace.mount.places import STAGING
from mcp_jobs_server.testing.fake_workspace.principals import Identity
from mcp_jobs_server.testing.fake_workspace.rights import Rights
from mcp_jobs_server.testing.fake_workspace.unity_catalog import UnityCatalog

PAGE = 1000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class Files:
    """Files and directories of volumes, whole before they are seen, as in an object store.

    ``late_seconds``: what was written lately, by whomever, is not there yet for readers here.
    ``crossing_seconds``: what a job changes through its mount is seen here that much later, and
    the other way round; until then what was there before is.
    """

    def __init__(self, root: Path, catalog: UnityCatalog, rights: Rights) -> None:
        self.late_seconds = 0.0
        self.crossing_seconds = 0.0
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
            case "GET":
                return self._get(place, request.headers.get("range", ""))
        raise no_route(request.method, request.url.path)

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
            case "GET":
                return self._list(place, path.rstrip("/"), request.query_params)
        raise no_route(request.method, request.url.path)

    def _place(self, path: str, who: Identity, *, writes: bool) -> Path:
        _, *parts = path.removesuffix("/").split("/")
        if parts[:1] != ["Volumes"]:
            first = parts[0] if parts else ""
            raise _invalid(f"unsupported first path component: {first}")
        if len(parts) < 4 or "\0" in path or {"", ".", ".."} & set(parts):
            raise _invalid("no file or directory of a volume")
        names = [part.lower() for part in parts[1:4]]
        self._catalog.volume(".".join(names))
        self._need(who, "WRITE_VOLUME" if writes else "READ_VOLUME", names)
        top = self._root.joinpath(*names)
        place = top.joinpath(*parts[4:])
        if not place.resolve().is_relative_to(top.resolve()):
            raise _invalid("it leads out of the volume")
        return place

    def _need(self, who: Identity, privilege: str, names: Sequence[str]) -> None:
        catalog, schema, _ = names
        self._rights.need(who, "USE_CATALOG", f"catalog {catalog}")
        self._rights.need(who, "USE_SCHEMA", f"schema {catalog}.{schema}")
        self._rights.need(who, privilege, f"volume {'.'.join(names)}")

    def _put(self, place: Path, data: bytes, query: Mapping[str, str]) -> Response:
        if place.is_dir():
            raise _there("A directory is at the path of the file.", "FILE_ALREADY_EXISTS")
        once = query.get("overwrite", "true").lower() == "false"
        fresh = self._root / STAGING / token_hex(8)
        fresh.parent.mkdir(exist_ok=True)
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            fresh.write_bytes(data)
            self._lateness.keep(str(place), MOUNT)
            if once:
                os.link(fresh, place)  # not where there is one, whoever writes at this moment
            else:
                fresh.replace(place)
        except FileExistsError as error:
            said = "The file being created already exists."
            raise _there(said, "FILE_ALREADY_EXISTS") from error
        except NotADirectoryError as error:
            said = "A file is at the path of a directory above."
            raise _there(said, "FILE_ALREADY_EXISTS") from error
        except OSError as error:
            raise _invalid("it cannot be written") from error
        finally:
            fresh.unlink(missing_ok=True)
        return Response(status_code=204)

    def _get(self, place: Path, wanted: str) -> Response:
        seen, about = self._seen(place)
        try:
            data = seen.read_bytes()
        except OSError as error:
            raise _missing("file") from error
        found = _RANGE.fullmatch(wanted.strip())
        if found is None or found.groups() == ("", ""):
            return Response(data, headers=_described(about))
        start, stop = _span(*found.groups(), size=len(data))
        headers = _described(about)
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
        return Response(data[start:stop], 206, headers=headers)

    def _head(self, place: Path) -> Response:
        try:
            _, about = self._seen(place)
        except ApiError:
            return Response(status_code=404)
        return Response(headers={**_described(about), "Content-Length": str(about.st_size)})

    def _delete(self, place: Path) -> Response:
        self._seen(place)
        self._lateness.keep(str(place), MOUNT)
        place.unlink(missing_ok=True)
        return Response(status_code=204)

    @property
    def _lateness(self) -> Lateness:
        return Lateness(str(self._root.resolve()), self.crossing_seconds)

    def _seen(self, place: Path) -> tuple[Path, os.stat_result]:
        """Return where to read what is seen of a file, and what is known of it.

        Raises:
            ApiError: there is none, or it is not seen yet.
        """
        seen = self._lateness.seen(str(place), API)
        with contextlib.suppress(OSError):
            if seen is not None:
                about = Path(seen).stat()
                if stat.S_ISREG(about.st_mode) and self._has_arrived(about):
                    return Path(seen), about
        raise _missing("file")

    def _has_arrived(self, about: os.stat_result) -> bool:
        return time.time() - about.st_mtime >= self.late_seconds

    def _list(self, place: Path, path: str, query: Mapping[str, str]) -> Response:
        try:
            names = sorted(one.name for one in place.iterdir())
        except OSError as error:
            raise _missing("directory") from error
        after = _after(query.get("page_token", ""))
        size = min(int(query.get("page_size") or PAGE) or PAGE, PAGE)
        entries = (self._entry(place / name, f"{path}/{name}") for name in names if name > after)
        page = list(itertools.islice(filter(None, entries), size + 1))
        body: dict[str, Any] = {"contents": page[:size]} if page else {}
        if len(page) > size:
            last = page[size - 1]["name"].encode("utf-8", "surrogateescape")
            body["next_page_token"] = base64.b64encode(last).decode()
        return JSONResponse(body)

    def _entry(self, place: Path, path: str) -> dict[str, Any] | None:
        """Return one entry of a listing; ``None`` if it is not seen yet, or has gone."""
        try:
            directory = place.is_dir()
            about = place.stat() if directory else self._seen(place)[1]
        except (OSError, ApiError):
            return None
        entry = {
            "path": path,
            "is_directory": directory,
            "last_modified": int(about.st_mtime * 1000),
            "name": place.name,
        }
        return entry if directory else entry | {"file_size": about.st_size}


def _described(about: os.stat_result) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Last-Modified": formatdate(about.st_mtime, usegmt=True),
    }


def _span(first: str, last: str, *, size: int) -> tuple[int, int]:
    """Return the bytes that a range means.

    Raises:
        ApiError: 416, it begins behind the end.
    """
    if not first:
        return max(0, size - int(last)), size
    if int(first) >= size:
        said = f"The range begins behind the end of the file ({size} bytes)."
        raise of_files(416, "RANGE_NOT_SATISFIABLE", said, "RANGE_NOT_SATISFIABLE")
    return int(first), min(int(last) + 1, size) if last else size


def _after(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode("utf-8", "surrogateescape")
    except ValueError as error:
        raise wrong("The page token is not valid.") from error


def _make(place: Path) -> Response:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        said = "A file is at the path of the directory."
        raise _there(said, "DIRECTORY_ALREADY_EXISTS") from error
    return Response(status_code=204)


def _remove(place: Path) -> Response:
    if not place.is_dir():
        raise _missing("directory")
    try:
        place.rmdir()
    except OSError as error:
        said = "The directory being deleted is not empty."
        raise of_files(400, "BAD_REQUEST", said, "DIRECTORY_IS_NOT_EMPTY") from error
    return Response(status_code=204)


def _missing(kind: str) -> ApiError:
    reason = "FILE_NOT_FOUND" if kind == "file" else "DIRECTORY_IS_NOT_FOUND"
    return of_files(404, "NOT_FOUND", f"The {kind} being accessed is not found.", reason)


def _there(said: str, reason: str) -> ApiError:
    return of_files(409, "ALREADY_EXISTS", said, reason)


def _invalid(why: str) -> ApiError:
    return of_files(400, "BAD_REQUEST", f"Invalid path: {why}", "INVALID_PATH")
