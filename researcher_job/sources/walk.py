"""What lies in a folder: which files may be read, and which may not and why."""

from __future__ import annotations

import os
import re
import stat
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from researcher_job import contract
from researcher_job.sources.document import Reason, Unreadable

MAX_BYTES = 50_000_000
"""Larger files are recorded, never opened."""

_CREDENTIALS = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519).*|.*\.(?:pem|key|p12|pfx|ppk|kdbx|keystore|jks|env)"
    r"|credentials.*|.*[_-]credentials\..*|secrets\.(?:json|ya?ml|toml|ini)"
)
_MACHINE_MADE = frozenset({"__pycache__", "node_modules"})
_OF_A_JOB = frozenset(
    {contract.STATUS, contract.RUN, contract.STEPS, contract.OUTCOME, contract.ENDED}
)
_BINARY = getattr(os, "O_BINARY", 0)  # Windows would translate line ends
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # neither link nor fifo


@dataclass(frozen=True)
class Found:
    """A file below a source's root; ``reason`` is set where it must not be opened.

    ``name`` is its relative path with ``/``, fit to be shown; ``address`` the same, quoted for
    a URI. Both are empty for a source that is itself a file.
    """

    path: Path
    name: str
    address: str
    size: int = 0
    mtime_ns: int = 0
    reason: Reason | None = None


def walk(root: Path, *, avoid: Path | None = None) -> Iterator[Found]:
    """Yield the files at or below ``root`` in the order of their names.

    Not found at all, and so not counted, are hidden files and folders, names that look like
    credentials, job folders, folders that programs fill (``__pycache__``, ``node_modules``),
    ``avoid`` and links to what lies inside ``root``, which is found where it is. Links are
    never followed, special files never opened. ``root`` must be free of links.
    """
    if not root.is_dir():
        yield _look(root, root, os.lstat(root))
        return
    folders = [root]
    while folders:
        folder = folders.pop()
        inner: list[Path] = []
        for found in _folder(root, folder, avoid):
            if isinstance(found, Found):
                yield found
            else:
                inner.append(found)
        folders.extend(reversed(inner))


def _folder(root: Path, folder: Path, avoid: Path | None) -> Iterator[Found | Path]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
    except OSError:
        yield _found(root, folder, reason=Reason.FORBIDDEN_FOLDER)
        return
    if _is_job({entry.name for entry in entries}):
        return
    for entry in entries:
        path = Path(entry.path)
        if _ignored(entry.name) or path == avoid:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield path
        elif (found := _entry(root, path, entry)) is not None:
            yield found


def _entry(root: Path, path: Path, entry: os.DirEntry[str]) -> Found | None:
    if entry.is_symlink():
        return _link(root, path)
    try:
        return _look(root, path, entry.stat(follow_symlinks=False))
    except OSError:
        return _found(root, path, reason=Reason.GONE)


def _link(root: Path, path: Path) -> Found | None:
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):  # RuntimeError: how Python 3.11 and 3.12 report a loop
        return _found(root, path, reason=Reason.BROKEN_LINK)
    if target.is_relative_to(root):
        return None
    return _found(root, path, reason=Reason.LINK_OUT)


def _look(root: Path, path: Path, about: os.stat_result) -> Found:
    reason = None
    if not stat.S_ISREG(about.st_mode):
        reason = Reason.SPECIAL
    elif about.st_size > MAX_BYTES:
        reason = Reason.TOO_LARGE
    return _found(root, path, size=about.st_size, mtime_ns=about.st_mtime_ns, reason=reason)


def _found(
    root: Path, path: Path, *, reason: Reason | None, size: int = 0, mtime_ns: int = 0
) -> Found:
    relative = "" if path == root else path.relative_to(root).as_posix()
    raw = os.fsencode(relative)
    return Found(
        path=path,
        name=raw.decode("utf-8", "replace"),
        address=urllib.parse.quote(raw),
        size=size,
        mtime_ns=mtime_ns,
        reason=reason,
    )


def _ignored(name: str) -> bool:
    lower = name.lower()
    if lower.startswith(".") or lower in _MACHINE_MADE:
        return True
    return _CREDENTIALS.fullmatch(lower) is not None


def _is_job(names: set[str]) -> bool:
    return contract.REQUEST in names and not names.isdisjoint(_OF_A_JOB)


def read(found: Found) -> bytes:
    """Return what stands in the file; it is looked at again, now that it is open.

    Raises:
        Unreadable: it may not be opened, is gone, is no regular file any more or grew too large.
    """
    try:
        descriptor = os.open(found.path, os.O_RDONLY | _BINARY | _SAFELY)
    except PermissionError as error:
        raise Unreadable(Reason.FORBIDDEN) from error
    except OSError as error:
        raise Unreadable(Reason.GONE) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Unreadable(Reason.SPECIAL)
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise Unreadable(Reason.FORBIDDEN) from error
    if len(data) > MAX_BYTES:
        raise Unreadable(Reason.TOO_LARGE)
    return data
