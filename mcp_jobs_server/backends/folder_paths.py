"""Paths of job folders: checked before they are used, private when they are made."""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath

from mcp_jobs_server.core.errors import NotFound

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def checked(folder: str, name: str = "") -> PurePosixPath:
    """Return ``folder/name`` where every part is a plain name; both are below some root.

    Raises:
        NotFound: a part is empty, ``.`` or ``..``, or holds NUL, a backslash or what cannot be
            written in UTF-8 (on Windows also a colon, which would name a drive or a stream).
    """
    parts = folder.split("/") + (name.split("/") if name else [])
    if not all(_plain(part) for part in parts):
        raise no_such_file()
    return PurePosixPath(*parts)


def no_such_file() -> NotFound:
    """Return the error for a path that is no path of a job folder."""
    return NotFound("There is no such file in the job folder.", "Ask for a file that it lists.")


def _plain(part: str) -> bool:
    forbidden = "\0\\:" if sys.platform == "win32" else "\0\\"
    if part in ("", ".", "..") or any(sign in part for sign in forbidden):
        return False
    return part.isascii() or not _LONE_SURROGATE.search(part)


def make_private(path: Path) -> None:
    """Make the directory at ``path`` and those above it; new ones are the owner's alone (0700)."""
    if path.is_dir():
        return
    make_private(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
