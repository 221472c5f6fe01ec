"""Paths of job folders: validated before they are used, private when they are created."""

from __future__ import annotations

import errno
import os
import re
import sys
from pathlib import Path, PurePosixPath

from mcp_jobs_server.core.errors import NotFound

_FORBIDDEN = re.compile(r"[\0\\:]" if sys.platform == "win32" else r"[\0\\]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def checked_path(folder: str, name: str = "") -> PurePosixPath:
    """Return ``folder/name`` if every part is a plain name, so that the path is below its root.

    Raises:
        NotFound: a part is empty, ``.`` or ``..``, or contains NUL, a backslash or text that UTF-8
            cannot encode (on Windows also a colon, which would name a drive or a stream).
    """
    parts = folder.split("/") + (name.split("/") if name else [])
    for part in parts:
        unencodable = not part.isascii() and _LONE_SURROGATE.search(part)
        if part in ("", ".", "..") or _FORBIDDEN.search(part) or unencodable:
            raise no_such_file()
    return PurePosixPath(*parts)


def no_such_file() -> NotFound:
    """Return the error for a path that does not name a file of a job folder."""
    return NotFound("There is no such file in the job folder.", "Ask for a file that it lists.")


def make_private_directory(path: Path, *, within: Path | None = None) -> None:
    """Create the directory and its parents if missing; new ones are for their owner only (0700).

    Raises:
        FileNotFoundError: ``within``, a parent, does not exist. It is not created.
    """
    if path.is_dir():
        return
    if path == within:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    make_private_directory(path.parent, within=within)
    path.mkdir(mode=0o700, exist_ok=True)
